"""forger.py INTERFACE SECONDS [exact]: for every few segments that come by, one that is forged after it: such as the host
refuses, or "exact": resets that it would take, in the name of either end, to the other one. Prints "ready", and at its end
how many were sent."""
import socket
import struct
import sys
import time

import raw

interface, seconds, exact = sys.argv[1], float(sys.argv[2]), sys.argv[3:] == ["exact"]
watch = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(raw.ETH_ALL))
watch.bind((interface, raw.ETH_ALL))
watch.settimeout(0.2)
print("ready", flush=True)

FORGERIES = [
    ("rst far off", lambda seq, ack: (b"", seq + (1 << 30), ack, raw.RST)),
    ("rst left of it", lambda seq, ack: (b"", seq - 100000, ack, raw.RST | raw.ACK)),
    ("syn", lambda seq, ack: (b"", seq, ack, raw.SYN)),
    ("syn-ack", lambda seq, ack: (b"", seq, ack, raw.SYN | raw.ACK)),
    ("data without ack", lambda seq, ack: (b"forged", seq, 0, raw.PSH)),
    ("data far off", lambda seq, ack: (b"forged", seq + (1 << 29), ack, raw.ACK)),
    ("ack of unsent", lambda seq, ack: (b"forged", seq, ack + (1 << 29), raw.ACK)),
    ("fin far off", lambda seq, ack: (b"", seq + (1 << 28), ack, raw.FIN | raw.ACK)),
    ("no flags", lambda seq, ack: (b"forged", seq, ack, 0)),
]
# Right behind what this segment's sender sent, and at what it acknowledges, where its receiver sends on.
EXACT = [
    ("of its sender", lambda seq, ack, length: (b"", seq + length, ack, raw.RST | raw.ACK)),
    ("of its sender, bare", lambda seq, ack, length: (b"", seq + length, 0, raw.RST)),
]


def of_the_kind(number, seq, ack, length):
    if exact:
        return EXACT[number % len(EXACT)][1](seq, ack, length)
    return FORGERIES[number % len(FORGERIES)][1](seq, ack)


end, sent, seen = time.monotonic() + seconds, 0, 0
while time.monotonic() < end:
    try:
        frame, where = watch.recvfrom(65536)
    except TimeoutError:
        continue
    if frame[12:14] != b"\x08\0" or frame[23] != 6 or frame[47] & (raw.SYN | raw.RST):
        continue
    seen += 1
    if seen % 3:
        continue
    source, destination = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    ports = struct.unpack("!HH", frame[34:38])
    seq, ack = struct.unpack("!II", frame[38:46])
    length = struct.unpack("!H", frame[16:18])[0] - 20 - (frame[46] >> 4) * 4
    payload, seq, ack, flags = of_the_kind(sent, seq, ack, length)
    segment = raw.tcp(payload, source, destination, ports, seq, ack, flags, wrong=1 if sent % 10 == 9 and not exact else 0)
    # In the name of either end, whichever side it is on: half of them come in by the wrong one.
    watch.send(raw.ethernet(0x0800, raw.ipv4(6, segment, source, destination), frame[6:12], frame[0:6]))
    sent += 1
print(sent)
