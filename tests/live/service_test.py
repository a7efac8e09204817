"""The operator's hand on a run: what control commands tell and do while connections go on, metrics, signals, rotated
logs, watched rule files, and what a broken rule set changes (nothing)."""
import os
import signal
import socket
import time

import lab

RULE = 'alert tcp any any -> any any (msg:"{0}"; content:"{0}"; sid:{1};)\n'


def write(wire, *sids):
    with open(wire.path("new"), "w", encoding="utf-8") as file:
        file.write("".join(RULE.format(f"WORD-{sid}-", sid) for sid in sids))
    os.rename(wire.path("new"), wire.path("live.rules"))


def generation(wire):
    return wire.ctl("dump-counters")["lockstep"]["generation"]


def wait_for_generation(wire, number):
    lab.wait_for(lambda: generation(wire) == number, 10, f"generation {number}")


def get(wire, word, address=lab.SERVER, good=True):
    got = wire.shell("client", "curl", "-s", "-m", "2", f"http://{address}:8080/{word}", check=False)
    assert (got.returncode == 0) == good, f"{word}: curl's exit {got.returncode}"


def alerts(wire):
    return [event["alert"]["signature_id"] for event in wire.events("alert")]


def metrics(wire, port):
    text = wire.shell("engine", "curl", "-s", f"http://127.0.0.1:{port}/metrics").stdout
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and line[0] != "#"}


def tells(wire):
    assert wire.ctl("version").startswith("Lockstep ") and wire.ctl("running-mode") == "workers"
    assert wire.ctl("capture-mode") == {"afxdp": "AF_XDP", "afpacket": "AF_PACKET"}[wire.capture] and wire.ctl("uptime") >= 0
    assert wire.ctl("iface-list") == {"count": 2, "ifaces": ["outside", "inside"]}
    assert wire.ctl("conf-get", "rules.watch") == "true"
    assert wire.ctl("ruleset-stats")[0]["rules_loaded"] == 1
    lab.wait_for(lambda: all(wire.ctl("iface-stat", name)["pkts"] > 100 for name in ("outside", "inside")), 5, "packets")
    wire.ctl("iface-stat", "nothing", code=1)


# One slow transfer in the middle of its way.
def shows_flows(wire):
    slow = wire.peer("client", "transfer", lab.SERVER, 5000, 1, 1 << 20, 3)
    time.sleep(1)
    flows = wire.ctl("flows", "address=10.9.0.0/24", "port=5000")
    assert len(flows) >= 1, flows
    live = [flow for flow in flows if flow["state"] == "ESTABLISHED" or flow["state"].lower() == "established"]
    assert len(live) == 1 and live[0]["server"] == f"{lab.SERVER}:5000" and live[0]["pair"] == "outside:inside", flows
    assert wire.ctl("flows", "192.0.2.1") == [] and len(wire.ctl("flows", "limit=1")) == 1
    one = wire.ctl("flow", live[0]["flow_id"])
    assert one["verdict"] in ("inspected", "bypassed") and one["established"] and not one["adopted"], one
    assert one["server_receives"]["in_order"] > 0 and one["server_receives"]["max_window"] > 0, one
    wire.ctl("flow", 12345, code=1)
    wire.finish(slow)


def blocks(wire):
    victim = wire.peer("client", "transfer", lab.SERVER, 5000, 1, 1 << 20, 10)
    lab.wait_for(lambda: wire.ctl("flows", "port=5000"), 5, "the transfer")
    time.sleep(0.5)
    flow = [flow for flow in wire.ctl("flows", "port=5000") if flow["verdict"] != "dropped" and flow["state"].lower() == "established"]
    wire.ctl("block", flow[0]["flow_id"], "5m", code=1)
    assert wire.ctl("block", flow[0]["flow_id"])["state"] == "blocked"
    out, _ = victim.communicate(timeout=20)
    assert victim.returncode == 1, f"a blocked connection went on: {out}"
    assert wire.ctl("block", "10.9.0.2", "5s") == {"state": "blocked", "expires_in": 5, "listed": 1}
    get(wire, "blocked", good=False)
    lab.wait_for(lambda: wire.shell("client", "curl", "-s", "-m", "1", f"http://{lab.SERVER}:8080/", check=False).returncode == 0,
                 15, "the block's end")
    assert wire.ctl("block", "10.9.0.0/24")["listed"] == 1
    get(wire, "blocked", good=False)
    before = len(alerts(wire))
    assert wire.ctl("allow", "10.9.0.1")["state"] == "allowed"
    get(wire, "WORD-1-", good=False)  # the block of the other end counts
    wire.ctl("unblock", "10.9.0.0/24")
    get(wire, "WORD-1-")
    wire.ctl("unblock", "10.9.0.1")
    wire.ctl("unblock", "10.9.0.1", code=1)
    time.sleep(0.3)
    assert len(alerts(wire)) == before, "what is allowed was inspected"
    get(wire, "WORD-1-")
    lab.wait_for(lambda: len(alerts(wire)) == before + 1, 5, "an alert after the allow was taken back")


