"""Processes that are started again when they die."""

import ctypes
import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen

FIRST_DELAY, LONGEST_DELAY = 0.5, 5.0  # seconds before a dead process is started again: doubles each time ...
SETTLED = 10.0  # ... and begins anew once the process has lived so long

LIBC = ctypes.CDLL(None)


def started(pid):
    """When a process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def runs(process):
    """Whether a remembered process still runs: a process id alone may have come to mean another process."""
    return process.get("start") is not None and started(process["pid"]) == process["start"]


def remembered(file):
    """The process that a script of ours wrote down in a file, whether it still runs or not."""
    try:
        pid, start = file.read_text().split()
        return {"pid": int(pid), "start": int(start)}
    except (OSError, ValueError):
        return {}


def ending_with_supervisor(end):
    """What a child does first: unblocks the supervisor's signals, asks the kernel for the signal `end` when the supervisor
    is killed, and writes no core, which would hold pictures."""

    def prepare():
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        LIBC.prctl(1, end)  # PR_SET_PDEATHSIG
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return prepare


@dataclass
class Supervised:
    """One process, and when it is due to be started again if it died."""

    name: str
    process: Popen | None = None
    restarts: int = 0
    since: float = 0.0  # when it was started last; both on the clock that is never set
    due: float | None = None
    delay: float = FIRST_DELAY
    down: dict | None = None  # since when it is down, in seconds of the epoch, and how it ended

    def launch(self, settings):
        self.process = self.start(settings)
        self.since, self.due, self.down = time.monotonic(), None, None

    def end(self):
        """How the process ended, in words; None while it lives."""
        code = self.process.poll()
        if code is None:
            return None
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def tend(self, settings, say):
        """Notices the end, and starts again what is due. Returns whether anything changed."""
        now = time.monotonic()
        if self.due is None and (end := self.end()):
            if now - self.since > SETTLED:
                self.delay = FIRST_DELAY
            say(f"{self.name} ended ({end}); it is started again in {self.delay:g} s")
            self.due, self.delay = now + self.delay, min(self.delay * 2, LONGEST_DELAY)
            self.restarts += 1
            self.down = {"at": time.time(), "end": end}
            return True
        if self.due is not None and self.due <= now:
            self.launch(settings)
            return True
        return False

    def describe(self):
        return {
            "name": self.name, "restarts": self.restarts, "down": self.down,
            "pid": self.process.pid if self.process else 0,
            "start": started(self.process.pid) if self.process else None,
        }  # fmt: skip


class Part(Supervised):
    """The broker or the database. One that was started by hand before is taken over as it is; one that was stopped by hand
    stays stopped until it is started by hand."""

    STOPPED = "stopped by hand"

    def __init__(self, name, settings):
        super().__init__(name)
        self.script = Path(__file__).with_name(name)
        self.file = settings.home / f"{name}.process"
        self.stopped = settings.home / f"{name}.stopped"
        self.stopped.unlink(missing_ok=True)

    def start(self, settings):
        # SIGINT is the database's fast end.
        end = signal.SIGINT if self.name == "database" else signal.SIGTERM
        return Popen(
            [self.script, "run"], stdin=DEVNULL, start_new_session=True, preexec_fn=ending_with_supervisor(end))

    def end(self):
        if runs(remembered(self.file)):
            return None
        return super().end() if self.process else "unseen"

    def tend(self, settings, say):
        if self.stopped.exists():
            if self.end() is None or self.down and self.down["end"] == self.STOPPED:
                return False
            say(f"the {self.name} was {self.STOPPED}")
            self.down, self.due = {"at": time.time(), "end": self.STOPPED}, None
            return True
        if self.down and self.due is None:
            self.delay = FIRST_DELAY
            self.launch(settings)
            return True
        return super().tend(settings, say)

    def describe(self):
        described = super().describe()
        return described if described["start"] else described | remembered(self.file)
