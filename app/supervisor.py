"""Keep a set of processes running: start them, write their logs, restart what dies, stop everything at the end."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

__all__ = ["Part", "Supervisor"]

_STOP_GRACE_S = 8.0
"""How long a part may take to end on SIGTERM before it is killed, in seconds."""

_STEADY_S = 30.0
"""A part that ran this long is well; its restart delay starts over, in seconds."""

_LOG_BYTES = 10 * 2**20
"""Size at which a log file is rotated, in bytes; three old ones are kept."""


@dataclass
class Part:
    """One process: its name and how to start it."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    delay_s: float = field(default=1.0)


class Supervisor:
    """Run parts until asked to stop; one that dies is started again, later each time it dies soon.

    Parameters
    ----------
    logs : Path
        Folder for one log file per part.
    echo : bool
        Whether log lines also go to standard output.
    """

    def __init__(self, logs: Path, *, echo: bool) -> None:
        self._logs = logs
        self._echo = echo
        self._parts: list[Part] = []
        self._readers: list[threading.Thread] = []
        self._stopping = threading.Event()

    def start(self, part: Part) -> None:
        """Start a part and look after it from now on.

        Parameters
        ----------
        part : Part

        Raises
        ------
        OSError
            If its command cannot be started.
        """
        self._parts.append(part)
        self._spawn(part)

    def request_stop(self) -> None:
        """Make `watch` return soon; safe in a signal handler."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._stopping.is_set()

    def watch(self) -> None:
        """Restart what dies, until a stop is requested."""
        while not self._stopping.wait(0.25):
            for part in self._parts:
                self._look_after(part)

    def stop(self) -> None:
        """Stop every part, the first started last (the others talk to it until their end), and wait for them."""
        self._stopping.set()
        _end(self._parts[1:])
        _end(self._parts[:1])
        for reader in self._readers:
            reader.join(timeout=2)

    def _look_after(self, part: Part) -> None:
        process, now = part.process, time.monotonic()
        if process is not None and process.poll() is not None:
            part.process = None
            if now - part.started_at > _STEADY_S:
                part.delay_s = 1.0
            part.restart_at = now + part.delay_s
            self._say(part.name, f"ended with status {process.returncode}; starting again in {part.delay_s:.0f} s")
            part.delay_s = min(part.delay_s * 2, 30.0)
        elif process is None and now >= part.restart_at:
            self._spawn(part)

    def _spawn(self, part: Part) -> None:
        part.started_at = time.monotonic()
        part.process = subprocess.Popen(
            part.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # a group of its own: Ctrl-C reaches this process alone, which then stops the parts in order
            start_new_session=True, preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
        reader = threading.Thread(target=self._pump, args=(part.name, part.process.stdout), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _pump(self, name: str, stream: IO[bytes] | None) -> None:
        log = self._log(name)
        for raw in stream or ():
            line = raw.decode(errors="replace").rstrip()
            log.info(line)
            if self._echo:
                sys.stdout.write(f"{name:<10} | {line}\n")
                sys.stdout.flush()

    def _say(self, name: str, message: str) -> None:
        self._log(name).info("qbrain: %s", message)
        sys.stdout.write(f"Q-Brain: {name} {message}\n")
        sys.stdout.flush()

    def _log(self, name: str) -> logging.Logger:
        logger = logging.getLogger(f"qbrain.part.{name}")
        if not logger.handlers:
            handler = RotatingFileHandler(self._logs / f"{name}.log", maxBytes=_LOG_BYTES, backupCount=3)
            logger.addHandler(handler)
            logger.propagate = False
            logger.setLevel(logging.INFO)
        return logger


def _die_with_parent() -> None:
    # Linux: a part must not outlive a supervisor that was killed (prctl PR_SET_PDEATHSIG = 1)
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _end(parts: Sequence[Part]) -> None:
    running = [p.process for p in reversed(parts) if p.process is not None and p.process.poll() is None]
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    deadline = time.monotonic() + _STOP_GRACE_S
    for process in running:
        try:
            process.wait(timeout=max(deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            # its whole group: a worker's running job must not outlive it
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
