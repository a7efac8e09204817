"""What is no TCP passes as it came, both ways, and the engine says nothing of its own on either wire."""
import os
import sys

import lab
import raw

A, B = "10.9.0.77", "10.9.0.78"
V6A, V6B = "fd09::77", "fd09::78"
LARGE = bytes(range(256)) * 5


def frames():
    datagram = raw.udp(LARGE, A, B)
    icmp = b"\x08\0" + b"\0\0" + b"\0\1\0\1ping"
    icmp = icmp[:2] + raw.struct.pack("!H", raw.checksum(icmp)) + icmp[4:]
    yield "arp", raw.ethernet(0x0806, bytes.fromhex("0001080006040001") + b"\x02" * 20)
    yield "neighbour discovery", raw.ethernet(0x86DD, raw.ipv6(58, b"\x87\0\0\0" + b"\0" * 20, V6A, "ff02::1:ff00:78"))
    yield "lldp", raw.ethernet(0x88CC, b"\x02\x07\x04abcdef", destination=bytes.fromhex("0180c200000e"))
    yield "stp", raw.ethernet(0x26, bytes.fromhex("424203") + b"\0" * 35, destination=bytes.fromhex("0180c2000000"))
    yield "unknown ethertype", raw.ethernet(0x88B5, b"anything")
    yield "udp", raw.ethernet(0x0800, raw.ipv4(17, datagram, A, B))
    yield "udp over ipv6", raw.ethernet(0x86DD, raw.ipv6(17, b"\x10\0\x10\1\0\x0c\x12\x34abcd", V6A, V6B))
    yield "icmp", raw.ethernet(0x0800, raw.ipv4(1, icmp, A, B))
    yield "multicast", raw.ethernet(0x0800, raw.ipv4(17, raw.udp(b"many", A, "239.1.2.3"), A, "239.1.2.3"),
                                    destination=bytes.fromhex("01005e010203"))
    yield "sctp", raw.ethernet(0x0800, raw.ipv4(132, b"\0" * 24, A, B))
    yield "gre", raw.ethernet(0x0800, raw.ipv4(47, b"\0\0\x08\0" + b"x" * 40, A, B))
    yield "vlan", raw.ethernet(0x0800, raw.ipv4(17, datagram, A, B), tags=[(0x8100, 42)])
    yield "vlan with priority", raw.ethernet(0x0806, b"\x01" * 28, tags=[(0x8100, 0xE000 | 7)])
    yield "qinq", raw.ethernet(0x0800, raw.ipv4(17, datagram, A, B), tags=[(0x88A8, 100), (0x8100, 42)])
    for offset in (0, 640):
        more = 1 if offset == 0 else 0
        yield f"udp fragment at {offset}", raw.ethernet(0x0800, raw.ipv4(17, datagram[offset:offset + 640], A, B, ident=9,
                                                                        flags=more, offset=offset))


def compare(wire, source, sink):
    receiver = wire.serve(sink[0], wire_raw, "echo", sink[1], "3")
    script = "import sys; sys.path.insert(0, sys.argv[1]); import raw\nw = raw.Wire(sys.argv[2])\n" \
             "for line in sys.stdin: w.send(bytes.fromhex(line.strip()))"
    sent = list(frames())
    wire.shell(source[0], sys.executable, "-c", script, lab.HERE, source[1], input="\n".join(f.hex() for _, f in sent) + "\n")
    received = wire.finish(receiver).split()
    lost = [name for name, frame in sent if frame.hex() not in received]
    assert not lost, f"{source[0]} to {sink[0]}: not as they came: {lost}"
    order = [received.index(frame.hex()) for _, frame in sent]
    assert order == sorted(order), f"{source[0]} to {sink[0]}: out of order"
    return len(sent)


def macs(wire):
    show = wire.shell("engine", "ip", "-o", "link").stdout
    return [line.split("link/ether ")[1][:17].replace(":", "") for line in show.splitlines() if "link/ether" in line]


wire_raw = os.path.join(lab.HERE, "raw.py")
with lab.Lab() as wire:
    wire.start()
    watchers = [wire.serve(host, wire_raw, "echo", end, "10") for host, end in (("client", "c0"), ("server", "s0"))]
    own = macs(wire)
    said = [frame for watcher in watchers for frame in wire.finish(watcher).split() if frame[12:24] in own]
    assert not said, f"the engine said: {said}"
    print(f"{compare(wire, ('client', 'c0'), ('server', 's0'))} frames to the server as they came, "
          f"{compare(wire, ('server', 's0'), ('client', 'c0'))} to the client, silent for 10 s")
    wire.stop()
    if wire.capture == "afxdp":
        left = wire.shell("engine", "ip", "-d", "link", "show", "outside").stdout
        assert "prog/xdp" in left, f"the kernel's part of the wire is gone: {left}"
        wire.detach()
    restored = wire.shell("engine", "ip", "-d", "link", "show", "outside").stdout
    assert "PROMISC" not in restored and "NOARP" not in restored and "prog/xdp" not in restored, restored
    assert not os.path.exists(wire.path("bpf/lockstep/outside-inside")), "pins are left"
