"""The program and the shared material, as the corpus runners use them."""
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def shared(what):
    """The path of `what` in the shared material; where it is missing the run ends here, visibly skipped."""
    path = Path(os.environ.get("LOCKSTEP_SHARED", "../shared"))
    path = (path if path.is_absolute() else ROOT / path) / what
    if not path.exists():
        print(f"SKIPPED: {path} is missing")
        sys.exit(0)
    return path


@dataclass
class Run:
    """What became of one run: `exit` is None after a time-out, negative after a signal."""
    exit: int | None
    output: str

    def fault(self):
        """What no input may cause, or nothing."""
        if self.exit is None:
            return "timed out"
        if self.exit < 0:
            return f"ended by signal {-self.exit}"
        if self.exit not in (0, 1):
            return f"exit code {self.exit}"
        for sign in ("error: counters", "AddressSanitizer", "runtime error:"):
            if sign in self.output:
                return next(line for line in self.output.splitlines() if sign in line).strip()
        return None


def run(command, seconds):
    try:
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds)
    except subprocess.TimeoutExpired as expired:
        return Run(None, (expired.stdout or b"").decode(errors="replace"))
    return Run(done.returncode, done.stdout.decode(errors="replace"))


def events(log_dir):
    """The events of a run's eve.json; every line must be JSON."""
    path = Path(log_dir) / "eve.json"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
