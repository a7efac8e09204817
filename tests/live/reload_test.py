"""Connections go through the wire while the rules are reloaded again and again, by command, signal and watched files: every
alert comes once, at its place, by the right set; nothing is lost, torn or reset; memory does not grow.

LOCKSTEP_RELOADS: how often, 20 if not given (make soak).
"""
import collections
import json
import os
import signal
import time

import lab
from talk import Talk

RELOADS = int(os.environ.get("LOCKSTEP_RELOADS", "20"))
PORT = 7000
ENDS = [f"any any -> any {PORT}", f"any {PORT} -> any any", "any any -> any 5000", "any any -> any any"]
FILLERS = ["", "flow:to_server; ", "flow:to_client,established; ", 'pcre:"/[0-9]+-end/R"; ']


# One rule stays, one changes its meaning, and one of each kind changes so that nothing compiled before is of use.
def rule_set(number):
    rules = [f'alert tcp any any -> any {PORT} (msg:"stays"; content:"ALWAYS-MARKER"; sid:1;)',
             f'alert tcp any any -> any {PORT} (msg:"changes"; content:"SET-{number}-"; sid:2; rev:{number};)']
    for i in range(400):
        rules.append(f'alert tcp {ENDS[i % 4]} (msg:"filler"; content:"filler-{number}-{i}-"; {FILLERS[i // 4 % 4]}sid:{1000 + i};)')
    return "\n".join(rules) + "\n"


class Rules:
    """The file that the engine reads is a link: what is written behind it is not seen by the watch, a new link is."""

    def __init__(self, wire):
        self.wire = wire
        os.mkdir(wire.path("sets"))
        self.write(1)
        self.link()

    def write(self, number):
        with open(self.wire.path("sets/set.rules"), "w", encoding="utf-8") as file:
            file.write(rule_set(number))

    def link(self):
        os.symlink(self.wire.path("sets/set.rules"), self.wire.path("link"))
        os.rename(self.wire.path("link"), self.wire.path("live.rules"))


class Expecting(Talk):
    """And the alerts that the connections must have caused."""

    def __init__(self, wire):
        super().__init__(wire)
        self.expected = collections.Counter()

    def send(self, name, text, alert=None):
        super().send(name, text)
        if alert:
            self.expected[(self.ports[name], *alert)] += 1


def reload(wire, rules, number):
    rules.write(number)
    way = number % 3
    if way == 0:
        report = wire.ctl("reload")
        assert report["taken_up_by_all"] and report["seconds"]["compiled"] < 60, report
    elif way == 1:
        os.kill(wire.pid, signal.SIGHUP)
    else:
        rules.link()
    lab.wait_for(lambda: wire.ctl("dump-counters")["lockstep"]["generation"] == number, 60, f"generation {number}")


def round_of(wire, rules, talk, number):
    for name in ("cut", "before", "again"):
        talk.open(name, PORT)
    talk.send("cut", "ALWAYS-")
    talk.send("before", "ALWAYS-MARKER", (1, 0))
    talk.send("again", f"SET-{number}-")  # no set that knows it is in force
    reload(wire, rules, number)
    talk.open("new", PORT)
    talk.send("cut", "MARKER", (1, 0))  # its two halves before and behind the swap
    talk.send("before", "nothing")  # nothing is told twice
    talk.send("again", f"SET-{number}-", (2, number))
    talk.send("new", f"SET-{number - 1}-")
    talk.send("new", "ALWAYS-MARKER", (1, 0))
    talk.send("long", "ALWAYS-MARKER", (1, 0))
    talk.close("cut", "before", "again", "new")


# Nanoseconds below which nine of ten swaps stayed.
def usual_swap(wire):
    text = wire.shell("engine", "curl", "-s", "http://127.0.0.1:9469/metrics").stdout
    rows = [line for line in text.splitlines() if line.startswith("lockstep_swap_seconds_bucket")]
    counts = [(float(row.split('le="')[1].split('"')[0]), float(row.rsplit(" ", 1)[1])) for row in rows]
    assert counts[-1][1] >= RELOADS, counts[-1]
    return next(bound for bound, count in counts if count >= 0.9 * counts[-1][1])


def check_logs(wire, talk):
    alerts, lines = collections.Counter(), 0
    with open(wire.path("log/eve.json"), encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)  # a torn one is none
            if event["event_type"] == "alert":
                alert = event["alert"]
                alerts[(event["src_port"], alert["signature_id"], alert["rev"])] += 1
    with open(wire.path("log/fast.log"), encoding="utf-8") as file:
        lines = sum(1 for _ in file)
    assert alerts == talk.expected, f"missing: {talk.expected - alerts}\ntoo many: {alerts - talk.expected}"
    assert lines == sum(talk.expected.values()), f"fast.log: {lines} lines"


with lab.Lab() as wire:
    rules = Rules(wire)
    wire.shell("engine", "ip", "link", "set", "lo", "up")
    begin = wire.start("--set", "rules.watch=true", "--set", "metrics.listen=127.0.0.1:9469", "-v", rules=wire.path("live.rules"))
    wire.serve("server", "serve", 5000)
    wire.serve("server", "confirm", PORT)
    talk = Expecting(wire)
    talk.open("long", PORT)
    # Load for as long as it takes: transfers whose bytes are compared, one lot after the other.
    start, load, lots, settled = time.monotonic(), None, 0, 0
    for number in range(2, RELOADS + 2):
        if load is None or load.poll() is not None:
            if load is not None:
                wire.finish(load)
            load, lots = wire.peer("client", "transfer", lab.SERVER, 5000, 16, 1 << 20, 6), lots + 1
        round_of(wire, rules, talk, number)
        if number == 11:
            settled = wire.resident("VmRSS")
    wire.finish(load)
    took = time.monotonic() - start
    counters = wire.ctl("dump-counters")
    assert counters["lockstep"]["log"]["lost"] == 0 and sum(counters["lockstep"]["log"]["refused"].values()) == 0, counters
    assert counters["ips"]["blocked"] == 0, counters["ips"]
    swap = usual_swap(wire)
    assert swap < 0.0011, f"nine of ten swaps took up to {swap} s"
    now, peak = wire.resident("VmRSS"), wire.resident("VmHWM")
    if RELOADS >= 100:
        assert now < settled * 1.03, f"{settled >> 10} KiB after ten reloads, {now >> 10} at the end"
    assert peak < max(settled, now) * 1.5, f"at most {peak >> 10} KiB, {now >> 10} now"
    wire.stop()
    check_logs(wire, talk)
    said = wire.said(begin)
    for reason in ("socket_queue_full", "frame_too_long", "egress_refused"):
        assert reason not in said, f"packets were lost as {reason}"
    print(f"{RELOADS} reloads in {took:.0f} s, {lots} lots of 16 transfers whole, {sum(talk.expected.values())} alerts, each once; "
          f"nine of ten swaps within {swap * 1e6:.0f} us; {settled >> 10} KiB after ten, {now >> 10} at the end, peak {peak >> 10}")
