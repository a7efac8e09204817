"""The oracle's hostile connections through the wire, against the real sockets of the server's host: under a drop rule no
application reads the signature; without rules more than half of them do, so it is the engine that stops them.

LOCKSTEP_HOSTILE: how many connections, 1000 if not given; LOCKSTEP_SEED: of the first one.
"""
import os

import lab

COUNT, SEED = int(os.environ.get("LOCKSTEP_HOSTILE", "1000")), int(os.environ.get("LOCKSTEP_SEED", "1"))
ORACLE = os.environ.get("LOCKSTEP_ORACLE", os.path.join(lab.HERE, "../../build/dev/oracle_wire"))
HOST = ("10.0.0.2/8", "fd00::2/64")  # HostAddress in tests/oracle


# How many of the connections came through, and their seeds and families.
def play(wire):
    ends = [f"--{name}=/proc/{wire.spaces[host].pid}/ns/net" for name, host in (("peer", "client"), ("host", "server"))]
    said = wire.finish(wire.spawn("engine", ORACLE, *ends, "--count", str(COUNT), "--seed", str(SEED),
                                  stdout=lab.subprocess.PIPE), 60 + COUNT).splitlines()
    played, delivered, fences = (int(part.split()[0]) for part in said[-1].split(", "))
    assert played == COUNT and fences == 0, said[-1]
    return delivered, said[:-1]


with lab.Lab() as wire:
    # Its neighbours need no answer: everything goes out to the wire.
    wire.shell("server", "ip", "link", "set", "s0", "arp", "off")
    for address in HOST:
        wire.shell("server", "ip", "addr", "add", address, "dev", "s0", *(["nodad"] if ":" in address else []))
    # Without the engine nothing may pass, or a machine that is slow would let attacks through.
    options = ("--set", "wire.fail=closed")
    wire.start(*options)
    bare, _ = play(wire)
    wire.stop()
    assert bare >= COUNT / 2, f"without rules only {bare} of {COUNT} deliver the signature: the test would show nothing"
    wire.start(*options, rules=wire.rules('drop tcp any any -> any any (msg:"signature"; content:"EVIL-SIGNATURE"; sid:1;)\n'))
    delivered, which = play(wire)
    assert delivered == 0, "the application read the signature:\n" + "\n".join(which)
    wire.stop()
    print(f"of {COUNT} hostile connections {bare} deliver the signature without rules, none with the rule")
