"""Traffic through the wire for as long as a test takes: iperf3 in both directions at a bounded rate, curl, transfers whose bytes
are compared, paced questions, and attacks. Honest clients must get what they ask for, each time.

    with Load(wire) as load:
        ...
        load.check()
"""
import contextlib
import json
import os
import subprocess
import threading
import time

import lab

RULE = 'drop tcp any any -> any 8080 (msg:"attack"; content:"ATTACK-SIGNATURE"; sid:1; rev:1;)\n'
# None of them makes the server queue segments ahead of a hole: what is queued there was reordered by the wire.
WAYS = ["whole", "bytes", "halves", "repeated", "noise", "fragments"]
FIRST_PORT = 41000
IN_ITS_STEAD = 4  # LS_FORWARDED_OPEN


class Load:
    # `beside`: done again and again too, in a thread of its own.
    def __init__(self, wire, rate="10M", beside=None):
        self.wire, self.rate = wire, rate
        self.jobs = [self.measure_up, self.measure_down, self.browse, self.transfer, self.attack] + ([beside] if beside else [])
        self.engine_needed = {self.attack: threading.Lock(), beside: threading.Lock()}
        self.ended, self.faults, self.rounds = threading.Event(), [], {}
        self.attacks = []     # own ports of those that ended
        self.unwatched = []  # those beside which the kernel forwarded in the engine's stead, as it stood still for too long

    def __enter__(self):
        wire = self.wire
        wire.serve("server", "serve", 5000)
        wire.serve("server", "record", 8080, wire.path("application"))
        wire.serve("server", "confirm", 7001)
        self.mac = json.loads(wire.shell("server", "ip", "-j", "link", "show", "s0").stdout)[0]["address"]
        wire.shell("server", "ip", "neigh", "add", "10.9.0.77", "lladdr", "02:00:00:00:00:77", "dev", "s0")
        self.late = self.overtaken()
        self.paced = wire.peer("client", "pace", lab.SERVER, 7001, 0.005, stdin=subprocess.PIPE)
        self.threads = [threading.Thread(target=self.repeat, args=(what,)) for what in self.jobs]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def repeat(self, what):
        while not self.ended.is_set() and not self.faults:
            try:
                with self.engine_needed.get(what, contextlib.nullcontext()):
                    what()
                self.rounds[what.__name__] = self.rounds.get(what.__name__, 0) + 1
            except Exception as fault:  # told by check()
                self.faults.append(f"{what.__name__}: {fault}")

    # Within this the engine may be absent: honest traffic goes on, attacks and what asks the engine wait.
    @contextlib.contextmanager
    def without_engine(self):
        with contextlib.ExitStack() as stack:
            for lock in self.engine_needed.values():
                stack.enter_context(lock)
            yield

    # A server for each round: one that goes on resets who comes while it makes itself ready for the next.
    def measure(self, port, *options):
        server = self.wire.spawn("server", "iperf3", "-s", "-1", "-p", str(port), stdout=subprocess.DEVNULL)
        lab.wait_for(lambda: self.wire.shell("server", "ss", "-Hltn", f"sport = :{port}").stdout, 20, "iperf3's server")
        self.wire.shell("client", "iperf3", "-c", lab.SERVER, "-p", str(port), "-P", "4", "-b", self.rate, "-t", "5", *options)
        server.wait(timeout=20)

    def measure_up(self):
        self.measure(5201)

    def measure_down(self):
        self.measure(5202, "-R")

    def browse(self):
        urls = f"http://{lab.SERVER}:8080/page-[1-20]"
        self.wire.shell("client", "curl", "-sSf", "-m", "20", "-Z", "--parallel-max", "4", "-o", "/dev/null", urls)
        time.sleep(0.2)

    def transfer(self):
        self.wire.shell("client", "python3", lab.PEER, "transfer", lab.SERVER, "5000", "8", str(1 << 18), "2")

    def attack(self):
        way, own = WAYS[len(self.attacks) % len(WAYS)], FIRST_PORT + len(self.attacks)
        script = os.path.join(lab.HERE, "attacker.py")
        before = self.wire.kernel_counts()[IN_ITS_STEAD]
        self.wire.shell("client", "python3", script, way, lab.SERVER, self.mac, "8080", str(own))
        self.attacks.append(own)
        if self.wire.kernel_counts()[IN_ITS_STEAD] != before:
            self.unwatched.append(own)

    # Segments that a host had to queue ahead of a hole, and frames that the links themselves lost, which do that too.
    def overtaken(self):
        return {host: self.wire.count(host, "TCPOFOQueue") for host in ("client", "server")}

    def lost_by_links(self):
        links = [link for host in ("client", "engine", "server")
                 for link in json.loads(self.wire.shell(host, "ip", "-j", "-s", "link").stdout)]
        return {link["ifname"]: sum(link["stats64"][way]["dropped"] for way in ("rx", "tx")) for link in links}

    # What went wrong so far is told at once, with what the engine dropped of honest hosts.
    def check(self):
        if self.faults:
            dropped = [event for event in self.wire.events("drop") if "src_ip" in event and "10.9.0.77" not in (event["src_ip"], event["dest_ip"])]
            raise AssertionError("\n".join([*self.faults, *map(str, dropped[-20:])]))

    # Ends the load; all of it must have gone well. Returns when each paced question was asked, and how long its answer
    # took.
    def end(self):
        self.__exit__()
        told, _ = self.paced.communicate(timeout=60)
        assert self.paced.returncode == 0, "the paced questions were not answered"
        self.check()
        idle = [what.__name__ for what in self.jobs if not self.rounds.get(what.__name__)]
        assert not idle, f"no round of {idle}"
        return [tuple(map(float, line.split())) for line in told.splitlines()]

    # Without the attacks that the engine could not see.
    def watched(self, ports):
        return [own for own in ports if own not in self.unwatched]

    # Nothing of the attacks has reached the application, and each was told, once.
    def check_attacks(self):
        with open(self.wire.path("application"), "rb") as file:
            read = file.read()
        got = [own for own in self.watched(self.attacks) if f"GET /{own}?q=ATTACK-SIGNATURE".encode() in read]
        assert not got, f"the application read the signature of {got}; without the engine's eye {self.unwatched}"
        told = self.told_attacks()
        assert told == self.watched(self.attacks), f"attacks {self.attacks}, told of {told}, unwatched {self.unwatched}"

    def told_attacks(self):
        return self.watched(sorted(event["src_port"] for event in self.wire.events("alert") if event["alert"]["signature_id"] == 1))


# The time below which 99 of 100 answers stayed, of those asked within one of the spans.
def p99(answers, *spans):
    took = sorted(seconds for asked, seconds in answers if any(begin <= asked < end for begin, end in spans))
    assert len(took) >= 100, f"{len(took)} answers only"
    return took[len(took) * 99 // 100]
