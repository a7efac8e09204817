"""Captures of Ethernet frames, classic pcap, as two lots: what the clients said in them, and what the servers said."""
import glob
import os
import struct

ETHERNET, LONGEST = 1, 1514  # link type; frames that fit an MTU of 1500


def frames(path):
    with open(path, "rb") as file:
        head = file.read(24)
        order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(head[:4])
        if order is None or len(head) < 24 or struct.unpack(order + "I", head[20:24])[0] != ETHERNET:
            return
        while len(record := file.read(16)) == 16:
            size = struct.unpack(order + "IIII", record)[2]
            frame = file.read(size)
            if 14 <= len(frame) == size <= LONGEST:
                yield frame


# Both ends, the sender first; None for what is no IP.
def ends(frame):
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, ip = frame[at:at + 2], at + 2
    if kind == b"\x08\0" and len(frame) >= ip + 24:
        ports = ip + (frame[ip] & 15) * 4
        return (frame[ip + 12:ip + 16], frame[ports:ports + 2]), (frame[ip + 16:ip + 20], frame[ports + 2:ports + 4])
    if kind == b"\x86\xdd" and len(frame) >= ip + 44:
        return (frame[ip + 8:ip + 24], frame[ip + 40:ip + 42]), (frame[ip + 24:ip + 40], frame[ip + 42:ip + 44])
    return None


# (clients' frames, servers' frames); the first of two ends to speak is the client.
def by_side(paths):
    sides = [], []
    for path in paths:
        clients = {}
        for frame in frames(path):
            pair = ends(frame)
            server = pair is not None and clients.setdefault(frozenset(pair), pair[0]) != pair[0]
            sides[server].append(frame)
    return sides


def paths(folder):
    return sorted(glob.glob(os.path.join(folder, "**/*.pcap"), recursive=True))
