"""Two pairs in one run, and three workers: what comes while they end is accounted for. Each pair's events name its interfaces, thresholds count over both, and an interface can't be in two pairs."""
import time

import lab

with lab.Lab(second=True) as wire:
    rules = wire.rules('alert tcp any any -> any any (msg:"each"; content:"MARKED"; sid:1;)\n'
                       'alert tcp any any -> any any (msg:"both"; content:"MARKED"; '
                       'threshold:type threshold, track by_rule, count 2, seconds 60; sid:2;)\n')
    twice = wire.shell("engine", wire.program, "run", "--pair", "outside:inside,inside:outside1", check=False)
    assert twice.returncode == 1 and "inside: is in two pairs" in twice.stdout, twice.stdout
    wire.start(rules=rules)
    wire.serve("server", "record", 8080, wire.path("application"))
    wire.serve("server", "serve", 5000)
    first = wire.peer("client", "transfer", lab.SERVER, 5000, 8, 1 << 19, 1)
    second = wire.peer("client", "transfer", lab.SECOND_SERVER, 5000, 8, 1 << 19, 1)
    for address in (lab.SERVER, lab.SECOND_SERVER):
        wire.shell("client", "curl", "-s", "-m", "5", f"http://{address}:8080/MARKED")
    # Nobody answers: the second pair's connection stays half open, and comes from its server's side.
    wire.shell("server", "ip", "neigh", "add", "10.10.0.9", "lladdr", "02:00:00:00:00:09", "dev", "s1")
    wire.shell("server", "timeout", "1", "bash", "-c", "echo > /dev/tcp/10.10.0.9/9999", check=False)
    print(wire.finish(first), wire.finish(second))
    wire.stop()
    alerts = {(event["alert"]["signature_id"], event["dest_ip"]): event["in_iface"] for event in wire.events("alert")}
    expected = {(1, lab.SERVER): "outside", (1, lab.SECOND_SERVER): "outside1", (2, lab.SECOND_SERVER): "outside1"}
    assert alerts == expected, alerts
    flows = [(event.get("in_iface"), event["dest_ip"]) for event in wire.events("flow")]
    assert sorted(set(flows)) == [("inside1", "10.10.0.9"), ("outside", lab.SERVER), ("outside1", lab.SECOND_SERVER)], flows
    assert len(flows) == 19, flows
    if wire.capture == "afxdp":
        wire.detach()
    for interface in ("outside", "inside", "outside1", "inside1"):
        assert "PROMISC" not in wire.shell("engine", "ip", "link", "show", interface).stdout, interface
    print("two pairs: 19 connections, one of them half open, each under its own interfaces")


# The engine ends, and begins anew, under full load by every queue.
def end_under_load(wire, addresses):
    rules = wire.rules('drop tcp any any -> any any (msg:"attack"; content:"NEVER-IN-THERE"; sid:1;)\n')
    for family in ("0.0.0.0", "::"):
        wire.serve("server", "serve", 5000, family)
    wire.start(rules=rules)
    loads = [wire.peer("client", "transfer", address, 5000, 32, 1 << 20, 5) for address in addresses]
    for _ in range(3):
        time.sleep(1)
        wire.stop()
        wire.start(rules=rules)
    for load in loads:
        print(wire.finish(load).strip())
    wire.stop()


with lab.Lab(second=True) as wire:
    end_under_load(wire, (lab.SERVER, lab.SECOND_SERVER))
with lab.Lab(queues=3) as wire:
    end_under_load(wire, (lab.SERVER, lab.SERVER6))
print("ended three times under load, with two pairs and with three workers: the sums hold")
