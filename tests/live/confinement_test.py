"""A run under way, as the kernel sees it: which powers are left, what a reload may still name, and that the interfaces
are put back without the others."""
import os

import lab

RULE = 'alert tcp any any -> any any (msg:"{0}"; content:"WORD-{0}-"; sid:{0};)\n'
CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN = 1 << 2, 1 << 10, 1 << 12
CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF = 1 << 21, 1 << 38, 1 << 39
SWITCHES = ("drop-capabilities", "landlock", "seccomp")


def write(wire, folder, sid):
    os.makedirs(wire.path(folder), exist_ok=True)
    with open(wire.path(f"{folder}/new"), "w", encoding="utf-8") as file:
        file.write(RULE.format(sid))
    os.rename(wire.path(f"{folder}/new"), wire.path(f"{folder}/a.rules"))
    return wire.path(f"{folder}/a.rules")


def configure(wire, rules):
    with open(wire.path("etc/lockstep.toml"), "w", encoding="utf-8") as file:
        file.write(f'[rules]\nfiles = ["{rules}"]\n')


# Of each thread, a line of /proc/PID/status as a number.
def of_threads(wire, name):
    values = set()
    for task in os.listdir(f"/proc/{wire.pid}/task"):
        with open(f"/proc/{wire.pid}/task/{task}/status", encoding="utf-8") as file:
            line = next(line.split() for line in file if line.startswith(name + ":"))
        values.add(int(line[1], 16))
    return values


# The program is one of several that libxdp's dispatcher runs.
def dispatched(wire):
    return "xdp_dispatcher" in wire.shell("engine", "bpftool", "net").stdout


def is_confined(wire, capabilities):
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert of_threads(wire, name) == {capabilities}, f"{name}: {of_threads(wire, name)}"
    for name, value in (("CapInh", 0), ("CapAmb", 0), ("NoNewPrivs", 1), ("Seccomp", 2)):
        assert of_threads(wire, name) == {value}, f"{name}: {of_threads(wire, name)}"


def promiscuous(wire):
    return "PROMISC" in wire.shell("engine", "ip", "link", "show", "outside").stdout


def refuses_files_elsewhere(wire):
    elsewhere = write(wire, "elsewhere", 2)
    for refused in (lambda: wire.ctl("reload", code=1), lambda: wire.ctl("shadow", elsewhere, code=1)):
        configure(wire, elsewhere)
        said = str(refused())
        assert "rules.files" in said and elsewhere in said and "security.landlock-read" in said, said
    configure(wire, write(wire, "rules", 3))
    assert wire.ctl("reload")["generation"] == 2


def logs_are_opened_anew(wire):
    os.rename(wire.path("log/eve.json"), wire.path("log/eve.old"))
    wire.ctl("reopen-log-files")
    lab.wait_for(lambda: os.path.exists(wire.path("log/eve.json")), 5, "a new log file")


def is_on(wire):
    wire.start("-c", wire.path("etc/lockstep.toml"), "--set", f"rules.cache={wire.path('cache')}")
    is_confined(wire, CAP_NET_ADMIN)
    refuses_files_elsewhere(wire)
    logs_are_opened_anew(wire)
    assert os.listdir(wire.path("cache")), "nothing was cached"
    wire.stop()
    wire.detach()


def ends_by_detaching(wire):
    before = promiscuous(wire)
    begin = wire.start("-c", wire.path("etc/lockstep.toml"), "--set", "wire.exit=detach")
    is_confined(wire, CAP_NET_ADMIN | (CAP_SYS_ADMIN | CAP_PERFMON | CAP_BPF if dispatched(wire) else 0))
    assert promiscuous(wire)
    wire.stop()
    assert promiscuous(wire) == before, wire.said(begin)
    assert "xdp" not in wire.shell("engine", "ip", "link", "show", "outside").stdout, wire.said(begin)


def has_switches(wire):
    everything = next(iter(of_threads_of_self("CapPrm")))
    for off in SWITCHES:
        wire.start("-c", wire.path("etc/lockstep.toml"), "--set", f"security.{off}=false")
        kept = everything if off == "drop-capabilities" else CAP_NET_ADMIN
        assert of_threads(wire, "CapEff") == {kept}, (off, of_threads(wire, "CapEff"))
        assert of_threads(wire, "Seccomp") == {0 if off == "seccomp" else 2}, off
        if off == "landlock":
            assert wire.ctl("shadow", write(wire, "elsewhere", 4))["shadows"] == 1
        wire.stop()
    wire.detach()


def of_threads_of_self(name):
    with open("/proc/self/status", encoding="utf-8") as file:
        return {int(line.split()[1], 16) for line in file if line.startswith(name + ":")}


# Rules that root reads by its power over files alone.
def reads_files_of_others(wire):
    rules = write(wire, "foreign", 5)
    os.chown(wire.path("foreign"), 65534, 65534)
    os.chmod(wire.path("foreign"), 0o700)
    begin = wire.start("-S", rules)
    is_confined(wire, CAP_NET_ADMIN | CAP_DAC_READ_SEARCH)
    assert "CAP_DAC_READ_SEARCH is kept" in wire.said(begin), wire.said(begin)
    assert wire.ctl("reload")["generation"] == 2
    wire.stop()
    wire.detach()


# A name is looked up and a port below 1024 bound after most is given up.
def serves_metrics(wire):
    wire.start("--set", "metrics.listen=localhost:80")
    is_confined(wire, CAP_NET_ADMIN | CAP_NET_BIND_SERVICE)
    assert "lockstep_uptime_seconds" in wire.shell("engine", "curl", "-s", "http://localhost/metrics").stdout
    wire.stop()
    wire.detach()


with lab.Lab() as wire:
    wire.shell("engine", "ip", "link", "set", "lo", "up")
    os.makedirs(wire.path("etc"))
    configure(wire, write(wire, "rules", 1))
    is_on(wire)
    ends_by_detaching(wire)
    has_switches(wire)
    reads_files_of_others(wire)
    serves_metrics(wire)
    print("confined, reloaded within, put back, switched")