def reloads(wire):
    write(wire, 1, 2)  # watched
    wait_for_generation(wire, 2)
    get(wire, "WORD-2-")
    lab.wait_for(lambda: alerts(wire)[-1] == 2, 5, "an alert by the watched rule")
    wire.ctl("rollback")
    assert generation(wire) in (1, 2)
    wait_for_generation(wire, 1)
    os.kill(wire.pid, signal.SIGHUP)
    wait_for_generation(wire, 3)
    os.kill(wire.pid, signal.SIGUSR2)
    wait_for_generation(wire, 4)
    report = wire.ctl("reload")
    assert report["generation"] == 5 and report["unchanged"] == 2 and report["taken_up_by_all"], report
    assert wire.ctl("reload", "--dry-run")["generation"] == 6 and generation(wire) == 5
    with open(wire.path("shadow.rules"), "w", encoding="utf-8") as file:
        file.write('drop tcp any any -> any any (msg:"shadow"; content:"SHADOWED"; sid:9;)\n')
    assert wire.ctl("shadow", wire.path("shadow.rules"))["shadows"] == 1
    get(wire, "SHADOWED")
    lab.wait_for(lambda: alerts(wire)[-1] == 9, 5, "an alert by a shadow rule")
    wire.ctl("promote")
    get(wire, "SHADOWED", good=False)
    wire.ctl("rollback")
    get(wire, "SHADOWED")
    before = generation(wire)
    with open(wire.path("live.rules"), "w", encoding="utf-8") as file:
        file.write("alert this is no rule\n")
    wire.ctl("reload", code=1)
    time.sleep(1)
    assert generation(wire) == before, "a broken set took effect"


def rotates(wire):
    for rotate in (lambda: os.kill(wire.pid, signal.SIGUSR1), lambda: wire.ctl("reopen-log-files")):
        os.rename(wire.path("log/eve.json"), wire.path("log/eve.old"))
        rotate()
        lab.wait_for(lambda: os.path.exists(wire.path("log/eve.json")), 5, "a new log file")


# What can't be served ends a run before its rules are compiled, by name and with the remedy.
def refuses_busy_places(wire):
    wire.serve("engine", "serve", 9470)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(wire.path("busy"))
        other.listen()
        for key, value in (("control.socket", wire.path("busy")), ("metrics.listen", "127.0.0.1:9470")):
            command = [*wire.command("run"), "--capture", wire.capture, "-S", wire.path("live.rules"), "--set", f"{key}={value}"]
            ended = wire.shell("engine", *command, check=False)
            assert ended.returncode == 1 and value in ended.stdout and f"by {key}" in ended.stdout, ended.stdout
            assert "rules loaded" not in ended.stdout, ended.stdout


# More than the bound for what a compilation may take: nothing changes, and the answer says why.
def refuses_what_is_too_large(wire):
    before = generation(wire)
    with open(wire.path("live.rules"), "w", encoding="utf-8") as file:
        for sid in range(1, 12001):
            file.write(f'alert tcp any any -> any {sid % 12} (msg:"large"; content:"a pattern of its own {sid * 7919}"; sid:{sid};)\n')
    said = len(wire.said())
    told = wire.ctl("reload", code=1)
    assert "more than 24mb" in told and "reload.memory" in told, told
    assert generation(wire) == before and "reload.memory" in wire.said(said), wire.said(said)
    count = len(alerts(wire))
    get(wire, "WORD-1-")
    lab.wait_for(lambda: len(alerts(wire)) == count + 1, 5, "an alert by the set that stayed")


with lab.Lab() as wire:
    wire.rules("")
    write(wire, 1)
    wire.shell("engine", "ip", "link", "set", "lo", "up")
    refuses_busy_places(wire)
    begin = wire.start("--set", "metrics.listen=127.0.0.1:9469", "--set", "rules.watch=true", "--set", "reload.memory=24MiB", "-v", rules=wire.path("live.rules"))
    wire.serve("server", "serve", 5000)
    wire.serve("server", "record", 8080, wire.path("application"))
    honest = wire.peer("client", "transfer", lab.SERVER, 5000, 4, 1 << 20, 2)
    wire.finish(honest)
    tells(wire)
    shows_flows(wire)
    blocks(wire)
    reloads(wire)
    refuses_what_is_too_large(wire)
    now = metrics(wire, 9469)
    assert now['lockstep_packets_total{worker="0",fate="received"}'] > 1000, now
    assert now['lockstep_packet_seconds_count{worker="0"}'] > 1000 and now["lockstep_reload_seconds_count"] >= 5, now
    dropped = {"afxdp": 'lockstep_kernel_packets_total{interface="outside",fate="blocked_prefix"}',
               "afpacket": 'lockstep_reason_packets_total{worker="0",reason="blocked"}'}[wire.capture]
    assert now[dropped] > 0, {key: value for key, value in now.items() if "blocked" in key}
    assert now['lockstep_pool_bytes{worker="0",pool="flows",what="capacity"}'] > 0, now
    rotates(wire)
    wire.ctl("shutdown")
    wire.engine.wait(timeout=20)
    assert wire.engine.returncode == 0, wire.said(begin)
    assert "control: uid 0" in wire.said(begin) and not os.path.exists(wire.path("control")), wire.said(begin)
    print("told, blocked, allowed, reloaded, rotated, measured, shut down")
