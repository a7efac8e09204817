"""Captures at top speed through the wire, the clients' packets from one side and the servers' from the other at the same
time, beside an honest client that fetches a page again and again: the engine lives, memory stays within its limit, the sums
hold, and every page arrives.

Replays tests/pcaps, and where LOCKSTEP_SHARED has captures a sample of them.
"""
import os
import time

import captures
import lab

LEAST = 200_000  # frames of each replay
LONGEST = 60     # seconds
RULES = ('alert tcp any any -> any any (msg:"request"; content:"GET "; sid:1;)\n'
         'drop tcp any any -> any any (msg:"attack"; content:"ATTACK-SIGNATURE"; sid:2;)\n')


# tcpreplay's process for what one side said, often enough.
def replay(wire, host, end, name, frames):
    loops = max(1, LEAST // 2 // len(frames))
    path = lab.capture(wire, name, frames)
    return loops * len(frames), wire.spawn(host, "tcpreplay", "-q", "--topspeed", "--preload-pcap", f"--loop={loops}", "-i", end,
                                           path, stdout=lab.subprocess.PIPE, stderr=lab.subprocess.STDOUT)


def fetch(wire):
    got = wire.shell("client", "curl", "-s", "-m", "20", f"http://{lab.SERVER}:8080/honest", check=False)
    assert got.returncode == 0 and got.stdout == "ok\n", f"an honest client was not served: curl's exit {got.returncode}"


def run(wire, name, paths):
    clients, servers = captures.by_side(paths)
    # Room for the events of a second: a machine whose writer of logs comes late must lose none.
    wire.start("--set", f"outputs.queue={32 << 20}", rules=wire.rules(RULES))
    start = time.monotonic()
    replays = [replay(wire, "client", "c0", "clients.pcap", clients), replay(wire, "server", "s0", "servers.pcap", servers)]
    pages = 0
    while any(process.poll() is None for _, process in replays):
        fetch(wire)
        pages += 1
        assert time.monotonic() - start < LONGEST, "the replay does not end"
    took = time.monotonic() - start
    for _, process in replays:
        said = wire.finish(process)
        assert "Failed packets:            0" in said, said
    fetch(wire)
    assert wire.engine.poll() is None, wire.said()
    peak = wire.peak()
    assert peak < lab.MEMORY, f"{name}: {peak >> 20} MiB"
    wire.stop()
    sent = sum(count for count, _ in replays)
    if wire.capture == "afxdp":
        wire.detach()
        assert wire.sums.frames >= sent, f"{wire.sums.frames} frames came of {sent}"
    alerts = len({event["flow_id"] for event in wire.events("alert")})
    assert alerts > 0, "no rule fired: the engine saw nothing"
    print(f"{name}: {len(paths)} captures, {sent} frames in {took:.1f} s, at most {peak >> 20} MiB, {pages} pages beside it", flush=True)


with lab.Lab() as wire:
    wire.serve("server", "record", 8080, wire.path("application"))
    run(wire, "the project's", captures.paths(os.path.join(lab.HERE, "../pcaps")))
    if others := captures.paths(os.path.join(lab.SHARED, "corpora"))[::8]:
        run(wire, "others'", others)
    else:
        print("no captures at LOCKSTEP_SHARED: none of others replayed")
