"""The TCP streams of a pcap file of Ethernet frames, or Linux cooked v2: by offset, every value that came there.

Written for tests: independent of the program under test, trusts nothing, and knows no policy. Bytes are placed by
sequence number alone, so a stream holds whatever a host could have taken.
"""
import struct


def frames(path):
    data = open(path, "rb").read()
    for order in "<", ">":
        (magic,) = struct.unpack_from(order + "I", data)
        if magic in (0xa1b2c3d4, 0xa1b23c4d):
            break
    else:
        raise ValueError(f"{path}: not a pcap file")
    link = struct.unpack_from(order + "I", data, 20)[0]
    at = 24
    while at < len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        yield link, data[at + 16:at + 16 + length]
        at += 16 + length


def ip_packet(link, frame):
    """(VLAN tags, IP packet) or None."""
    if link == 276:
        return (), frame[20:]
    at, vlans = 12, []
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        vlans.append(struct.unpack_from("!H", frame, at + 2)[0] & 0xfff)
        at += 4
    return (tuple(vlans), frame[at + 2:]) if frame[at:at + 2] in (b"\x08\x00", b"\x86\xdd") else None


def segments(path):
    """(key of the direction, TCP segment) in order; datagrams are put together from their fragments."""
    waiting = {}
    for link, frame in frames(path):
        packet = ip_packet(link, frame)
        if packet is None:
            continue
        vlans, ip = packet
        if ip[0] >> 4 == 4:
            body = ip[(ip[0] & 15) * 4:struct.unpack_from("!H", ip, 2)[0]]
            protocol, ends = ip[9], ip[12:20]
            word = struct.unpack_from("!H", ip, 6)[0]
            identification, at, more = ip[4:6], (word & 0x1fff) * 8, bool(word & 0x2000)
        else:
            body = ip[40:40 + struct.unpack_from("!H", ip, 4)[0]]
            protocol, ends = ip[6], ip[8:40]
            identification, at, more = b"", 0, False
            if protocol == 44:
                protocol, _, word, identification = struct.unpack_from("!BBHI", body)
                at, more, body = word & 0xfff8, bool(word & 1), body[8:]
        if protocol != 6:
            continue
        if at or more:
            pieces = waiting.setdefault((vlans, ends, identification), {})
            pieces[at] = (body, more)
            body = b""
            while len(body) in pieces:
                piece, more = pieces[len(body)]
                body += piece
                if not more:
                    break
            else:
                continue
            del waiting[vlans, ends, identification]
        yield (vlans, ends, body[:4]), body


def streams(path):
    """Direction → {number of the byte: set of values}; numbers count from the first that was seen."""
    found, first = {}, {}
    for key, segment in segments(path):
        seq, flags = struct.unpack_from("!I", segment, 4)[0], segment[13]
        payload = segment[(segment[12] >> 4) * 4:]
        if flags & 2 or key not in first:
            if flags & 2 and found.get(key) and first[key] != seq:
                key = (*key, seq)  # another connection on the same ports
            first.setdefault(key, seq)
        begin = (seq - first[key] + 0x80000000) % 0x100000000 - 0x80000000
        stream = found.setdefault(key, {})
        for i, value in enumerate(payload):
            stream.setdefault(begin + i, set()).add(value)
    return found


def runs(stream):
    """First place → bytes, of each run of consecutive places; a place with several values raises ValueError."""
    out, last = {}, None
    for place in sorted(stream):
        values = stream[place]
        if len(values) > 1:
            raise ValueError(f"two values at byte {place}")
        if place - 1 != last:
            run = out[place] = bytearray()
        run += bytes(values)
        last = place
    return out
