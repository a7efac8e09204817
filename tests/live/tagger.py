"""A VLAN interface by hand, where the kernel has none: tagger.py INTERFACE TAP VID ADDRESS...

Makes the TAP device with these addresses; what leaves by it goes out by the interface with the tag, and tagged frames that
come in by the interface arrive on it without. Prints "ready"."""
import fcntl
import os
import select
import struct
import subprocess
import sys

from raw import Wire

interface, tap, vid, *addresses = sys.argv[1:]
TAG = struct.pack("!HH", 0x8100, int(vid))
device = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", tap.encode(), 0x0002 | 0x1000))  # TUNSETIFF, TAP, no extra header
for command in (["sysctl", "-qw", f"net.ipv6.conf.{tap}.accept_dad=0"], ["ip", "link", "set", tap, "mtu", "1500", "up"],
                *(["ip", "addr", "add", address, "dev", tap] + (["nodad"] if ":" in address else []) for address in addresses)):
    subprocess.run(command, check=True)
wire = Wire(interface)
print("ready", flush=True)
while True:
    for ready in select.select([device, wire.socket], [], [])[0]:
        if ready is device:
            frame = os.read(device, 65536)
            wire.send(frame[:12] + TAG + frame[12:])
        else:
            frame = wire.receive(1)
            if frame is not None and frame[12:16] == TAG:
                os.write(device, frame[:12] + frame[16:])
