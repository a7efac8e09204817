"""What happens without the engine: a pair that fails open goes on in the kernel within 100 ms of a kill -9, one that fails
closed lets nothing pass; after a restart connections in progress are inspected again."""
import os
import socket
import sys
import time

import lab

RULES = 'drop tcp any any -> any any (msg:"attack"; content:"ATTACK-SIGNATURE"; sid:1;)\n'

# A server that sends 4 KiB every 2 ms for so many seconds and then answers one line, and a client that tells the
# longest silence, and whether an attack at the end was answered.
SERVE = """
import socket, time
s = socket.create_server(("0.0.0.0", 7000))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    try:
        end = time.monotonic() + float(c.recv(100))
        while time.monotonic() < end:
            c.sendall(b"x" * 4096)
            time.sleep(0.002)
        c.sendall(b"END")
        c.sendall(c.recv(100))
    except OSError:
        pass
    c.close()
"""
ASK = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 7000))
s.sendall(sys.argv[2].encode())
s.settimeout(20)
longest, last, data = 0.0, time.monotonic(), b""
while not data.endswith(b"END"):
    data = s.recv(65536)
    now = time.monotonic()
    longest, last = max(longest, now - last), now
print(f"{longest * 1000:.1f}")
s.settimeout(2)
try:
    s.sendall(b"ATTACK-SIGNATURE")
    print("answered" if s.recv(65536) else "ended")
except OSError:
    print("stopped")
"""


def serve(wire):
    server = wire.spawn("server", sys.executable, "-c", SERVE, stdout=lab.subprocess.PIPE)
    assert server.stdout.readline().strip() == "ready"


def ask(wire, seconds):
    return wire.spawn("client", sys.executable, "-c", ASK, lab.SERVER, str(seconds), stdout=lab.subprocess.PIPE)


def answer(wire, process):
    longest, attack = wire.finish(process, 60).split()
    return float(longest), attack


def run(policy, act):
    with lab.Lab() as wire:
        serve(wire)
        options = ["--set", f"wire.fail={policy}"]
        wire.start(*options, rules=wire.rules(RULES))
        asking = ask(wire, 5)
        time.sleep(1)
        act(wire, options)
        longest, attack = answer(wire, asking)
        if act is not kill:
            wire.stop()
        return longest, attack


def kill(wire, _):
    wire.kill()


def kill_and_restart(wire, options):
    wire.kill()
    time.sleep(1)
    wire.start(*options, rules=wire.rules(RULES))


def restart(wire, options):
    wire.stop()
    wire.start(*options, rules=wire.rules(RULES))


with lab.Lab() as wire:  # the longest silence with nothing done to it: what this machine adds by itself
    serve(wire)
    wire.start(rules=wire.rules(RULES))
    usual, attack = answer(wire, ask(wire, 3))
    assert attack != "answered", "the attack was answered"
    wire.stop()

allowed = 100 + usual
longest, attack = run("open", kill)
assert longest < allowed, f"fail-open, kill -9: silent for {longest} ms, usually {usual}"
assert attack == "answered", "without an engine nothing is inspected"
print(f"fail-open, kill -9: silent for {longest} ms (usually {usual})")
longest, attack = run("open", kill_and_restart)
assert longest < allowed and attack != "answered", f"kill -9 and restart: {longest} ms, the attack was {attack}"
print(f"fail-open, kill -9 and a restart: silent for {longest} ms, the attack at the end {attack}")
longest, attack = run("open", restart)
assert longest < allowed and attack != "answered", f"stop and restart: {longest} ms, the attack was {attack}"
print(f"fail-open, an orderly end and a start: silent for {longest} ms, the attack at the end {attack}")
longest, attack = run("closed", kill_and_restart)
assert longest > 900 and attack != "answered", f"fail-closed: {longest} ms, the attack was {attack}"
print(f"fail-closed, kill -9 and a restart: silent for {longest} ms, the attack at the end {attack}")
