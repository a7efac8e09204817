"""What the kernel's part of the wire drops by itself: nonsense and blocked prefixes, of files and of an operator, TCP or
not; all of it is counted, and some is among the events. Observing, it drops nothing."""
import os
import time

import lab
import raw

EVIL, BLOCKED, ANY = "10.9.8.66", "203.0.113.9", (lab.SERVER, (1025, 9))
ROUNDS = 40


def nonsense(source=lab.CLIENT):
    return raw.ethernet(0x0800, raw.ipv4(6, raw.tcp(b"", source, ANY[0], ANY[1], 1, 0, raw.SYN | raw.FIN), source, ANY[0]))


def datagram(source):
    return raw.ethernet(0x0800, raw.ipv4(17, raw.udp(b"x" * 300, source, ANY[0], (4000, 9)), source, ANY[0]))


def segment(source):
    return raw.ethernet(0x0800, raw.ipv4(6, raw.tcp(b"hello", source, ANY[0], ANY[1], 1, 1, raw.ACK), source, ANY[0]))


# A first fragment too short for TCP's header, which the engine refuses.
def tiny():
    return raw.ethernet(0x0800, raw.ipv4(6, b"\0" * 8, lab.CLIENT, ANY[0], flags=1))


def damaged():
    return raw.ethernet(0x0800, raw.ipv4(6, raw.tcp(b"hello", lab.CLIENT, ANY[0], ANY[1], 1, 1, raw.ACK, wrong=1), lab.CLIENT, ANY[0]))


KINDS = {"nonsense": nonsense(), "tiny": tiny(), "damaged": damaged(), "datagram": datagram(EVIL), "segment": segment(EVIL),
         "of the file": datagram(BLOCKED)}
PASSES = {"nonsense": 0, "tiny": 0, "damaged": 0, "datagram": ROUNDS, "segment": ROUNDS, "of the file": 0}


# How many of each kind the server's interface got.
def arrive(wire):
    listener = wire.peer("server", os.path.join(lab.HERE, "raw.py"), "echo", "s0", 2.5)
    time.sleep(0.7)
    for frame in KINDS.values():
        wire.shell("client", "tcpreplay", "-q", "-i", "c0", "--loop", str(ROUNDS), "--pps", "2000",
                   lab.capture(wire, "frames.pcap", [frame]))
    came = wire.finish(listener).split()
    return {kind: came.count(frame.hex()) for kind, frame in KINDS.items()}


def dropped(wire):
    counts = {}
    for line in wire.said().splitlines():
        words = line.split()
        for reason in ("tcp_bad_flags", "blocked_prefix"):
            if reason in words:
                counts[reason] = max(int(word.replace(",", "")) for word in words if word.replace(",", "").isdigit())
    return counts


with lab.Lab() as wire:
    if wire.capture != "afxdp":
        lab.skip("AF_PACKET has no kernel part")
    with open(wire.path("blocked"), "w", encoding="utf-8") as file:
        file.write("203.0.113.0/24  # of a list\n")
    options = ("--set", f"wire.block-files={wire.path('blocked')}")
    wire.start(*options, rules=wire.rules('alert tcp any any -> any any (msg:"x"; content:"never"; sid:1;)\n'))
    got = arrive(wire)
    assert got == PASSES, got
    wire.ctl("block", EVIL)
    got = arrive(wire)
    assert got == dict.fromkeys(KINDS, 0), got
    wire.ctl("block", "10.9.8.0/24")
    wire.ctl("allow", EVIL)
    got = arrive(wire)
    assert got == PASSES, got
    wire.ctl("unblock", EVIL)
    wire.ctl("unblock", "10.9.8.0/24")
    got = arrive(wire)
    assert got == PASSES, got
    time.sleep(1.2)
    wire.stop()
    counts = dropped(wire)
    assert counts == {"tcp_bad_flags": 4 * ROUNDS, "blocked_prefix": 6 * ROUNDS}, f"{counts}\n{wire.said()}"
    drops = [event for event in wire.events("drop") if event["lockstep"].get("stage") == "xdp"]
    told = {(event["lockstep"]["reason"], event["proto"], event["src_ip"]) for event in drops}
    assert ("tcp_bad_flags", "TCP", lab.CLIENT) in told and ("blocked_prefix", "UDP", BLOCKED) in told, told
    assert all(event["lockstep"]["sampled"] and event["in_iface"] == "outside" for event in drops), drops
    assert all(event["dest_port"] == 9 and event["drop"]["reason"] in ("decode error", "rules") for event in drops), drops
    assert len(drops) < 100, "samples, not all"
    print(f"enforcing: {counts} dropped, {len(drops)} of them told")

    wire.start(*options, "--mode", "observe", rules=wire.path("live.rules"))
    got = arrive(wire)
    assert got == dict.fromkeys(KINDS, ROUNDS), got
    wire.stop()
    print("observing: all arrive")
