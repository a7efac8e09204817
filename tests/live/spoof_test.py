"""A forger beside each host, who sees every number, during a long transfer: it ends whole, and the attack at its end is still
stopped. First he sends what the host itself would refuse; what comes from the wrong side is dropped. Then resets with exact
numbers: where an exact reset is forwarded they end the transfer, with rst = probe they do not."""
import os
import time

import lab

RULES = 'drop tcp any any -> any any (msg:"attack"; content:"ATTACK-SIGNATURE"; sid:1; rev:1;)\n'


def forgers(wire, *kind):
    return [wire.serve(host, os.path.join(lab.HERE, "forger.py"), end, "6", *kind) for host, end in (("client", "c0"), ("server", "s0"))]


def transfer(wire):
    return wire.peer("client", "transfer", lab.SERVER, 5000, 4, 2 << 20, 5)


def start(wire, *options):
    log = wire.path("application")
    wire.start("--set", "outputs.eve-log.drop-flows=all", *options, rules=wire.rules(RULES))
    wire.serve("server", "serve", 5000)
    wire.serve("server", "record", 8080, log)
    return log


# The transfers, and the attack at the end of one more. The reasons of what was dropped.
def withstand(wire, log, least, *kind):
    sending = forgers(wire, *kind)
    attacked = wire.peer("client", "attack-at-end", lab.SERVER, 8080, 1 << 20, 5)
    print(wire.finish(transfer(wire)).strip())
    print(wire.finish(attacked).strip())
    forged = [int(wire.finish(forger).split()[-1]) for forger in sending]
    assert min(forged) > least, f"too few forgeries: {forged}"
    wire.stop()
    size = os.path.getsize(log)
    assert size >= 1 << 20, f"the transfer before the attack came to {size} bytes"
    with open(log, "rb") as file:
        assert b"ATTACK-SIGNATURE" not in file.read(), "the application read the signature"
    reasons = {event["lockstep"]["reason"] for event in wire.events("drop")}
    assert "wrong_side" in reasons, f"dropped for {reasons}"
    print(f"{sum(forged)} forged segments refused, as {sorted(reasons)}", flush=True)
    return reasons


with lab.Lab() as wire:
    withstand(wire, start(wire), 500)

with lab.Lab() as wire:
    start(wire)
    sending = forgers(wire, "exact")
    victim = transfer(wire)
    for forger in sending:
        wire.finish(forger)
    time.sleep(2)  # a host that only listens never learns of its peer's end
    assert victim.poll() != 0, "the forged resets are not exact: the transfers are whole"
    wire.stop()
    print("forwarded, exact forged resets end the transfers")

with lab.Lab() as wire:
    reasons = withstand(wire, start(wire, "--set", "stream.rst=probe"), 200, "exact")
    assert "rst_held" in reasons, f"dropped for {reasons}"
