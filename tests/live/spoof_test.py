"""A forger beside the client, who sees every number, sends what the host itself would refuse during a long transfer: it
ends whole, and the attack at its end is still stopped. What comes from the wrong side is dropped."""
import os

import lab

with lab.Lab() as wire:
    rules = wire.rules('drop tcp any any -> any any (msg:"attack"; content:"ATTACK-SIGNATURE"; sid:1; rev:1;)\n')
    wire.start("--set", "outputs.eve-log.drop-flows=all", rules=rules)
    wire.serve("server", "serve", 5000)
    log = wire.path("application")
    wire.serve("server", "record", 8080, log)
    forgers = [wire.serve(host, os.path.join(lab.HERE, "forger.py"), end, "6")
               for host, end in (("client", "c0"), ("server", "s0"))]
    attacked = wire.peer("client", "attack-at-end", lab.SERVER, 8080, 1 << 20, 5)
    print(wire.finish(wire.peer("client", "transfer", lab.SERVER, 5000, 4, 2 << 20, 5)))
    print(wire.finish(attacked))
    forged = [int(wire.finish(forger).split()[-1]) for forger in forgers]
    assert min(forged) > 500, f"too few forgeries: {forged}"
    wire.stop()
    size = os.path.getsize(log)
    assert size >= 1 << 20, f"the transfer before the attack came to {size} bytes"
    with open(log, "rb") as file:
        assert b"ATTACK-SIGNATURE" not in file.read(), "the application read the signature"
    reasons = {event["lockstep"]["reason"] for event in wire.events("drop")}
    assert "wrong_side" in reasons, f"dropped for {reasons}"
    print(f"{sum(forged)} forged segments refused, as {sorted(reasons)}")
