"""Namespaces client - engine - server, joined by veth, with the engine as the wire between them.

Namespaces live as long as a process each, and these die with the test, whatever ends it: nothing is left behind. A
BPF file system of the test's own is mounted in its own mount namespace.

    with Lab() as lab:
        lab.start("--drop", "all", rules=...)
        lab.run("client", "curl", "http://10.9.0.2/")
"""
import ctypes
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x20000, 0x40000000, 1
MS_REC, MS_PRIVATE = 0x4000, 0x40000
HERE = os.path.dirname(os.path.abspath(__file__))
PEER = os.path.join(HERE, "peer.py")
# The folder of material that tests may use and the project does not hold.
SHARED = os.path.join(HERE, "../..", os.environ.get("LOCKSTEP_SHARED", "../shared"))
CLIENT, SERVER = "10.9.0.1", "10.9.0.2"
CLIENT6, SERVER6 = "fd09::1", "fd09::2"
MEMORY = 700 << 20  # that the engine may take: flow tables, stream pool and rings of the standard settings
SECOND_CLIENT, SECOND_SERVER = "10.10.0.1", "10.10.0.2"


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(0)


def unshare(flags):
    if LIBC.unshare(flags) != 0:
        skip(f"making namespaces: {os.strerror(ctypes.get_errno())}")


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# That thread of another process stands still for so long.
def stall_thread(thread, seconds):
    attach, detach, wait_all = 16, 17, 0x40000000
    if LIBC.ptrace(attach, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(thread, wait_all)
    time.sleep(seconds)
    LIBC.ptrace(detach, thread, None, None)


# A capture file of the lab's with these frames.
def capture(wire, name, frames):
    with open(wire.path(name), "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    return wire.path(name)


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class Sums:
    """What one run must add up to: by its own summary, and beside the counts of the hosts' interfaces, of which it is
    known how they stood shortly before and after its begin and its end."""

    def __init__(self, begin, before, after, observing=False):
        self.begin, self.start, self.observing = begin, (before, after), observing

    # The lines below each head of the summary, by name, and its own number under "".
    @staticmethod
    def read(said):
        blocks, lines = {}, said.splitlines()
        for line in lines[next(i for i, line in enumerate(lines) if line.startswith("packets  ")):]:
            if line and line[0] != " ":
                name, number = re.match(r"(\S+(?: gap)?) +([\d,]+)?", line).groups()
                block = blocks.setdefault(name, {"": int(number.replace(",", "")) if number else 0})
            elif line:
                number, name = re.match(r" +([\d,]+)  (.+?)(?:  |$)", line).groups()
                block[name] = int(number.replace(",", ""))
        return blocks

    def check(self, said, *end):
        blocks, problems = self.read(said), []

        def same(what, left, low, high=None):
            if not low <= left <= (low if high is None else high):
                problems.append(f"{what}: {left} is not {low}" + (f" to {high}" if high is not None else ""))

        packets = blocks["packets"]
        same("received by the engine = forwarded + rewritten + dropped + held", packets[""],
             sum(packets.get(name, 0) for name in ("forwarded", "rewritten", "dropped", "held")))
        # Observing, what is malformed has a reason, and is forwarded.
        changed = packets.get("rewritten", 0) + packets.get("dropped", 0)
        same("the sum of the reasons = rewritten + dropped", sum(count for name, count in blocks.get("reasons", {}).items() if name),
             changed, changed + (packets.get("forwarded", 0) if self.observing else 0))
        ports = list(self.start[0])
        sides = [dict(blocks[port]) for port in ports]
        for port, side in zip(ports, sides):
            given = side.get("to the engine", 0)
            received, lost, refused = (side.pop(name, 0) for name in ("received there", "lost on the way there", "egress_refused"))
            same(f"{port}: given to the engine = received + lost", given, received + lost)
            same(f"{port}: frames = the sum of what became of them", side.pop(""), sum(side.values()))
            side["lost"], side["refused"], side["sent"] = lost, refused, sum(side.get(name, 0) for name in FORWARDED)
        same("received by the engine = given to it", packets[""], sum(side.get("to the engine", 0) for side in sides))
        self.frames = sum(blocks[port][""] for port in ports)
        came = [sum(counts[port][1] for port in ports) for counts in (*self.start, *end)]
        went = [sum(counts[port][0] for port in ports) for counts in (*self.start, *end)]
        same("frames in the kernel = sent by the hosts", self.frames, came[2] - came[1], came[3] - came[0])
        left = sum(side["sent"] for side in sides) + sum(packets.get(name, 0) for name in ("forwarded", "rewritten", "made here"))
        left -= packets.get("made in vain", 0)
        # An interface also counts as dropped what came while it was down, which the kernel's part never saw.
        refused = sum(side["refused"] for side in sides)
        same("forwarded by kernel and engine, less what the interfaces refused = received by the hosts", left,
             went[2] - went[1], went[3] - went[0] + refused)
        assert not problems, "\n".join(["the sums do not hold:", *problems, str(blocks), f"sent {came}, received {went}"])


# What the kernel forwards by itself.
FORWARDED = ("forwarded", "of flows that were let go", "of allowed prefixes", "in the engine's stead")


class Lab:
    def __init__(self, queues=1, mtu=1500, capture=None, second=False):
        self.queues, self.mtu, self.second = queues, mtu, second
        self.capture = capture or os.environ.get("LOCKSTEP_CAPTURE", "afxdp")
        self.program = os.environ.get("LOCKSTEP", os.path.join(HERE, "../../build/dev/lockstep"))
        self.processes, self.spaces = [], {}
        self.engine = None

    def __enter__(self):
        if os.geteuid() != 0:
            skip("namespaces, interfaces and programs in the kernel need root")
        unshare(CLONE_NEWNS)
        LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        self.folder = tempfile.mkdtemp(prefix="lockstep-live-")
        LIBC.mount(b"tmpfs", self.folder.encode(), b"tmpfs", 0, None)
        os.mkdir(self.path("bpf"))
        self.no_settings = self.path("none.toml")
        with open(self.no_settings, "w", encoding="utf-8"):
            pass
        LIBC.mount(b"bpf", self.path("bpf").encode(), b"bpf", 0, None)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, kind=None, *_):
        if kind is not None and self.engine is not None:
            if self.engine.poll() is None:
                os.kill(self.pid, signal.SIGTERM)
                self.engine.wait(timeout=20)
            print(self.said(), file=sys.stderr)
            for host in ("client", "server"):
                print(self.shell(host, "ss", "-tinom", check=False).stdout, file=sys.stderr)
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()
        LIBC.umount2(self.path("bpf").encode(), 2)
        LIBC.umount2(self.folder.encode(), 2)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    # Builds the wire: the client's "c0" ends at the engine's "outside", the server's "s0" at its "inside"; the second
    # one's are "c1", "outside1", "s1", "inside1".
    def build(self):
        for name in ("client", "engine", "server"):
            self.spaces[name] = self.make_namespace()
            self.shell(name, "ip", "link", "set", "lo", "up")
        self.build_first_wire()
        if self.second:
            self.build_wire("c1", "outside1", "inside1", "s1", (SECOND_CLIENT + "/24",), (SECOND_SERVER + "/24",))

    def build_first_wire(self):
        self.build_wire("c0", "outside", "inside", "s0", (CLIENT + "/24", CLIENT6 + "/64"), (SERVER + "/24", SERVER6 + "/64"))

    def build_wire(self, client_end, outside, inside, server_end, client_addresses, server_addresses):
        queues = ["numrxqueues", str(self.queues), "numtxqueues", str(self.queues)]
        for end, host, port in ((client_end, "client", outside), (server_end, "server", inside)):
            self.shell("engine", "ip", "link", "add", port, "mtu", str(self.mtu), *queues, "type", "veth", "peer", "name",
                       end, "mtu", str(self.mtu), *queues, "netns", str(self.spaces[host].pid))
        for host, end, addresses in (("client", client_end, client_addresses), ("server", server_end, server_addresses)):
            self.shell(host, "sysctl", "-qw", f"net.ipv6.conf.{end}.accept_dad=0", f"net.ipv6.conf.{end}.router_solicitations=0")
            # Veth hands unfinished checksums over otherwise; GRO lets it take frames that XDP redirects.
            self.shell(host, "ethtool", "-K", end, "tx", "off", "gro", "on")
            for address in addresses:
                self.shell(host, "ip", "addr", "add", address, "dev", end, "nodad")
            self.shell(host, "ip", "link", "set", end, "up")

    def make_namespace(self):
        def enter():
            die_with_parent()
            if LIBC.unshare(CLONE_NEWNET) != 0:
                os._exit(1)
        process = subprocess.Popen(["sleep", "infinity"], preexec_fn=enter, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def inside(self, host, *command):
        return ["nsenter", f"--net=/proc/{self.spaces[host].pid}/ns/net", *command]

    def shell(self, host, *command, check=True, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        result = subprocess.run(self.inside(host, *command), text=True, timeout=60, **options)
        if check and result.returncode != 0:
            raise AssertionError(f"{host}: {' '.join(command)}: exit {result.returncode}\n{result.stdout}")
        return result

    def spawn(self, host, *command, **options):
        process = subprocess.Popen(self.inside(host, *command), preexec_fn=die_with_parent, text=True, **options)
        self.processes.append(process)
        return process

    def mac(self, host, interface):
        return json.loads(self.shell(host, "ip", "-j", "link", "show", interface).stdout)[0]["address"]

    # One of that host's own counters of TCP or IP (nstat's names).
    def count(self, host, name):
        lines = self.shell(host, "cat", "/proc/net/netstat", "/proc/net/snmp").stdout.splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            if name in names.split():
                return int(values.split()[names.split().index(name)])
        raise KeyError(name)

    # A helper of peer.py, as a process of that host; its output is read by finish().
    def peer(self, host, *arguments, **options):
        script = [] if str(arguments[0]).endswith(".py") else [PEER]
        return self.spawn(host, sys.executable, *script, *map(str, arguments), stdout=subprocess.PIPE, **options)

    # Starts a helper and waits until it says that it listens.
    def serve(self, host, *arguments):
        server = self.peer(host, *arguments)
        assert server.stdout.readline().strip() == "ready", f"{arguments}: no server"
        return server

    def finish(self, process, seconds=60):
        out, _ = process.communicate(timeout=seconds)
        assert process.returncode == 0, f"exit {process.returncode}: {out}"
        return out

    def rules(self, text):
        with open(self.path("live.rules"), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path("live.rules")

    # Without `-c` a file of settings that names none, so that none of the machine's is read.
    def command(self, name, *options):
        pairs = "outside:inside,outside1:inside1" if self.second else "outside:inside"
        return [self.program, name, "--pair", pairs, "--set", f"wire.run-dir={self.path('run')}",
                "--set", f"wire.pin-dir={self.path('bpf/lockstep')}",
                *([] if "-c" in options else ["-c", self.no_settings]), *options]

    # What a run left: the kernel's part of the wire, and how the interfaces were.
    def detach(self):
        self.shell("engine", *self.command("detach"))

    def start(self, *options, rules=None, wait="inspecting"):
        command = self.command("run", "--capture", self.capture, "--set", f"control.socket={self.path('control')}",
                               "-l", self.path("log"), *options)
        if rules:
            command += ["-S", rules]
        self.output = open(self.path("engine.out"), "a+", encoding="utf-8")
        begin = self.output.seek(0, os.SEEK_END)
        devices = self.devices()
        self.engine = self.spawn("engine", "setsid", "--wait", *command, stdout=self.output, stderr=self.output)
        # The process itself, below nsenter and setsid.
        def up():
            assert self.engine.poll() is None, "the engine ended:\n" + self.said(begin)
            return wait in self.said(begin)
        wait_for(up, 20, f"the engine says '{wait}'")
        self.sums = Sums(begin, devices, self.devices(), "observe" in options)
        self.pid = int(self.shell("engine", "pgrep", "-f", "^" + self.program + " run .*" + self.folder).stdout.split()[0])
        return begin

    # A control command; its answer. `code` is the exit code that it must have.
    def ctl(self, *words, code=0, seconds=60):
        result = subprocess.run([self.program, "ctl", "-c", self.no_settings, "--socket", self.path("control"), "--json",
                                 *map(str, words)],
                                text=True, timeout=seconds, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert result.returncode == code, f"ctl {words}: exit {result.returncode}\n{result.stdout}{result.stderr}"
        return json.loads(result.stdout)["message"] if result.stdout else result.stderr

    # Packets by the way that they took in the kernel (enum ls_way), of both sides.
    def kernel_counts(self):
        command = ["bpftool", "-j", "map", "dump", "pinned", self.path("bpf/lockstep/outside-inside/counts")]
        sums = {}
        for entry in json.loads(self.shell("engine", *command).stdout):
            key = entry["formatted"]["key"] if "formatted" in entry else entry["key"]
            values = (entry.get("formatted") or entry)["values"]
            sums[key] = sum(value["value"]["count"]["packets"] for value in values)
        return {way: sums[way] + sums[32 + way] for way in range(32)}

    # Bytes of the engine's memory: now (VmRSS), at most so far (VmHWM).
    def resident(self, field):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith(field))

    def said(self, begin=0):
        with open(self.path("engine.out"), encoding="utf-8") as file:
            file.seek(begin)
            return file.read()

    # SIGTERM; the engine's exit code says that all sums hold, and they are added up here. Returns how long it took.
    def stop(self, code=0):
        before = self.devices()
        os.kill(self.pid, signal.SIGTERM)
        begin_wait = time.monotonic()
        self.engine.wait(timeout=20)
        took = time.monotonic() - begin_wait
        assert self.engine.returncode == code, f"the engine's exit: {self.engine.returncode}\n{self.said()}"
        if self.capture == "afxdp":
            self.sums.check(self.said(self.sums.begin), before, self.devices())
        return took

    # Frames that each host's end received and sent, by the interface of the engine that it is joined to.
    def devices(self):
        ends = [("client", "c0", "outside"), ("server", "s0", "inside")]
        if self.second:
            ends += [("client", "c1", "outside1"), ("server", "s1", "inside1")]
        counts = {}
        for host, end, port in ends:
            stats = json.loads(self.shell(host, "ip", "-s", "-j", "link", "show", end).stdout)[0]["stats64"]
            counts[port] = (stats["rx"]["packets"], stats["tx"]["packets"])
        return counts

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.engine.wait(timeout=10)

    # The most memory that the engine ever had, in bytes.
    def peak(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))

    def events(self, kind):
        with open(self.path("log/eve.json"), encoding="utf-8") as file:
            return [event for event in map(json.loads, file) if event["event_type"] == kind]
