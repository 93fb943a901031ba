"""`qbrain up`: everything on this machine, from one command."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from app.supervisor import Part, Supervisor
from qbrain_core.errors import InvalidInputError, QBrainError
from qbrain_core.settings import QUEUES, Settings

__all__ = ["register", "up"]

_FREE_GIB = 1.0
"""Least free disk for the home folder, in GiB."""

_START_S = 90.0
"""How long the web server may take to answer, in seconds."""


class StartError(QBrainError, RuntimeError):
    """The stack cannot be started here and now; the sentence says what to do."""


def register(app: typer.Typer) -> None:
    """Add `up`.

    Parameters
    ----------
    app : Typer
    """
    app.command()(up)


def up() -> None:
    """Start Valkey, the workers, the scheduler and the web server; stop them all on Ctrl-C."""
    settings = Settings()
    workers = worker_counts(settings.workers)
    _check_disk(settings)
    settings.make_home()
    with _only_one(settings):
        _check_port(settings)
        supervisor = Supervisor(settings.home / "logs", echo=not sys.stdout.isatty())
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda *_: supervisor.request_stop())
        try:
            _start(settings, workers, supervisor)
            supervisor.watch()
        finally:
            if sys.stdout.isatty():
                typer.echo("\nQ-Brain: stopping")
            supervisor.stop()
    typer.echo("Q-Brain: stopped; your data is in " + str(settings.home))


def worker_counts(text: str) -> dict[str, int]:
    """Read how many workers each queue gets.

    Parameters
    ----------
    text : str
        `train:2,data:3`; queues that are not named get one.

    Returns
    -------
    dict of str to int

    Raises
    ------
    InvalidInputError
        For an unknown queue or a count outside 1 to 64.
    """
    counts = dict.fromkeys(QUEUES, 1)
    for item in filter(None, (part.strip() for part in text.split(","))):
        queue, _, number = item.partition(":")
        if queue not in counts:
            raise InvalidInputError("QBRAIN_WORKERS", item, f"queues are {', '.join(QUEUES)}, written train:2,data:1")
        if not number.isdigit() or not 1 <= int(number) <= 64:
            raise InvalidInputError("QBRAIN_WORKERS", item, "a queue has 1 to 64 workers, written train:2")
        counts[queue] = int(number)
    return counts


def _start(settings: Settings, workers: dict[str, int], supervisor: Supervisor) -> None:
    python = sys.executable
    started = time.monotonic()
    if settings.embedded_redis:
        from jobs.valkey import valkey_command, wait_until_ready

        supervisor.start(Part("valkey", valkey_command(settings)))
        wait_until_ready(settings)
    prepared = subprocess.run([python, "-m", "app.prepare"], check=False)
    if prepared.returncode != 0:
        raise StartError("the home folder could not be prepared; the reason stands above")
    for queue, count in workers.items():
        for number in range(count):
            name = f"worker-{queue}" + (f"-{number + 1}" if count > 1 else "")
            supervisor.start(Part(name, [python, "-m", "jobs.worker", queue]))
    supervisor.start(Part("schedule", [python, "-m", "jobs.schedule"]))
    supervisor.start(Part("web", [python, "-m", "app.server"]))
    url = f"http://{_visible_host(settings.host)}:{settings.port}"
    if _wait_for(f"{url}/healthz", supervisor):
        typer.echo(f"Q-Brain: ready in {time.monotonic() - started:.0f} s at {url}  (Ctrl-C stops everything)")
        sys.stdout.flush()


def _wait_for(url: str, supervisor: Supervisor) -> bool:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and not supervisor.stopping:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                if response.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # it is starting: nobody tells us when it listens
    if not supervisor.stopping:
        raise StartError(
            f"the web server did not answer at {url} within {_START_S:.0f} s; see logs/web.log in the home"
        )
    return False


def _visible_host(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host


def _check_disk(settings: Settings) -> None:
    place = settings.home.resolve()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        raise StartError(f"{place} cannot be written; set QBRAIN_HOME to a folder of yours")
    free = shutil.disk_usage(place).free / 2**30
    if free < _FREE_GIB:
        raise StartError(
            f"{place} has {free:.2f} GiB of free disk and {_FREE_GIB:.0f} is needed; free some space or set QBRAIN_HOME"
        )


def _check_port(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except PermissionError:
            raise StartError(
                f"port {settings.port} may not be opened by this user; try QBRAIN_PORT=8501 make up"
            ) from None
        except OSError as error:
            other = settings.port + 1 if settings.port < 65535 else 8501
            raise StartError(
                f"port {settings.port} on {settings.host} is taken ({error.strerror}); stop what uses it, or take "
                f"one: QBRAIN_PORT={other} make up"
            ) from None


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    path: Path = settings.home / "run" / "up.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise StartError(
                f"Q-Brain already runs from {settings.home} (process {owner}); stop it, or give this one a home of its "
                "own: QBRAIN_HOME=… QBRAIN_PORT=… make up"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
