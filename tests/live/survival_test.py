"""64 connections go through the wire while the engine is killed, stopped for five seconds and restarted."""
import json
import os
import signal
import time

import lab

with lab.Lab() as wire:
    rules = wire.rules('drop tcp any any -> any any (msg:"attack"; content:"NEVER-IN-THERE"; sid:1;)\n')
    wire.start(rules=rules)
    wire.serve("server", "serve", 5000)
    wire.spawn("server", "iperf3", "-s", "-1", stdout=lab.subprocess.DEVNULL)
    time.sleep(0.3)
    measured = wire.spawn("client", "iperf3", "-c", lab.SERVER, "-P", "64", "-t", "18", "-b", "2M", "-J",
                          stdout=open(wire.path("iperf3"), "w"))
    hashed = wire.peer("client", "transfer", lab.SERVER, 5000, 64, 1 << 20, 16)
    time.sleep(2)
    wire.kill()
    time.sleep(0.3)
    wire.start(rules=rules)
    time.sleep(1)
    os.kill(wire.pid, signal.SIGSTOP)
    time.sleep(5)
    os.kill(wire.pid, signal.SIGCONT)
    time.sleep(2)
    took = wire.stop()
    wire.start(rules=rules)
    print(wire.finish(hashed, 30))
    measured.wait(timeout=60)
    report = json.load(open(wire.path("iperf3")))
    assert measured.returncode == 0 and "error" not in report, report.get("error")
    received = [stream["receiver"]["bytes"] for stream in report["end"]["streams"]]
    assert len(received) == 64 and min(received) > 0, received
    wire.stop()
    print(f"iperf3: {sum(received)} bytes over 64 connections; a clean end took {took:.2f} s")
    print(wire.said())
