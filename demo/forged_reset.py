"""forged_reset.py ADDRESS LATE-LINE: opens a connection, forges resets in its own name behind its own back, then goes on with
the line, and ends the request. Prints how many resets were forged, and what came back: "answered", "silence" or "reset".

As a forger on the path does, it reads the numbers off the wire: one reset misses the next number but lies in the window, one
is exact."""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/live"))
import raw  # noqa: E402

address, line = sys.argv[1:]
watch = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(raw.ETH_ALL))
watch.bind(("c0", raw.ETH_ALL))
watch.settimeout(2)
client = socket.create_connection((address, 80))
client.sendall(b"GET /report HTTP/1.0\r\n")
own = struct.pack("!H", client.getsockname()[1])
while True:
    frame = watch.recv(65536)
    length = struct.unpack("!H", frame[16:18])[0] - 40 - ((frame[46] >> 4) - 5) * 4 if frame[12:14] == b"\x08\0" else 0
    if frame[23] == 6 and frame[34:36] == own and length > 0:
        break
source, destination = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
following, ack = struct.unpack("!I", frame[38:42])[0] + length, struct.unpack("!I", frame[42:46])[0]
for seq in (following + 1000, following):
    segment = raw.tcp(b"", source, destination, struct.unpack("!HH", frame[34:38]), seq, ack, raw.RST | raw.ACK)
    watch.send(raw.ethernet(0x0800, raw.ipv4(6, segment, source, destination), frame[6:12], frame[0:6]))
time.sleep(0.5)
client.settimeout(2)
try:
    client.sendall(f"X-Line: {line}\r\n\r\n".encode())
    answer = "answered" if client.recv(100) else "silence"
except TimeoutError:
    answer = "silence"
except ConnectionError:
    answer = "reset"
print(2, answer)
