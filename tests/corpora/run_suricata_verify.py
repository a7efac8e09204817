#!/usr/bin/env python3
"""Replays the cases of suricata-verify and evaluates their checks.

Usage: run_suricata_verify.py PROGRAM [-j N] [-v] [--most SHARE] [CASE...]

A case is in scope when `PROGRAM check --strict` loads all of its rules, it has rules, and at least one of its checks
is about what Lockstep writes. The settings of its test.yaml and suricata.yaml that Lockstep has are carried over; the
others are named with -v. Known differences stand in differences.yaml with packet number and cause; the run fails when
a case outside that list fails, when a listed one passes or is out of scope, or when the list is longer than a
tenth (--most) of the cases in scope.
"""
import argparse
import re
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from program import events, run, shared
from suricata_settings import carry_over

EVENT_TYPES = {"alert", "drop", "flow", "anomaly", "stats"}
NOT_WRITTEN = {"ether"}  # fields of events
OTHER_FLOWS = ("udp", "icmp", "neighbour_discovery", "sctp", "tunnel", "other_ip")  # kinds of packets
VERSION = (9, 0, 0)  # of Suricata, whose rule language and log format are the model
SECONDS = 60
DIFFERENCES = Path(__file__).parent / "differences.yaml"


@dataclass
class Result:
    case: str
    state: str  # "pass", "fail" or "out of scope"
    lines: list = field(default_factory=list)  # why
    notes: list = field(default_factory=list)  # checks not evaluated, settings not carried over


# ---- checks -----------------------------------------------------------------------------------------------------

def find(name, value):
    """The value at a dotted name such as a.b[0].c, or None."""
    for part in name.split("."):
        if part == "__len":
            return len(value) if isinstance(value, (list, dict, str)) else -1
        indexed = re.fullmatch(r"(.*)\[(\d+)\]", part)
        key = indexed.group(1) if indexed else part
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
        if indexed:
            index = int(indexed.group(2))
            if not isinstance(value, list) or index >= len(value):
                return None
            value = value[index]
    return value


def matches(wanted, event):
    for key, value in wanted.items():
        if key == "has-key":
            if find(value, event) is None:
                return False
        elif key == "not-has-key":
            if find(value, event) is not None:
                return False
        elif find(key, event) != value:
            return False
    return True


def version(text):
    return tuple(int(part) for part in str(text).split("."))


def applies(requires):
    """Whether a check or case is for the version that is the model."""
    if "min-version" in requires and VERSION < version(requires["min-version"]):
        return False
    return "lt-version" not in requires or VERSION < version(requires["lt-version"])


def not_evaluable(check):
    """Why a check is about something that Lockstep does not write, or nothing."""
    if "shell" in check:
        command = check["shell"].get("args", "")
        return None if "fast.log | wc -l" in command else f"shell: {command}"
    if "filter" not in check:
        return next(iter(check))
    wanted = check["filter"]["match"]
    if "filename" in check["filter"]:
        return f"file {check['filter']['filename']}"
    if "event_type" in wanted and wanted["event_type"] not in EVENT_TYPES:
        return f"event_type {wanted['event_type']}"
    return next((key for key in wanted if key.split(".")[0] in NOT_WRITTEN), None)


def comparable(wanted):
    """Without what differs by design in every alert of a stream: Suricata looks at a stream when its bytes are
    acknowledged or time out, Lockstep at the packet that brings them."""
    return {key: value for key, value in wanted.items()
            if not (key == "pkt_src" and str(value).startswith("stream ("))}


def only_tcp_flows(wanted, log):
    """Whether a filter counts flows of all protocols, in a capture that has others: Lockstep logs those of TCP."""
    if wanted.get("event_type") != "flow" or "proto" in wanted or any(key.startswith("tcp.") for key in wanted):
        return False
    kinds = [event["stats"]["lockstep"]["kind"] for event in log if event["event_type"] == "stats"]
    return bool(kinds) and any(kinds[-1][kind] for kind in OTHER_FLOWS)


def evaluate(check, log, log_dir):
    """(True, False or None for 'not evaluated', what was found)"""
    if reason := not_evaluable(check):
        return None, reason
    if "shell" in check:
        fast = log_dir / "fast.log"
        count = len(fast.read_text().splitlines()) if fast.exists() else 0
        wanted = check["shell"].get("expect")
        return str(count) == str(wanted), f"fast.log has {count} lines instead of {wanted}"
    condition = check["filter"]
    if not applies(condition.get("requires") or {}):
        return None, "another version"
    wanted = condition["match"]
    if wanted.get("event_type") == "stats":
        kept = [event for event in log if event["event_type"] == "stats"]
        missing = [key for key in wanted if all(find(key, event) is None for event in kept)]
        if missing:
            return None, f"counter {missing[0]}"
    if only_tcp_flows(wanted, log):
        return None, "flows of other protocols"
    found = [event for event in log if matches(comparable(wanted), event)]
    where = ", ".join(str(event["pcap_cnt"]) for event in found if "pcap_cnt" in event)
    text = " ".join(f"{key}={value}" for key, value in wanted.items())
    return (len(found) == condition["count"],
            f"{len(found)} instead of {condition['count']} of {text}" + (f" (packets {where})" if where else ""))


