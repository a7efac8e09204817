"""Connections by name from the client to the server's "peer.py confirm"."""
import subprocess

import lab


class Talk:
    def __init__(self, wire):
        self.process = wire.peer("client", "talk", lab.SERVER, stdin=subprocess.PIPE)
        self.ports = {}  # the own one of each connection

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def open(self, name, port):
        self.ports[name] = int(self.say(f"open {name} {port}"))

    # Text without spaces, which the server's application has read when this returns.
    def send(self, name, text):
        assert self.say(f"send {name} {text}") == "ok", f"{name}: {text} did not arrive"

    # The same, whatever becomes of it.
    def tell(self, name, text):
        assert self.say(f"tell {name} {text}") == "told", f"{name}: can't say {text}"

    def close(self, *names):
        for name in names:
            self.say(f"close {name}")
