"""Honest and hostile load, reloads, operators good and bad, kills and restarts, for LOCKSTEP_MINUTES (2): every attack is stopped and
told once, no honest connection ends, memory and descriptors stay, and nothing is left behind.
"""
import json
import os
import socket
import time

import lab
from load import RULE, Load

MINUTES = float(os.environ.get("LOCKSTEP_MINUTES", "2"))
LIFE = max(25.0, MINUTES * 60 / 6)  # seconds between a start of the engine and its end
PAUSE = 2  # seconds between reloads


def rule_set(number):
    fillers = [f'alert tcp any any -> any {7000 + i % 16} (msg:"filler"; content:"filler-{number}-{i}-"; sid:{1000 + i};)'
               for i in range(300)]
    return RULE + f'alert tcp any any -> any any (msg:"changes"; content:"SET-{number}-"; sid:2; rev:{number};)\n' + "\n".join(
        fillers) + "\n"


class Operators:
    """What control clients do while all goes on; some of them are no clients of ours."""

    def __init__(self, wire):
        self.wire, self.turn = wire, 0

    def work(self):
        self.turn += 1
        for words in (("flows", "limit=200"), ("dump-counters",), ("ruleset-stats",), ("block", "192.0.2.0/24", "1s"),
                      ("allow", "198.51.100.1"), ("unblock", "198.51.100.1"), ("generations",)):
            self.wire.ctl(*words)
        for garbage in (b"", b"{", b"\0" * 5000, b'{"version":"0.2"}\n{"command":"flows"}\n' * 50):
            with socket.socket(socket.AF_UNIX) as rude:
                rude.connect(self.wire.path("control"))
                try:
                    rude.sendall(garbage)
                except OSError:
                    pass  # cut off
        time.sleep(0.5)


def descriptors(wire):
    return len(os.listdir(f"/proc/{wire.pid}/fd"))


# One life of the engine; what it holds must not grow once it has settled.
def live(wire, load, number, until):
    settled, count = None, 0
    while time.monotonic() < until or count < 4:
        load.check()
        number, count = number + 1, count + 1
        wire.rules(rule_set(number))
        report = wire.ctl("reload")
        assert report["taken_up_by_all"] and report["seconds"]["compiled"] < 60, report
        if count == 3:
            settled, files = wire.resident("VmRSS"), descriptors(wire)
        time.sleep(PAUSE)
    now = wire.resident("VmRSS")
    assert now < settled * 1.25, f"{settled >> 10} KiB settled, {now >> 10} at the end of a life"
    return number, files


# The engine ends when every attack so far has been told: what its last milliseconds write is lost with it.
def end_life(wire, load, files, how):
    with load.without_engine():
        lab.wait_for(lambda: load.told_attacks() == load.watched(load.attacks), 20, "the last alerts")
        lab.wait_for(lambda: descriptors(wire) <= files, 20, f"{files} descriptors again, not {descriptors(wire)}")
        how()
        begin = wire.start(rules=wire.path("live.rules"))
        # Of the words of the run that ended nothing is read; those of the new one are.
        assert "inspecting" in wire.said(begin)


def pinned_maps(wire):
    folder = wire.path("bpf/lockstep/outside-inside")
    ids = []
    for name in os.listdir(folder):
        shown = wire.shell("engine", "bpftool", "-j", "map", "show", "pinned", os.path.join(folder, name), check=False)
        if shown.returncode == 0:
            ids.append(json.loads(shown.stdout)["id"])
    assert ids, "no map is pinned"
    return ids


def map_is_there(wire, number):
    return wire.shell("engine", "bpftool", "map", "show", "id", str(number), check=False).returncode == 0


def check_detached(wire, maps):
    wire.detach()
    # The file system's own two stay, and the locks, which say nothing without a holder.
    left = [os.path.join(at, name) for top in ("bpf", "run") for at, _, names in os.walk(wire.path(top)) for name in names
            if not name.endswith((".debug", ".lock"))]
    assert not left, f"files left: {left}"
    for interface in ("outside", "inside"):
        shown = json.loads(wire.shell("engine", "ip", "-j", "link", "show", interface).stdout)[0]
        assert "xdp" not in shown and "PROMISC" not in shown["flags"], shown
    lab.wait_for(lambda: not any(map_is_there(wire, number) for number in maps), 10, "the maps are gone")


# Processes of this test's namespaces, or that name its folder.
def processes_left(spaces, folder):
    left = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            space = os.stat(f"/proc/{pid}/ns/net").st_ino
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if space in spaces or folder.encode() in command:
            left.append((pid, command))
    return left


with lab.Lab() as wire:
    folder = wire.folder
    spaces = [os.stat(f"/proc/{process.pid}/ns/net").st_ino for process in wire.spaces.values()]
    wire.start(rules=wire.rules(rule_set(1)))
    operators = Operators(wire)
    end = time.monotonic() + MINUTES * 60
    with Load(wire, beside=operators.work) as load:
        number, lives = 1, 0
        while True:
            number, files = live(wire, load, number, min(end, time.monotonic() + LIFE))
            lives += 1
            if time.monotonic() >= end:
                break
            end_life(wire, load, files, wire.kill if lives % 2 else wire.stop)
        load.end()
    maps = pinned_maps(wire)
    wire.stop()
    load.check_attacks()
    check_detached(wire, maps)
    print(f"{MINUTES:.0f} minutes, {lives} lives, {number} rule sets, {len(load.attacks)} attacks, all but {len(load.unwatched)} under the engine's eye, stopped, {operators.turn} turns of operators; "
          f"{load.rounds}")
lab.wait_for(lambda: not processes_left(spaces, folder), 10, "no process is left")
assert not os.path.exists(folder), f"{folder} is left"
