"""Run a query that somebody typed: gate, then a process of its own that can be ended at any moment."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import polars as pl

from lake.cage.child import FAILED
from lake.cage.errors import SqlFailedError, SqlTimeoutError
from lake.cage.gate import check_query
from lake.lakehouse import AsOf, Lake
from lake.views import select_of

__all__ = ["QueryResult", "run_query"]

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
"""Environment variables the child sees; no credentials, no settings."""


@dataclass(frozen=True)
class QueryResult:
    """What a query gave.

    Attributes
    ----------
    frame : DataFrame
    rows : int
        Rows of the frame.
    truncated : bool
        Whether there were more rows than asked for.
    seconds : float
        From the question to the answer.
    """

    frame: pl.DataFrame
    rows: int
    truncated: bool
    seconds: float


def run_query(
    lake: Lake,
    query: str,
    *,
    as_of: AsOf = None,
    max_rows: int = 10_000,
    timeout_s: float | None = None,
    memory_mib: int | None = None,
) -> QueryResult:
    """Run one read-only query over the lake's views.

    Parameters
    ----------
    lake : Lake
    query : str
        One statement in DuckDB's SQL.
    as_of : optional
        Point of the lake's history.
    max_rows : int
        Rows returned at most.
    timeout_s, memory_mib : optional
        Limits; the settings' when left out.

    Returns
    -------
    QueryResult

    Raises
    ------
    SqlRefusedError
        If the query does more than read the views; nothing was run.
    SqlFailedError
        If the engine could not answer it; its message.
    SqlTimeoutError
        If it ran past `timeout_s`; the process was killed.
    InvalidInputError
        If `as_of` means nothing.
    """
    started = time.perf_counter()
    timeout_s = timeout_s or lake.settings.sql_timeout_s
    memory_mib = memory_mib or lake.settings.sql_memory_mib
    check_query(query, [*lake.catalog.views().values(), *lake.catalog.aliases()])
    snapshots = lake.views(query, as_of=as_of)
    storage = lake.catalog.storage
    request = {
        "query": query,
        "views": {name: select_of(snapshot) for name, snapshot in snapshots.items()},
        "files": [file.uri for snapshot in snapshots.values() for file in snapshot.files],
        "max_rows": max_rows,
        "memory_mib": memory_mib,
        "timeout_s": timeout_s,
        "threads": 2,
        "root": storage.root,
        "access": storage.access.to_wire() if storage.access else None,
    }
    answer = _ask(json.dumps(request).encode(), timeout_s, memory_mib)
    frame = pl.read_ipc_stream(answer)
    return QueryResult(
        frame=frame.head(max_rows), rows=min(frame.height, max_rows), truncated=frame.height > max_rows,
        seconds=time.perf_counter() - started,
    )  # fmt: skip


def _ask(request: bytes, timeout_s: float, memory_mib: int) -> bytes:
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "lake.cage.child"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )  # fmt: skip
    try:
        answer, message = process.communicate(request, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise SqlTimeoutError(
            f"the query ran longer than {timeout_s:g} s and was ended; narrow it (fewer sessions, fewer instruments)"
        ) from None
    finally:
        process.kill()
        process.communicate()
    if process.returncode == 0:
        return answer
    text = message.decode(errors="replace").strip()
    if process.returncode == FAILED and "memory" not in text.lower():
        raise SqlFailedError(text)
    if process.returncode == FAILED or process.returncode < 0 or "MemoryError" in text:
        raise SqlFailedError(
            f"the query needs more than the {memory_mib} MiB it may use; narrow it, or aggregate first"
        )
    raise SqlFailedError(f"the query process ended with status {process.returncode}")
