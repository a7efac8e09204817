"""Frames by hand: built, sent and received on one interface of a live test's host.

    raw.py echo INTERFACE SECONDS        prints what arrives, one frame in hex a line
"""
import socket
import struct
import sys
import time

ETH_ALL = 3
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(kind, payload, source=b"\x02\0\0\0\0\x77", destination=b"\xff" * 6, tags=()):
    head = destination + source
    for protocol, vid in tags:
        head += struct.pack("!HH", protocol, vid)
    frame = head + struct.pack("!H", kind) + payload
    return frame + b"\0" * (60 - len(frame))


def ipv4(protocol, payload, source, destination, ident=1, flags=0, offset=0, ttl=64):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, flags << 13 | offset // 8, ttl, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(next_header, payload, source, destination):
    return (struct.pack("!IHBB", 6 << 28, len(payload), next_header, 64) + socket.inet_pton(socket.AF_INET6, source) +
            socket.inet_pton(socket.AF_INET6, destination) + payload)


def udp(payload, source, destination, ports=(4000, 4001)):
    head = struct.pack("!HHHH", *ports, 8 + len(payload), 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 17, 8 + len(payload))
    return head[:6] + struct.pack("!H", checksum(pseudo + head + payload) or 0xFFFF) + payload


def tcp(payload, source, destination, ports, seq, ack, flags, window=65535, wrong=0):
    head = struct.pack("!HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, window, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, len(head) + len(payload))
    value = checksum(pseudo + head + payload) ^ wrong
    return head[:16] + struct.pack("!HH", value, 0) + payload


class Wire:
    """One interface, all frames that come in by it."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
        self.socket.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.socket.setsockopt(263, 8, 1)  # PACKET_AUXDATA, which gives VLAN tags back
        self.socket.bind((interface, ETH_ALL))

    def send(self, frame):
        self.socket.send(frame)

    # The kernel takes the outermost tag out of a frame; it stands here again.
    def receive(self, seconds):
        self.socket.settimeout(seconds)
        try:
            frame, extra, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(20))
        except TimeoutError:
            return None
        for _, kind, data in extra:
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if kind == 8 and status & 0x10:
                frame = frame[:12] + struct.pack("!HH", tpid or 0x8100, tci) + frame[12:]
        return frame


class Peer:
    """A TCP client of our own on that interface, which sends any segment at any time."""
    address, mac = "10.9.0.77", b"\x02\0\0\0\0\x77"

    def __init__(self, interface, server, server_mac, port, own_port):
        self.wire, self.server, self.server_mac = Wire(interface), server, server_mac
        self.ports, self.seq, self.ack = (own_port, port), 1000, 0

    def packet(self, payload=b"", at=0, flags=ACK | PSH, **over):
        return tcp(payload, self.address, self.server, self.ports, self.seq + at, over.pop("ack", self.ack), flags, **over)

    def send(self, payload=b"", at=0, flags=ACK | PSH, **over):
        self.emit(ipv4(6, self.packet(payload, at, flags, **over), self.address, self.server))

    def emit(self, packet):
        self.wire.send(ethernet(0x0800, packet, self.mac, self.server_mac))

    def fragments(self, payload, at, size, order):
        segment = self.packet(payload, at)
        pieces = [(offset, segment[offset:offset + size]) for offset in range(0, len(segment), size)]
        for offset, piece in order(pieces):
            more = 1 if offset + len(piece) < len(segment) else 0
            self.emit(ipv4(6, piece, self.address, self.server, ident=at + 7, flags=more, offset=offset))

    def connect(self, seconds=3.0):
        self.send(flags=SYN)
        self.seq += 1
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            frame = self.wire.receive(0.2)
            if frame and frame[12:14] == b"\x08\0" and frame[23] == 6 and frame[36:38] == struct.pack("!H", self.ports[0]):
                assert frame[47] & SYN, "no SYN-ACK"
                self.ack = struct.unpack("!I", frame[38:42])[0] + 1
                self.send(flags=ACK)
                return
        raise AssertionError("the server did not answer")


def echo(interface, seconds):
    wire, end = Wire(interface), time.monotonic() + float(seconds)
    print("ready", flush=True)
    while time.monotonic() < end:
        frame = wire.receive(0.1)
        if frame:
            print(frame.hex(), flush=True)


if __name__ == "__main__":
    {"echo": echo}[sys.argv[1]](*sys.argv[2:])
