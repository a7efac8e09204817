"""What goes wrong around the engine, one row a fault: the process survives or ends as it should, honest connections that were
open arrive whole, and new ones after it, memory stays within its limit, and its sums hold."""
import os
import random
import signal
import struct
import time
import typing

import lab
import raw


# That many, each from an address and port of its own; checksums are carried on from that of the first.
def syns(count):
    first = "11.0.0.0"
    head = raw.ipv4(6, raw.tcp(b"", first, lab.SERVER, (0, 5000), 0, 0, raw.SYN), first, lab.SERVER)
    ethernet, ip_sum, tcp_sum = raw.ethernet(0x0800, b"", destination=b"\x02\0\0\0\0\x99")[:14], *struct.unpack("!10xH24xH", head[:38])
    for source in random.sample(range(0x0B000000, 0xC8000000), count):
        port, seq = random.randint(1024, 65000), random.getrandbits(32)
        moved = (source >> 16) - 0x0B00 + (source & 0xFFFF)
        yield b"".join((ethernet, head[:10], carried(ip_sum, moved), struct.pack("!I", source), head[16:20],
                        struct.pack("!HHI", port, 5000, seq), head[28:36],
                        carried(tcp_sum, moved + port + (seq >> 16) + (seq & 0xFFFF)), head[38:], b"\0" * 6))


# A checksum (RFC 1624) after words grew by so much together.
def carried(checksum, grown):
    total = (~checksum & 0xFFFF) + grown
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


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


# The run ends and says so; with new interfaces the next one goes on.
def delete_interface(wire, rules):
    wire.shell("engine", "ip", "link", "del", "outside")
    wire.engine.wait(timeout=10)
    assert wire.engine.returncode == 1 and "outside: the interface is gone" in wire.said(), wire.said()
    assert "PROMISC" not in wire.shell("engine", "ip", "link", "show", "inside").stdout, "the other port is not as it was"
    wire.shell("engine", "ip", "link", "del", "inside")
    wire.build_first_wire()
    wire.start(rules=rules)


class Fault(typing.NamedTuple):
    name: str
    act: typing.Callable
    reason: str = ""    # under which packets must have been lost, or connections refused
    options: tuple = ()
    cuts: bool = False  # connections can't outlive it
    afpacket: bool = True


TABLE = [
    Fault("kill -9", kill),
    Fault("SIGSTOP for 5 s", lambda wire, _: stall(wire, 5)),
    Fault("link down and up", link),
    Fault("an interface deleted", delete_interface, cuts=True),
    Fault("rings full", lambda wire, _: stall(wire, 0, lambda: flood(wire, segments(1000), 100)), "socket_queue_full"),
    Fault("worker stalls", stall_worker, afpacket=False),  # which has one
    Fault("map full", map_full, "kernel_refused", ("--set", "wire.kernel-flows=8"), afpacket=False),  # which has no maps
    Fault("1 million SYNs from random sources", lambda wire, _: flood(wire, syns(250_000), 4)),
    Fault("64-byte floods at the generator's limit", lambda wire, _: flood(wire, small(1000) + segments(1000), 500)),
]


def transfer(wire, seconds):
    return wire.peer("client", "transfer", lab.SERVER, 5000, 8, 1 << 19, seconds)


def run(wire, fault, rules):
    begin = wire.start(*fault.options, rules=rules)
    honest = None if fault.cuts else transfer(wire, 4)
    time.sleep(1)
    fault.act(wire, rules)
    if honest:
        wire.finish(honest, 90)
    wire.finish(transfer(wire, 1), 30)
    peak = wire.peak()
    assert peak < lab.MEMORY, f"{fault.name}: {peak >> 20} MiB"
    wire.stop()
    if wire.capture == "afxdp":
        wire.detach()
    assert fault.reason in wire.said(begin), f"{fault.name}: {fault.reason} was not seen"
    print(f"{fault.name}: {'' if fault.cuts else '8 transfers whole, '}8 more behind it, at most {peak >> 20} MiB", flush=True)


with lab.Lab() as wire:
    rules = wire.rules('drop tcp any any -> any any (msg:"attack"; content:"NEVER-IN-THERE"; sid:1;)\n'
                       'pass tcp any any -> any 5001 (msg:"let go"; content:"up "; startswith; sid:2;)\n')
    wire.serve("server", "serve", 5000)
    wire.serve("server", "serve", 5001)
    for fault in TABLE:
        if wire.capture == "afxdp" or fault.afpacket:
            run(wire, fault, rules)
        else:
            print(f"{fault.name}: not with AF_PACKET")
