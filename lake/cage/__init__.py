"""Where queries that people type are run: checked, in a process of their own, with nothing in reach but the lake."""

from typing import TYPE_CHECKING, Any

from lake.cage.errors import SqlFailedError, SqlRefusedError, SqlTimeoutError

if TYPE_CHECKING:
    from lake.cage.run import QueryResult, run_query

__all__ = ["QueryResult", "SqlFailedError", "SqlRefusedError", "SqlTimeoutError", "run_query"]


def __getattr__(name: str) -> Any:
    # the child imports this package too, and must start fast: it needs none of the lake's engines
    if name in ("QueryResult", "run_query"):
        from lake.cage import run

        return getattr(run, name)
    raise AttributeError(f"module 'lake.cage' has no attribute {name!r}")
