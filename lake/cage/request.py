"""What a query's process is asked: the query, what it may name and read, and its limits."""

import os
from typing import Any

from lake.lakehouse import AsOf, Lake
from lake.views import select_of

__all__ = ["MAX_RESULT_BYTES", "compose"]

MAX_RESULT_BYTES = 256 * 2**20
"""Size of a result beyond which it is cut."""

_THREADS = 2


def compose(
    lake: Lake, query: str, *, as_of: AsOf, max_rows: int, timeout_s: float | None = None, memory_mib: int | None = None
) -> tuple[dict[str, Any], dict[str, int]]:
    """Compose what the query's process is asked.

    Parameters
    ----------
    lake, query, as_of, max_rows, timeout_s, memory_mib
        As for `start_query`.

    Returns
    -------
    tuple of (dict, dict of str to int)
        The request, JSON values; the version of every table that the query reads.

    Raises
    ------
    InvalidInputError
        If `as_of` means nothing.
    """
    snapshots = lake.views(query, as_of=as_of)
    storage = lake.catalog.storage
    request = {
        "query": query,
        "relations": [*lake.catalog.views().values(), *lake.catalog.aliases()],
        "views": {name: select_of(snapshot) for name, snapshot in snapshots.items()},
        "files": [file.uri for snapshot in snapshots.values() for file in snapshot.files],
        "max_rows": max_rows,
        "max_bytes": MAX_RESULT_BYTES,
        "memory_mib": memory_mib or lake.settings.sql_memory_mib,
        "timeout_s": timeout_s or lake.settings.sql_timeout_s,
        "threads": _THREADS,
        "parent": os.getpid(),
        "root": storage.root,
        "access": storage.access.to_wire() if storage.access else None,
    }
    return request, {snapshot.table.name: snapshot.version for snapshot in snapshots.values()}
