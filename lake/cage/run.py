"""Run a query that somebody typed: in a process of its own that checks it and can be ended at any moment."""

import contextlib
import json
import logging
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from lake.cage.errors import Place, SqlCancelledError, SqlFailedError, SqlRefusedError, SqlTimeoutError
from lake.cage.request import compose
from lake.cage.result import QueryResult
from lake.lakehouse import AsOf, Lake

__all__ = ["RunningQuery", "run_query", "start_query"]

_COMMAND = [sys.executable, "-I", "-m", "lake.cage.child"]
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
"""Environment variables the child sees; no credentials, no settings."""

_AT_ONCE = threading.BoundedSemaphore(max(2, (os.cpu_count() or 2)))
"""Queries of this process that run at the same time; the next waits, and its time runs."""

_CHUNK = 1 << 18
_SLACK_BYTES = 1 << 20  # of the stream's own framing
_MESSAGE_BYTES = 1 << 16
_LOOK_S = 0.25
_LOGGED_CHARS = 2_000
_SPOOL, _LEFT_S = "query-", 3600.0
_NO_MEMORY = re.compile("Out of Memory|bad_alloc|MemoryError|failed to allocate|could not allocate", re.IGNORECASE)

_LOG = logging.getLogger("qbrain.lake")


class RunningQuery:
    """A query on its way; made by `start_query`."""

    def __init__(self, request: Mapping[str, Any], versions: Mapping[str, int], spool: IO[bytes]) -> None:
        self._request = dict(request)
        self._versions = dict(versions)
        self._spool = spool
        self._started = time.perf_counter()
        self._end: float | None = None
        self._deadline = self._started + request["timeout_s"]
        self._cancelled = threading.Event()
        self._ended = threading.Event()
        self._result: QueryResult | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._run, name="query", daemon=True).start()

    @property
    def seconds(self) -> float:
        """Time from its start until now, or until its end, in seconds."""
        return (self._end or time.perf_counter()) - self._started

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for its end."""
        return self._cancelled.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end.

        Parameters
        ----------
        timeout_s : float, optional
            At most so long, in seconds.

        Returns
        -------
        bool
            Whether it has ended.
        """
        return self._ended.wait(timeout_s)

    def cancel(self) -> None:
        """End it; it may take a quarter of a second."""
        self._cancelled.set()

    def result(self) -> QueryResult:
        """Wait for the result.

        Returns
        -------
        QueryResult

        Raises
        ------
        SqlRefusedError, SqlFailedError, SqlTimeoutError
            As for `run_query`.
        SqlCancelledError
            If it was cancelled.
        """
        self._ended.wait()
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def _run(self) -> None:
        try:
            with self._spool:
                self._result = self._answer()
        except Exception as error:  # raised again where somebody asks for the result
            self._error = error
        finally:
            self._end = time.perf_counter()
            self._ended.set()

    def _answer(self) -> QueryResult:
        while not _AT_ONCE.acquire(timeout=_LOOK_S):
            self._check_time("other queries took all of its time; try again in a moment")
        try:
            status, message = self._ask()
        finally:
            _AT_ONCE.release()
        lines = message.decode(errors="replace").strip().splitlines()
        try:
            report = json.loads(lines[-1])
        except (IndexError, ValueError):
            last_words = message.decode(errors="replace").strip()
            _LOG.warning("a query's process ended with status %d: %s", status, last_words[-_LOGGED_CHARS:])
            raise SqlFailedError(_ending(status, last_words, self._request["memory_mib"])) from None
        if report["kind"] != "done":
            raise _error(report, self._request["memory_mib"])
        with pa.memory_map(self._spool.name) as file:  # outlives the name
            table = pa.ipc.open_stream(file).read_all()
        return QueryResult(
            table=table, cut=report["cut"], seconds=self.seconds, versions=self._versions,
            read_bytes=report["read_bytes"],
        )  # fmt: skip

    def _ask(self) -> tuple[int, bytes]:
        process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )  # fmt: skip
        assert process.stdin is not None
        try:
            try:
                process.stdin.write(json.dumps(self._request).encode())
                process.stdin.close()
            except BrokenPipeError:  # it has ended already: its message says why
                pass
            message = self._take(process)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        return process.returncode, message

    def _take(self, process: "subprocess.Popen[bytes]") -> bytes:
        # the answer goes to the spool, whatever it is at most as long as asked for; returns what was said beside it
        message, length = b"", 0
        with selectors.DefaultSelector() as pipes:
            pipes.register(process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            pipes.register(process.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]
            while pipes.get_map():
                self._check_time(
                    f"the query ran longer than {self._request['timeout_s']:g} s and was ended; "
                    "narrow it (fewer sessions, fewer instruments)"
                )
                for key, _ in pipes.select(_LOOK_S):
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        pipes.unregister(key.fileobj)
                    elif key.fileobj is process.stderr:
                        message = (message + chunk)[-_MESSAGE_BYTES:]
                    else:
                        length += len(chunk)
                        if length > self._request["max_bytes"] + _SLACK_BYTES:
                            raise SqlFailedError("the query process sent more than it may")
                        self._spool.write(chunk)
        self._spool.flush()
        process.wait()  # both its mouths are shut: it is ending
        return message

    def _check_time(self, too_late: str) -> None:
        if self._cancelled.is_set():
            raise SqlCancelledError("the query was cancelled")
        if time.perf_counter() > self._deadline:
            raise SqlTimeoutError(too_late)


def start_query(
    lake: Lake,
    query: str,
    *,
    as_of: AsOf = None,
    max_rows: int = 10_000,
    timeout_s: float | None = None,
    memory_mib: int | None = None,
) -> RunningQuery:
    """Start one read-only query over the lake's views.

    Parameters
    ----------
    lake : Lake
    query : str
        One statement in DuckDB's SQL; the lake's macros are there.
    as_of : optional
        Point of the lake's history.
    max_rows : int
        Rows returned at most.
    timeout_s, memory_mib : optional
        Limits; the settings' when left out.

    Returns
    -------
    RunningQuery

    Raises
    ------
    InvalidInputError
        If `as_of` means nothing.
    """
    request, versions = compose(
        lake, query, as_of=as_of, max_rows=max_rows, timeout_s=timeout_s, memory_mib=memory_mib
    )  # fmt: skip
    folder = _spool_folder(lake.settings.home / "cache")
    return RunningQuery(request, versions, tempfile.NamedTemporaryFile(dir=folder, prefix=_SPOOL))


@cache
def _spool_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob(f"{_SPOOL}*"):  # by a server that was killed
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LEFT_S:
                left.unlink()
    return folder


def run_query(
    lake: Lake,
    query: str,
    *,
    as_of: AsOf = None,
    max_rows: int = 10_000,
    timeout_s: float | None = None,
    memory_mib: int | None = None,
) -> QueryResult:
    """Run one read-only query over the lake's views, and wait for it.

    Parameters
    ----------
    lake, query, as_of, max_rows, timeout_s, memory_mib
        As for `start_query`.

    Returns
    -------
    QueryResult

    Raises
    ------
    SqlRefusedError
        If the query does more than read the views; nothing of it was run.
    SqlFailedError
        If the engine could not answer it; its message.
    SqlTimeoutError
        If it ran past `timeout_s`; the process was killed.
    InvalidInputError
        If `as_of` means nothing.
    """
    return start_query(lake, query, as_of=as_of, max_rows=max_rows, timeout_s=timeout_s, memory_mib=memory_mib).result()


def _error(report: Mapping[str, Any], memory_mib: int) -> Exception:
    place = Place(*report["place"]) if report["place"] else None
    if report["kind"] == "refused":
        return SqlRefusedError(report["what"], report["rule"], place)
    message = str(report["message"])
    return SqlFailedError(_too_little(memory_mib)) if _NO_MEMORY.search(message) else SqlFailedError(message, place)


def _ending(status: int, last_words: str, memory_mib: int) -> str:
    # without a report: a limit or the system has ended it
    if status == -signal.SIGKILL or _NO_MEMORY.search(last_words):
        return _too_little(memory_mib)
    return f"the query process ended with status {status}; the log has its last words"


def _too_little(memory_mib: int) -> str:
    return f"the query needs more than the {memory_mib} MiB it may use; narrow it, or aggregate first"
