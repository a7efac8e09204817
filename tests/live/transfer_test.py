"""Large transfers, both directions, over everything that a wire carries: IPv4, IPv6, VLAN, one queue and three, MTU 1500
and 9000. Every byte arrives, no connection is reset, and nothing is sent again because of the engine: no receiver ever sees a hole, and
the engine's own counters know of no packet that did not go out as it came."""
import json
import os
import sys
import time

import lab


def damage(wire):
    return {name: sum(wire.count(host, name) for host in ("client", "server"))
            for name in ("EstabResets", "AttemptFails", "TCPOFOQueue", "InCsumErrors")}


# Connections at once, half of them up, half down, paced below what the machine can do.
def paced(wire, address, connections=64, size=1 << 20):
    before = damage(wire)
    said = wire.finish(wire.peer("client", "transfer", address, 5000, connections, size, 4), 90)
    assert damage(wire) == before, f"{address}: {before} then {damage(wire)}"
    return said.strip()


def fast(wire, address):
    server = wire.spawn("server", "iperf3", "-s", "-1", stdout=lab.subprocess.DEVNULL)
    time.sleep(0.3)
    report = json.loads(wire.shell("client", "iperf3", "-c", address, "-t", "3", "-P", "8", "--bidir", "-J").stdout)
    server.wait(timeout=20)
    assert "error" not in report, report["error"]
    return report["end"]["sum_received"]["bits_per_second"] / 1e9, report["end"]["sum_received_bidir_reverse"]["bits_per_second"] / 1e9


SERVER_VLAN, SERVER6_VLAN = "10.42.0.2", "fd42::2"


# VLAN 42 on both hosts; python moves its frames, so few and small ones.
def tagged(wire):
    for host, end, number in (("client", "c0", 1), ("server", "s0", 2)):
        wire.serve(host, os.path.join(lab.HERE, "tagger.py"), end, "v42", 42, f"10.42.0.{number}/24", f"fd42::{number}/64")
    for address in (SERVER_VLAN, SERVER6_VLAN):
        print(f"VLAN 42, {address}: {paced(wire, address, 8, 1 << 18)}", flush=True)


ROWS = [
    ("1 queue, MTU 1500", {}),
    ("3 queues, MTU 1500", {"queues": 3}),
    ("1 queue, MTU 9000", {"mtu": 9000}),
]

for name, options in ROWS:
    with lab.Lab(**options) as wire:
        wire.start(rules=wire.rules('drop tcp any any -> any any (msg:"attack"; content:"NEVER-IN-THERE"; sid:1;)\n'))
        for address in ("0.0.0.0", "::"):
            wire.serve("server", "serve", 5000, address)
        for address in (lab.SERVER, lab.SERVER6):
            print(f"{name}, {address}: {paced(wire, address)}", flush=True)
        up, down = fast(wire, lab.SERVER)
        print(f"{name}: iperf3 {up:.2f} Gbit/s up, {down:.2f} down", flush=True)
        if not options:
            tagged(wire)
        wire.stop()
        said = wire.said()
        # With several queues the sender's own packets overtake each other at full speed, and what is late by its
        # timestamp the host would refuse too (RFC 7323 5).
        if "queues" not in options:
            assert "dropped" not in said and "rewritten" not in said and "made here" not in said, said
