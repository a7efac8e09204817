"""Reloads between halves of Emerging Threats Open, all rules of which drop, under inline load: nothing is lost, overtaken or
reset, attacks are blocked all the time, memory stays, answers come in time.

LOCKSTEP_RELOADS: how often (make soak). If not given 20, but none begins more than 100 s after the first.
"""
import glob
import os
import re
import time

import lab
from load import RULE, Load, p99

RELOADS = int(os.environ.get("LOCKSTEP_RELOADS", "20"))
ENOUGH = float("inf") if "LOCKSTEP_RELOADS" in os.environ else 100  # seconds
QUIET = 8  # seconds of load before the first reload
FOLDER = os.path.join(lab.SHARED, "corpora/rules/etopen")
LOST = ("socket_queue_full", "frame_too_long", "handover_full", "forwarded_past", "egress_refused", "engine_absent")
HEADER = re.compile(r"(alert|drop) (tcp|http|tls) (.*?)\(")


def read_rules():
    lines = []
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.rules"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            lines += [line.strip() for line in file if HEADER.match(line)]
    return lines


# A half, and for each header that its rules have a rule whose pattern is new in each set: no group of patterns is as
# it was.
def rule_set(rules, number):
    half = rules[number % 2::2]
    headers = sorted({" ".join(HEADER.match(rule).groups()[1:]) for rule in half})
    fresh = [f'alert {header}(msg:"fresh"; content:"set {number} header {i} of them"; sid:{900000 + i}; rev:{number};)'
             for i, header in enumerate(headers)]
    return "\n".join([RULE, *half, *fresh]) + "\n", len(headers)


def check_memory(settled, wire):
    now, peak = wire.resident("VmRSS"), wire.resident("VmHWM")
    if settled and RELOADS >= 100:
        assert now < settled * 1.03, f"{settled >> 10} KiB after ten reloads, {now >> 10} at the end"
    assert peak < max(settled, now) * 1.5, f"at most {peak >> 10} KiB, {now >> 10} now"
    return f"{settled >> 10} KiB after ten, {now >> 10} at the end, peak {peak >> 10}"


def check_losses(wire, load):
    late, links = load.overtaken(), load.lost_by_links()
    assert late == load.late or any(links.values()), f"overtaken packets: {load.late} before, {late} now; {links}"
    reasons = wire.ctl("dump-counters")["lockstep"]["reason"]
    lost = {name: reasons[name] for name in LOST}
    assert not any(lost.values()), f"lost: {lost}"


if not os.path.isdir(FOLDER):
    lab.skip("no rules of Emerging Threats Open at LOCKSTEP_SHARED")
RULES = read_rules()
with lab.Lab() as wire:
    text, headers = rule_set(RULES, 1)
    wire.start("--drop", "all", "--set", "vars.address-groups.HOME_NET=10.9.0.0/24", rules=wire.rules(text))
    with Load(wire) as load:
        begin = time.monotonic()
        time.sleep(QUIET)
        spans, settled, slowest, loaded = [], 0, 0.0, 0
        for number in range(2, RELOADS + 2):
            if time.monotonic() > begin + QUIET + ENOUGH:
                break
            load.check()
            wire.rules(rule_set(RULES, number)[0])
            start = time.monotonic()
            report = wire.ctl("reload", seconds=120)
            took = sum(report["seconds"].values())
            spans.append((start, time.monotonic()))
            assert report["taken_up_by_all"] and report["generation"] == number and took < 60, report
            slowest, loaded = max(slowest, took), report["rules"]["loaded"]
            if number == 11:
                settled = wire.resident("VmRSS")
        answers = load.end()
    memory = check_memory(settled, wire)
    check_losses(wire, load)
    wire.stop()
    load.check_attacks()
    without, during = p99(answers, (begin, begin + QUIET)), p99(answers, *spans)
    print(f"{len(spans)} reloads of {loaded} rules under {headers} headers, {slowest:.1f} s at most; {load.rounds}; {memory}; "
          f"p99 of paced answers {during * 1e3:.2f} ms, {without * 1e3:.2f} without")
    if RELOADS >= 100:
        assert during < 2 * without + 0.005, "answers are late while rules are compiled"
