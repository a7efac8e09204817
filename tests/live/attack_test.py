"""Attacks are stopped before the server's application has read the signature, however it is cut; honest connections
beside them, and the same client's next connection, go on."""
import os

import lab

# What the client does: one connection a way, then whether an honest one still works.
WAYS = ["whole", "bytes", "halves", "late", "reversed", "differing", "repeated", "beyond", "fragments", "fragments-reversed"]

with lab.Lab() as wire:
    rules = wire.rules('drop tcp any any -> any any (msg:"attack"; content:"ATTACK-SIGNATURE"; sid:1; rev:1;)\n')
    wire.start(rules=rules)
    log = wire.path("application")
    server = wire.serve("server", "record", 8080, log)
    mac = wire.mac("server", "s0")
    wire.shell("server", "ip", "neigh", "add", "10.9.0.77", "lladdr", "02:00:00:00:00:77", "dev", "s0")
    wire.serve("server", "serve", 5000)
    honest = wire.peer("client", "transfer", lab.SERVER, 5000, 8, 1 << 20, 6)
    for number, way in enumerate(WAYS):
        wire.finish(wire.peer("client", os.path.join(lab.HERE, "attacker.py"), way, lab.SERVER, mac, 8080, 41000 + number))
    got = wire.shell("client", "curl", "-s", "-m", "3", f"http://{lab.SERVER}:8080/?q=ATTACK-SIGNATURE", check=False)
    assert got.returncode != 0, "curl got an answer to its attack"
    wire.shell("client", "curl", "-s", "-m", "5", f"http://{lab.SERVER}:8080/honest")
    print(wire.finish(honest))
    wire.stop()
    with open(log, "rb") as file:
        read = file.read()
    assert b"ATTACK-SIGNATURE" not in read, "the application read the signature"
    assert b"GET /honest" in read, "the honest request did not arrive"
    alerts = {event["src_port"] for event in wire.events("alert") if event["alert"]["action"] == "blocked"}
    # Copies that differ ahead of a hole end the connection before any rule matches.
    missing = [way for number, way in enumerate(WAYS) if way != "differing" and 41000 + number not in alerts]
    assert not missing, f"without an alert: {missing}"
    print(f"{len(WAYS)} crafted attacks and one of curl stopped")
