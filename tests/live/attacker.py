"""One attack from a raw socket: attacker.py WAY SERVER SERVER-MAC PORT OWN-PORT [REQUEST]"""
import random
import sys
import time

from raw import FIN, RST, SYN, Peer, ipv4, tcp

way, server, mac, port, own, *request = sys.argv[1:]
SIGNATURE = b"ATTACK-SIGNATURE"
REQUEST = request[0].encode() if request else b"GET /" + own.encode() + b"?q=" + SIGNATURE + b" HTTP/1.0\r\n\r\n"
CUT = (REQUEST.index(SIGNATURE) if SIGNATURE in REQUEST else 0) + 6


def whole(peer):
    peer.send(REQUEST)


def in_pieces(peer, cuts):
    for begin, end in zip([0, *cuts], [*cuts, len(REQUEST)]):
        peer.send(REQUEST[begin:end], begin)
        time.sleep(0.002)


def late(peer):
    peer.send(REQUEST[:CUT])
    time.sleep(1)
    peer.send(REQUEST[CUT:], CUT)


def reversed_order(peer):
    for at in reversed(range(0, len(REQUEST), 4)):
        peer.send(REQUEST[at:at + 4], at)


# An innocent copy first, ahead of a hole that then fills, the true one behind it.
def differing(peer):
    peer.send(b"x" * (len(REQUEST) - CUT), CUT)
    peer.send(REQUEST[CUT:], CUT)
    peer.send(REQUEST[:CUT])


# Bytes that were forwarded, in order, and differ in their repeat; the end makes the signature whole.
def repeated(peer):
    peer.send(REQUEST[:CUT - 2] + b"zz")
    peer.send(REQUEST[:CUT])
    peer.send(REQUEST, 0)
    peer.send(SIGNATURE, len(REQUEST))


def beyond(peer):
    for at in range(2, len(REQUEST), 3):
        peer.send(REQUEST[at:at + 9], at)
    peer.send(REQUEST[:5])


# Goes on when the connection is dropped, and does not answer its reset.
def stubborn(peer):
    peer.send(REQUEST)
    for number in range(200):
        time.sleep(0.005)
        peer.send(b"and more", len(REQUEST) + 8 * number)


# What no host takes: resets and data of numbers far off, wrong checksums, flags that make no sense, half a datagram, SYNs
# that nobody follows up.
def noise(peer):
    for number in range(300):
        far = random.randrange(1 << 30, 1 << 31)
        kind = number % 6
        if kind == 0:
            peer.send(flags=RST, at=far)
        elif kind == 1:
            peer.send(REQUEST, at=far)
        elif kind == 2:
            peer.send(REQUEST, wrong=0x55)
        elif kind == 3:
            peer.send(flags=SYN | FIN | RST)
        elif kind == 4:
            peer.fragments(REQUEST, number, 24, lambda pieces: pieces[1:3])
        else:
            other = tcp(b"", peer.address, peer.server, (random.randrange(1024, 40000), peer.ports[1]), far, 0, SYN)
            peer.emit(ipv4(6, other, peer.address, peer.server))
        time.sleep(0.002)
    peer.send(REQUEST)


WAYS = {
    "whole": whole,
    "bytes": lambda peer: in_pieces(peer, range(1, len(REQUEST))),
    "halves": lambda peer: in_pieces(peer, [CUT]),
    "late": late,
    "reversed": reversed_order,
    "differing": differing,
    "repeated": repeated,
    "beyond": beyond,
    "stubborn": stubborn,
    "noise": noise,
    "fragments": lambda peer: peer.fragments(REQUEST, 0, 24, list),
    "fragments-reversed": lambda peer: peer.fragments(REQUEST, 0, 24, lambda pieces: list(reversed(pieces))),
}

attacker = Peer("c0", server, bytes.fromhex(mac.replace(":", "")), int(port), int(own))
attacker.connect()
WAYS[way](attacker)
time.sleep(0.2)
