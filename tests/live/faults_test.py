"""What goes wrong around the engine, one row a fault: the process survives or ends as it should, honest connections
arrive whole, memory stays within its limit, and its sums hold (its exit code says so)."""
import os
import random
import signal
import time

import lab
import raw


def syns(count):
    for _ in range(count):
        source = f"{random.randint(11, 200)}.{random.randint(0, 255)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        segment = raw.tcp(b"", source, lab.SERVER, (random.randint(1024, 65000), 5000), random.getrandbits(32), 0, raw.SYN)
        yield raw.ethernet(0x0800, raw.ipv4(6, segment, source, lab.SERVER), destination=b"\x02\0\0\0\0\x99")


def small(count):
    datagram = raw.ipv4(17, raw.udp(b"x" * 18, "10.9.0.77", "10.9.0.78"), "10.9.0.77", "10.9.0.78")
    return [raw.ethernet(0x0800, datagram, destination=b"\x02\0\0\0\0\x99")] * count


def flood(wire, frames, loops):
    wire.shell("client", "tcpreplay", "-q", "--topspeed", "--preload-pcap", f"--loop={loops}", "-i", "c0",
               lab.capture(wire, "flood.pcap", frames))


def kill(wire, rules):
    wire.kill()
    wire.start(rules=rules)


def stall(wire, seconds, meanwhile=lambda: None):
    os.kill(wire.pid, signal.SIGSTOP)
    meanwhile()
    time.sleep(seconds)
    os.kill(wire.pid, signal.SIGCONT)


def link(wire, _):
    wire.shell("engine", "ip", "link", "set", "outside", "down")
    time.sleep(1)
    wire.shell("engine", "ip", "link", "set", "outside", "up")


# Segments of no connection: with a rule for their port they are the engine's.
def segments(count):
    segment = raw.tcp(b"x" * 18, "10.9.0.77", "10.9.0.78", (4000, 5000), 1, 1, raw.ACK)
    return [raw.ethernet(0x0800, raw.ipv4(6, segment, "10.9.0.77", "10.9.0.78"), destination=b"\x02\0\0\0\0\x99")] * count


# One of the threads stands still, as under a debugger.
def stall_worker(wire, _):
    tasks = f"/proc/{wire.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="utf-8") as file:
            if file.read().strip() == "worker-0":
                lab.stall_thread(int(task), 5)


# Honest connections that a rule lets go, more than the kernel has room for.
def map_full(wire, _):
    print(wire.finish(wire.peer("client", "transfer", lab.SERVER, 5001, 64, 1 << 18, 3)).strip())


# Row, what is done, the reason under which packets must have been lost, why it can't be run.
TABLE = [
    ("kill -9", kill, None, None),
    ("SIGSTOP for 5 s", lambda wire, _: stall(wire, 5), None, None),
    ("link down and up", link, None, None),
    ("rings full", lambda wire, _: stall(wire, 0, lambda: flood(wire, segments(1000), 100)), "socket_queue_full", None),
    ("worker stalls", stall_worker, None, None),
    ("map full", map_full, "kernel_refused", None),
    ("1 million SYNs from random sources", lambda wire, _: flood(wire, syns(50000), 20), None, None),
    ("64-byte flood", lambda wire, _: flood(wire, small(1000), 1000), None, None),
]


OPTIONS = {"map full": ("--set", "wire.kernel-flows=8")}


def run(wire, row, rules):
    name, fault, reason, _ = row
    begin = wire.start(*OPTIONS.get(name, ()), rules=rules)
    honest = wire.peer("client", "transfer", lab.SERVER, 5000, 8, 1 << 19, 4)
    time.sleep(1)
    fault(wire, rules)
    wire.finish(honest, 90)
    peak = wire.peak()
    assert peak < lab.MEMORY, f"{name}: {peak >> 20} MiB"
    wire.stop()
    if wire.capture == "afxdp":
        wire.detach()
    assert reason is None or reason in wire.said(begin), f"{name}: {reason} was not seen"
    print(f"{name}: 8 transfers whole, at most {peak >> 20} MiB", flush=True)


def interface_deleted(wire, rules):
    wire.start(rules=rules)
    wire.shell("engine", "ip", "link", "del", "outside")
    wire.engine.wait(timeout=10)
    assert wire.engine.returncode == 1 and "outside: the interface is gone" in wire.said(), wire.said()
    assert "PROMISC" not in wire.shell("engine", "ip", "link", "show", "inside").stdout, "the other port is not as it was"
    print("an interface deleted: the run ends and says so, the other interface is put back")


with lab.Lab() as wire:
    rules = wire.rules('drop tcp any any -> any any (msg:"attack"; content:"NEVER-IN-THERE"; sid:1;)\n'
                       'pass tcp any any -> any 5001 (msg:"let go"; content:"up "; startswith; sid:2;)\n')
    wire.serve("server", "serve", 5000)
    wire.serve("server", "serve", 5001)
    for row in TABLE:
        if wire.capture != "afxdp" and row[0] in ("map full", "worker stalls"):
            print(f"{row[0]}: not with AF_PACKET: it has no maps, and one worker")
        elif row[1] is None:
            print(f"{row[0]}: open: {row[3]}")
        else:
            run(wire, row, rules)
    interface_deleted(wire, rules)
