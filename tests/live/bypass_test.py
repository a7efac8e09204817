"""What no rule can match is forwarded by the kernel alone: at once if no rule's header fits, else once the engine has
let the connection go; no packet is reordered by the change, and what the engine dropped is dropped in the kernel."""
import json
import os
import signal

import lab
import raw

RULES = """
drop tcp any any -> any 8080 (msg:"attack"; content:"ATTACK-SIGNATURE"; sid:1;)
pass tcp any any -> any 5001 (msg:"let go"; content:"up "; startswith; sid:2;)
"""


TO_ENGINE, FORWARDED, BYPASSED, PREFIX, BLOCKED = 0, 1, 2, 9, 10


# Segments that came ahead of a hole, of everything that this host received.
def overtaken(wire, host):
    return wire.count(host, "TCPOFOQueue")


def during(wire, work):
    before = wire.kernel_counts()
    print(work().strip())
    after = wire.kernel_counts()
    return {way: after[way] - before[way] for way in after}


def free(wire):
    """Where no rule's header fits the kernel forwards; where one may match the engine gets everything."""
    seen = during(wire, lambda: wire.finish(wire.peer("client", "transfer", lab.SERVER, 5000, 8, 1 << 20)))
    assert seen[TO_ENGINE] == 0 and seen[FORWARDED] > 5000, f"no rule's header fits: {seen}"
    seen = during(wire, lambda: wire.finish(wire.peer("client", "transfer", lab.SERVER, 8080, 8, 1 << 20)))
    assert seen[TO_ENGINE] > 5000 and seen[FORWARDED] < 10, f"a rule may match: {seen}"


def let_go(wire):
    """A pass rule matches the first bytes of half of the connections; the rest of these goes past the engine."""
    late = {host: overtaken(wire, host) for host in ("client", "server")}
    seen = during(wire, lambda: wire.finish(wire.peer("client", "transfer", lab.SERVER, 5001, 64, 1 << 20, 6)))
    assert seen[BYPASSED] > 20000, f"32 connections were let go: {seen}"
    late = {host: overtaken(wire, host) - late[host] for host in late}
    assert late == {"client": 0, "server": 0}, f"overtaken packets: {late}"
    print(f"{seen[BYPASSED]} packets forwarded by the kernel alone, {seen[TO_ENGINE]} by the engine, none overtaken")


def blocked_flow(wire, number):
    mac = wire.mac("server", "s0")
    attack = [os.path.join(lab.HERE, "attacker.py"), "stubborn", lab.SERVER, mac, 8080, 41000 + number]
    seen = during(wire, lambda: wire.finish(wire.peer("client", *attack)))
    assert seen[BLOCKED] > 100, f"a dropped connection that goes on: {seen}"
    print(f"{seen[BLOCKED]} packets of a dropped connection dropped in the kernel")


def blocked_prefix(wire):
    with open(wire.path("blocked"), "w", encoding="utf-8") as file:
        file.write("10.9.0.77  # the attacker\n")
    begin = len(wire.said())
    os.kill(wire.pid, signal.SIGHUP)
    lab.wait_for(lambda: "generation 2" in wire.said(begin), 20, "the reload")
    datagram = raw.ethernet(0x0800, raw.ipv4(17, raw.udp(b"x", "10.9.0.77", lab.SERVER), "10.9.0.77", lab.SERVER))
    path = lab.capture(wire, "datagrams.pcap", [datagram] * 100)
    seen = during(wire, lambda: wire.shell("client", "tcpreplay", "-q", "-i", "c0", path).stdout and "replayed")
    assert seen[PREFIX] == 100, f"100 datagrams from a blocked prefix: {seen}"
    print("100 datagrams from a prefix that a reload blocked: dropped in the kernel")


for queues in (1, 3):
    with lab.Lab(queues=queues) as wire:
        open(wire.path("blocked"), "w").close()
        wire.start("--set", f"wire.block-files={wire.path('blocked')}", rules=wire.rules(RULES))
        for port in (5000, 5001, 8080):
            wire.serve("server", "serve", port)
        wire.shell("server", "ip", "neigh", "add", "10.9.0.77", "lladdr", "02:00:00:00:00:77", "dev", "s0")
        free(wire)
        let_go(wire)
        blocked_flow(wire, queues)
        blocked_prefix(wire)
        wire.stop()
        print(wire.said())
