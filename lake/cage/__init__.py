"""Where queries that people type are run: checked, in a process of their own, with nothing in reach but the lake."""

from typing import TYPE_CHECKING, Any

from lake.cage.errors import Place, SqlCancelledError, SqlFailedError, SqlRefusedError, SqlTimeoutError

if TYPE_CHECKING:
    from lake.cage.result import QueryResult
    from lake.cage.run import RunningQuery, run_query, start_query

__all__ = [
    "Place",
    "QueryResult",
    "RunningQuery",
    "SqlCancelledError",
    "SqlFailedError",
    "SqlRefusedError",
    "SqlTimeoutError",
    "run_query",
    "start_query",
]


def __getattr__(name: str) -> Any:
    # the child imports this package too, and must start fast: it needs none of the lake's engines
    if name in ("QueryResult", "RunningQuery", "run_query", "start_query"):
        from lake.cage import run

        return getattr(run, name)
    raise AttributeError(f"module 'lake.cage' has no attribute {name!r}")
