"""A reload between the pieces of an attack: where the attack is cut, which of the two sets knows it, how its connection is
held. Each of the 36 rows is a connection to a port of its own; all of them live through the same reload.

An attack is told once, by the set in force at its last byte, if that has the rule and the engine saw the attack whole.
With drop rules the application reads the signature of all others, and never of these.
"""
import itertools
import os

import lab
from talk import Talk

FIRST = 7100
ROWS = list(enumerate(itertools.product(("before", "across", "behind"), (False, True), (False, True),
                                        ("engine", "bypassed", "adopted")), FIRST))


def signature(port):
    return f"ATTACK-{port}-END"


def halves(port):
    return f"ATTACK-{port}", "-END"


# What keeps a connection in the engine though no attack is known: it may match at any byte, and does not.
def keeper(port):
    return f'alert tcp any any -> any {port} (msg:"keeper"; content:"nothing of the kind"; sid:{10000 + port};)'


# A bypassed connection is forwarded by the kernel because no rule of the old set can match it: any more, where the old set
# has the rule (it is for HTTP, which the connection turns out not to speak), or at all.
def old_rule(action, port, held):
    protocol = "http" if held == "bypassed" else "tcp"
    return f'{action} {protocol} any any -> any {port} (msg:"old"; content:"{signature(port)}"; sid:{port}; rev:1;)'


def new_rule(action, port):
    return f'{action} tcp any any -> any {port} (msg:"new"; content:"{signature(port)}"; sid:{port}; rev:2;)'


def old_set(action):
    return [old_rule(action, port, held) for port, (_, old, _, held) in ROWS if old] + [
        keeper(port) for port, (_, _, _, held) in ROWS if held != "bypassed"]


def new_set(action):
    return [new_rule(action, port) for port, (_, _, new, _) in ROWS if new] + [
        keeper(port) for port, (_, _, _, held) in ROWS if held != "bypassed"]


# The generation that tells of the row's attack; 0: none does.
def teller(cut, old, new, held):
    if cut == "before":
        return 1 if old and held != "bypassed" else 0
    seen_whole = cut == "behind" or held != "bypassed"
    return 2 if new and seen_whole else 0


# Whether the kernel forwards that connection: the engine has let it go, or never saw it.
def is_bypassed(wire, port, old):
    verdicts = [flow["verdict"] for flow in wire.ctl("flows", f"port={port}")]
    return verdicts == (["bypassed"] if old else [])


def packets_bypassed(wire):
    return sum(wire.ctl("iface-stat", name)["bypassed"] for name in ("outside", "inside"))


class Attack:
    def __init__(self, wire, action):
        self.wire, self.action = wire, action
        self.talk = Talk(wire)

    def attack(self, port, text, generation, row):
        ends_here = text.endswith("END") and teller(*row) == generation and self.action == "drop"
        (self.talk.tell if ends_here else self.talk.send)(port, text)

    def before(self, port, row):
        for _ in range(3):
            self.talk.send(port, "hello-which-is-no-request-")
        if row[3] == "bypassed":
            lab.wait_for(lambda: is_bypassed(self.wire, port, row[1]), 10, f"{row}: bypassed")
        if row[0] == "before":
            self.attack(port, signature(port), 1, row)
        if row[0] == "across":
            self.attack(port, halves(port)[0], 1, row)

    def behind(self, port, row):
        if row[0] == "before" and teller(*row) == 1 and self.action == "drop":
            return
        if row[0] != "before":
            self.attack(port, signature(port) if row[0] == "behind" else halves(port)[1], 2, row)
        if teller(*row) == 0 or self.action == "alert":
            self.talk.send(port, "-good-bye")


def check(wire, action, read):
    told = {}
    for event in wire.events("alert"):
        assert event["alert"]["signature_id"] < 10000, event
        told.setdefault(event["dest_port"], []).append(event)
    wrong = []
    for port, row in ROWS:
        events, by = told.get(port, []), teller(*row)
        generations = [event["lockstep"]["generation"] for event in events]
        reads = signature(port).encode() in read(port)
        if generations != ([by] if by else []) or reads != (by == 0 or action == "alert"):
            wrong.append(f"{action} {row}: told by {generations}, not [{by}]; the application {'read' if reads else 'did not read'} it")
        if row[3] == "adopted" and not all(event["lockstep"].get("adopted") for event in events):
            wrong.append(f"{action} {row}: not told as adopted")
    assert not wrong, "\n" + "\n".join(wrong)
    return sum(map(len, told.values()))


def run(action):
    with lab.Lab() as wire:
        rules = wire.rules("\n".join(old_set(action)) + "\n")
        os.mkdir(wire.path("read"))
        wire.serve("server", "confirm", FIRST, len(ROWS), wire.path("read"))
        attack = Attack(wire, action)
        wire.start(rules=rules)
        for port, row in ROWS:
            if row[3] == "adopted":
                attack.talk.open(port, port)
        wire.stop()
        wire.start(rules=rules)
        past = packets_bypassed(wire)
        for port, row in ROWS:
            if row[3] != "adopted":
                attack.talk.open(port, port)
        for port, row in ROWS:
            attack.before(port, row)
        assert packets_bypassed(wire) - past >= 48, "12 connections were not bypassed"
        wire.rules("\n".join(new_set(action)) + "\n")
        report = wire.ctl("reload")
        assert report["generation"] == 2 and report["taken_up_by_all"], report
        for port, row in ROWS:
            attack.behind(port, row)
        told = sum(teller(*row) != 0 for _, row in ROWS)
        lab.wait_for(lambda: len(wire.events("alert")) >= told, 20, f"{told} alerts")
        wire.stop()

        def read(port):
            with open(wire.path(f"read/{port}"), "rb") as file:
                return file.read()
        print(f"{action}: {len(ROWS)} attacks beside a reload, {check(wire, action, read)} told and no other")


for each in ("alert", "drop"):
    run(each)
