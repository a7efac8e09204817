"""A run as a service of Type=notify: the service manager hears that it is ready, that it reloads, that its workers go on
(and no longer when one of them hangs), and that it stops."""
import os
import signal
import socket
import threading
import time

import lab

PATIENCE = 4  # seconds


# Hears in a thread of its own, so that each line has the time at which it came.
class Manager:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.heard = []  # (when, line)
        threading.Thread(target=self.listen, daemon=True).start()
        os.environ["NOTIFY_SOCKET"] = path
        os.environ["WATCHDOG_USEC"] = str(PATIENCE * 1_000_000)

    def listen(self):
        while True:
            message = self.socket.recv(4096).decode()
            self.heard += [(time.monotonic(), line) for line in message.split("\n")]

    def times(self, line):
        return [when for when, heard in list(self.heard) if heard == line]

    def wait(self, line, count, seconds):
        lab.wait_for(lambda: len(self.times(line)) >= count, seconds, f"{line}, for the {count}th time")


def worker(wire):
    for task in os.listdir(f"/proc/{wire.pid}/task"):
        with open(f"/proc/{wire.pid}/task/{task}/comm", encoding="utf-8") as file:
            if file.read().strip() == "worker-0":
                return int(task)
    raise AssertionError("there is no worker")


with lab.Lab() as wire:
    manager = Manager(wire.path("notify"))
    begin = wire.start(rules=wire.rules('alert tcp any any -> any any (msg:"a"; content:"WORD"; sid:1;)\n'))
    manager.wait("READY=1", 1, 5)
    lines = [line for _, line in manager.heard]
    assert "STATUS=compiling rules" in lines[:lines.index("READY=1")] and "STATUS=inspecting by 1 rules" in lines, lines

    manager.wait("WATCHDOG=1", 4, 3 * PATIENCE)
    # While the worker is traced none come, but for what it did until then; some five would.
    before = time.monotonic()
    lab.stall_thread(worker(wire), 2 * PATIENCE)
    after = time.monotonic()
    signs = [when - before for when in manager.times("WATCHDOG=1") if before < when < after]
    assert len(signs) <= 2, f"signs of life for a worker that stood still, after {signs}"
    seen = len(manager.times("WATCHDOG=1"))
    manager.wait("WATCHDOG=1", seen + 2, 3 * PATIENCE)
    assert "worker 0 stands still" in wire.said(begin), wire.said(begin)

    os.kill(wire.pid, signal.SIGHUP)
    manager.wait("RELOADING=1", 1, 5)
    manager.wait("READY=1", 2, 5)
    assert any(line == "STATUS=inspecting by 1 rules, generation 2" for _, line in manager.heard), manager.heard
    assert any(line.startswith("MONOTONIC_USEC=") for _, line in manager.heard), manager.heard
    wire.stop()
    manager.wait("STOPPING=1", 1, 1)
    print(f"ready, {len(manager.times('WATCHDOG=1'))} signs of life, none of a stalled worker, reloaded, stopped")
