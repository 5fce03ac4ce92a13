"""The processes of a bed: started in groups of their own, watched, and stopped together.

A child also dies with the bed itself, however that ends (PR_SET_PDEATHSIG on Linux), so nothing stays behind.
"""

import ctypes
import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from install import cache_root

PR_SET_PDEATHSIG = 1
# Below the range that the kernel hands out by itself, so that nobody else comes by one of these.
PORTS = range(20000, 32000)
LOG_TAIL = 30


class BedError(Exception):
    """Why the bed cannot start or go on."""


class Ports:
    """Ports that are free now and locked for this bed while it lives."""

    def __init__(self):
        self.folder = cache_root() / "ports"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.locks = []

    def take(self):
        for port in random.SystemRandom().sample(PORTS, 200):
            lock = open(self.folder / str(port), "w", encoding="utf-8")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            self.locks.append(lock)
            return port
        raise BedError("found no free port between 20000 and 32000")


def listening():
    """An open listening socket on a port of the kernel's choice, and the port."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("127.0.0.1", 0))
    opened.listen(512)
    return opened, opened.getsockname()[1]


def _die_with_parent():
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Processes:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.running, self.commands = {}, {}

    def start(self, name, command, environment=None, pass_fds=(), cwd=None):
        """Start `command` with its output in NAME.log. `environment` replaces nothing but what it names."""
        log = open(self.log_path(name), "ab" if name in self.commands else "wb")
        self.commands[name] = (command, environment, pass_fds, cwd)
        try:
            self.running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=cwd,
                env={**os.environ, **(environment or {})}, pass_fds=pass_fds, start_new_session=True,
                preexec_fn=_die_with_parent)
        except OSError as failure:
            raise BedError(f"{name} cannot be started: {failure}") from failure
        finally:
            log.close()

    def signal(self, name, number):
        """Send a signal to a child and what belongs to it. One that is killed may be gone until `start_again`."""
        process = self.running[name]
        if number == signal.SIGKILL:
            del self.running[name]
        os.killpg(process.pid, number)
        if number == signal.SIGKILL:
            process.wait()

    def start_again(self, name):
        """Start a killed child as it was started before. What it inherited then must still be open."""
        self.start(name, *self.commands[name])

    def log_path(self, name):
        return self.folder / f"{name}.log"

    def check(self):
        """Raise if any child has ended: none may before the bed does."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise BedError(f"{name} ended with {process.returncode}; the end of {self.log_path(name)}:\n{self.tail(name)}")

    def tail(self, name):
        lines = self.log_path(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL:])

    def wait_until(self, what, ready, seconds, interval=0.02):
        """Poll `ready` until it gives something true, and give that; children are watched meanwhile."""
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                result = ready()
                reason = "not yet"
            except OSError as failure:
                result, reason = None, str(failure)
            if result:
                return result
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {name}\n{self.tail(name)}" for name in self.running)
                raise BedError(f"{what} was not ready within {seconds:g} s ({reason})\n{tails}")
            time.sleep(interval)

    def stop(self):
        """End every group at once. A bed's data has no tomorrow, and kube-apiserver would take its time to end politely."""
        for process in self.running.values():
            _kill_group(process)
        for process in self.running.values():
            process.wait()
        self.running = {}


def _kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        # It is gone, and with it its group.
        pass