# ---- cases ------------------------------------------------------------------------------------------------------

def out_of_scope(program, directory, test, rules):
    """Why a case is out of scope, or nothing."""
    requires = test.get("requires") or {}
    if requires.get("features"):
        return f"needs {', '.join(requires['features'])}"
    if not applies(requires):
        return "for another version"
    if not rules:
        return "no rules"
    account = run([program, "check", "--strict", *(part for rule in rules for part in ("-S", rule))], SECONDS)
    last = account.output.strip().splitlines()[-1] if account.output.strip() else "no account"
    if account.exit != 0:
        return account.fault() or last
    if last.startswith("0 rules"):
        return "no rules"
    if all(not_evaluable(check) for check in test.get("checks") or []):
        return "checks nothing that Lockstep writes"
    return None


def capture_of(directory, test):
    if "pcap" in test:
        return directory / test["pcap"]
    captures = sorted(path for path in directory.iterdir() if path.suffix in (".pcap", ".pcapng"))
    return captures[0] if captures else None


def run_case(program, root, directory):
    name = str(directory.relative_to(root))
    test = yaml.safe_load((directory / "test.yaml").read_text())
    rules = sorted(directory.glob("*.rules"))
    capture = capture_of(directory, test)
    if capture is None or not capture.exists():
        return Result(name, "out of scope", ["no capture"])
    if reason := out_of_scope(program, directory, test, rules):
        return Result(name, "out of scope", [reason])
    with tempfile.TemporaryDirectory() as scratch:
        settings = carry_over(directory, test)
        config = Path(scratch) / "lockstep.toml"
        config.write_text(settings.toml())
        log_dir = Path(scratch) / "log"
        command = [program, "replay", "--mode", settings.mode, "-c", config, "-l", log_dir, capture]
        replay = run(command + [part for rule in rules for part in ("-S", rule)], SECONDS)
        if fault := replay.fault() or (replay.exit != 0 and "exit code 1"):
            return Result(name, "fail", [fault, replay.output.strip()[-500:]])
        result = Result(name, "pass", notes=[f"setting not carried over: {line}" for line in settings.ignored])
        log = events(log_dir)
        for check in test.get("checks") or []:
            passed, what = evaluate(check, log, log_dir)
            if passed is None:
                result.notes.append(f"not evaluated: {what}")
            elif not passed:
                result.state = "fail"
                result.lines.append(what)
        return result


# ---- the account ------------------------------------------------------------------------------------------------

def known_differences():
    known = yaml.safe_load(DIFFERENCES.read_text()) or {}
    for case, entry in known.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("packet"), int) or not entry.get("cause"):
            sys.exit(f"{DIFFERENCES.name}: {case}: needs packet (a number) and cause (a sentence)")
    return known


def report(result, known, verbose):
    listed = result.case in known
    state = "known difference" if listed and result.state == "fail" else result.state
    print(f"{state:16}  {result.case}" + (f": {result.lines[0]}" if result.state == "out of scope" else ""))
    if result.state == "fail" and (verbose or not listed):
        for line in result.lines:
            print(f"{'':18}{line}")
    if verbose:
        for note in result.notes:
            print(f"{'':18}{note}")


def faults(results, known, whole, most):
    """What makes the run fail, one line each."""
    scope = [result for result in results if result.state != "out of scope"]
    out = [f"{result.case} fails" for result in scope if result.state == "fail" and result.case not in known]
    out += [f"{result.case} passes but stands in {DIFFERENCES.name}"
            for result in scope if result.state == "pass" and result.case in known]
    if whole:
        names = {result.case for result in scope}
        out += [f"{case} stands in {DIFFERENCES.name} but is not in scope" for case in known if case not in names]
        if not scope:
            out.append("no case is in scope")
        if len(known) > most * len(scope):
            out.append(f"{len(known)} differences are more than {100 * most:g} % of {len(scope)} cases in scope")
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="cases at a time")
    parser.add_argument("--most", type=float, default=0.1, metavar="SHARE",
                        help="of the cases in scope that may stand in differences.yaml")
    parser.add_argument("-v", action="store_true", help="also what was not evaluated or carried over")
    arguments = parser.parse_args()
    root = shared("corpora/suricata-verify")
    directories = [root / case for case in arguments.cases] or sorted(path.parent for path in root.rglob("test.yaml"))
    known = known_differences()
    with ThreadPoolExecutor(arguments.j) as pool:
        results = list(pool.map(lambda directory: run_case(arguments.program, root, directory), directories))
    for result in results:
        report(result, known, arguments.v)
    states = Counter(result.state for result in results)
    differing = sum(result.state == "fail" and result.case in known for result in results)
    print(f"{len(results)} cases, {states['pass'] + states['fail']} in scope: {states['pass']} passed, "
          f"{states['fail'] - differing} failed, {differing} known differences")
    wrong = faults(results, known, whole=not arguments.cases, most=arguments.most)
    for line in wrong:
        print(f"error: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
