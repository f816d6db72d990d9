"""What is done from time to time while the suite runs: logs are put aside, erased data is removed from the disk."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

LOOK_INTERVAL = 5.0  # seconds between two looks at the logs


class Housekeeping:
    def __init__(self, settings, say):
        self.settings = settings
        self.say = say
        self.look = time.monotonic()
        self.shred = time.monotonic() + settings.shred_interval
        self.shredding = {}  # the running sweeps, by the part's name

    def tend(self):
        now = time.monotonic()
        if now >= self.look:
            self.look = now + LOOK_INTERVAL
            for log in (self.settings.home / "log").glob("*.log"):
                put_aside(log, self.settings.log_limit)
        for name, sweep in list(self.shredding.items()):
            if sweep.poll() is not None:
                del self.shredding[name]
                if sweep.returncode:
                    self.say(f"what was erased is not off the {name}'s disk yet; the next try is due within "
                             f"{self.settings.shred_interval:g} s")  # fmt: skip
        if now >= self.shred:
            self.shred = now + self.settings.shred_interval
            for name in {"broker", "database"} - self.shredding.keys():
                self.shredding[name] = subprocess.Popen(
                    [Path(__file__).with_name(name), "shred"], stdin=subprocess.DEVNULL, start_new_session=True,
                    preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, []))

    def stop(self):
        for sweep in self.shredding.values():
            sweep.terminate()
            sweep.wait()


def put_aside(log, limit):
    """Moves what a log says to LOG.1 when it is longer than `limit` bytes. Those who write go on at its beginning: they all
    append. What is written between the last look and the cut, some microseconds, is lost."""
    if log.stat().st_size <= limit:
        return
    new = log.with_suffix(".log.new")
    with open(log, "r+b") as source, open(new, "wb") as aside:
        shutil.copyfileobj(source, aside)
        while rest := source.read():
            aside.write(rest)
        source.truncate(0)
    new.replace(log.with_suffix(".log.1"))
