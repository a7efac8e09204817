#!/usr/bin/env python3
"""Replays every capture of the shared material in enforcing mode.

Usage: replay_captures.py PROGRAM [-j N] [-v] [--mode MODE]

Fails on a signal, a sanitizer report, a time-out, sums that do not hold, or an exit code that the manual does not name;
a capture that can't be read (exit code 1) has to say so. Prints the totals: packets, the shares of diverged packets and
of flows with a capture gap, and packets by reason.
"""
import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from program import events, run, shared

FOLDERS = ("pcaps", "linux-host/probes", "suricata-verify")
SUFFIXES = (".pcap", ".pcapng", ".cap", ".trace")
RULES = Path(__file__).parent / "replay.rules"
SECONDS = 120
FATES = ("forwarded", "rewritten", "dropped", "held")


@dataclass
class Result:
    capture: str
    faults: list = field(default_factory=list)
    refused: str = ""  # why the program would not read it
    stats: dict = field(default_factory=dict)


def flat(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        elif isinstance(value, int):
            yield prefix + key, value


def unbalanced(stats):
    """The sums of the counters, made again from the log."""
    ours = stats["lockstep"]
    seen, out = ours["received"]["packets"], sum(ours[part]["packets"] for part in FATES)
    if seen != out:
        return f"error: {seen} packets received, {out} accounted for"
    if seen != stats["decoder"]["pkts"]:
        return f"error: {seen} packets received, {stats['decoder']['pkts']} decoded"
    return None


def replay(program, mode, root, capture):
    result = Result(str(capture.relative_to(root)))
    with tempfile.TemporaryDirectory() as log_dir:
        done = run([program, "replay", "--mode", mode, "-k", "none", "-S", RULES, "-l", log_dir, capture], SECONDS)
        if fault := done.fault():
            result.faults.append(fault)
            return result
        stats = [event["stats"] for event in events(log_dir) if event["event_type"] == "stats"]
        if done.exit == 1:
            result.refused = next((line for line in done.output.splitlines() if line.startswith("lockstep: ")), "")
            if not result.refused:
                result.faults.append("exit code 1 without a reason")
            return result
        if not stats:
            result.faults.append("no stats event")
            return result
        result.stats = stats[-1]
        if fault := unbalanced(result.stats):
            result.faults.append(fault)
        return result


def share(part, whole):
    return f"{part} ({100 * part / whole:.2f} %)" if whole else str(part)


def report(results, verbose):
    total = Counter()
    for result in results:
        total.update(dict(flat(result.stats)))
        if result.refused and verbose:
            print(f"refused           {result.capture}: {result.refused}")
        for fault in result.faults:
            print(f"fail              {result.capture}: {fault}")
        if verbose and result.stats:
            ours = dict(flat(result.stats["lockstep"]))
            reasons = {k: v for k, v in ours.items() if k.startswith("reason.") and v}
            if reasons or ours["flow.capture_gap"]:
                print(f"replayed          {result.capture}: {ours['received.packets']} packets,",
                      ", ".join(f"{k.removeprefix('reason.')} {v}" for k, v in sorted(reasons.items())),
                      f"gap flows {ours['flow.capture_gap']}" if ours["flow.capture_gap"] else "")
    packets, flows = total["lockstep.received.packets"], total["flow.total"]
    print(f"{len(results)} captures, {sum(bool(result.refused) for result in results)} refused, "
          f"{sum(bool(result.faults) for result in results)} failed")
    print(f"packets           {packets}")
    for name in (*FATES, "made"):
        print(f"  {name:14}  {share(total[f'lockstep.{name}.packets'], packets)}")
    print(f"flows             {flows}")
    print(f"  diverged        {share(total['lockstep.flow.diverged'], flows)}")
    print(f"  capture gap     {share(total['lockstep.flow.capture_gap'], flows)}")
    print(f"alerts            {total['detect.alert']}")
    print("packets by reason")
    for key, count in total.most_common():
        if key.startswith("lockstep.reason.") and count:
            print(f"  {key.removeprefix('lockstep.reason.'):22}  {share(count, packets)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("-j", type=int, default=2, metavar="N", help="captures at a time")
    parser.add_argument("-v", action="store_true", help="a line for each capture with anything but forwarded packets")
    parser.add_argument("--mode", choices=("enforce", "observe"), default="enforce")
    arguments = parser.parse_args()
    root = shared("corpora")
    captures = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in SUFFIXES)
    with ThreadPoolExecutor(arguments.j) as pool:
        results = list(pool.map(lambda path: replay(arguments.program, arguments.mode, root, path), captures))
    report(results, arguments.v)
    if not any(result.stats for result in results):
        print("error: no capture was replayed")
        return 1
    return 1 if any(result.faults for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
