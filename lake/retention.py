"""Let rows go that are older than their table keeps them, or this installation says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.expiry import Expiry, expired
from lake.rows import polars_schema
from lake.tables import Table
from qbrain_core.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["Retained", "expiries", "retain"]


@dataclass(frozen=True)
class Retained:
    """What became of one table, or would on a dry run.

    Attributes
    ----------
    table : str
    rows : int
        Rows that went.
    files : int
        Files that went, rewritten ones included.
    version : int
        The table's version afterwards.
    """

    table: str
    rows: int
    files: int
    version: int


def expiries(lake: "Lake", limits: Mapping[str, int] | None = None, *, today: date | None = None) -> dict[str, Expiry]:
    """Work out from which day on each table keeps its rows.

    Parameters
    ----------
    lake : Lake
    limits : mapping of str to int, optional
        Days by table, or by table and a value of its first partition column (`bars_intraday/1m`); they go before what
        the declaration says.
    today : date, optional
        Now, UTC, when left out.

    Returns
    -------
    dict of str to Expiry
        Tables whose rows all stay are left out.

    Raises
    ------
    UnknownNameError
        If there is no such table.
    InvalidInputError
        If rows of the table have no age, a limit is less than a day, or the table has no partitions to tell apart.
    """
    day = today or datetime.now(UTC).date()
    given: dict[str, date] = {}
    parts: dict[str, dict[Any, date]] = {}
    for name, days in (limits or {}).items():
        table, part = _target(lake, name)
        if table.retention is None:
            raise InvalidInputError("retention", name, "rows of this table have no age: they say what is")
        if days < 1:
            raise InvalidInputError(f"retention.{name}", days, "rows are kept for a day at least")
        if part is None:
            given[table.name] = day - timedelta(days=days)
        else:
            parts.setdefault(table.name, {})[part] = day - timedelta(days=days)
    found = {}
    for name in lake.catalog.names():
        declared = lake.catalog.declaration(name).retention
        if declared is None:
            continue
        before = given.get(name) or (day - timedelta(days=declared.days) if declared.days else None)
        if before or name in parts:
            found[name] = Expiry(declared.column, before, parts.get(name, {}))
    return found


def retain(
    lake: "Lake", limits: Mapping[str, int] | None = None, *, tables: Sequence[str] | None = None,
    today: date | None = None, dry_run: bool = False, job_id: str = "", attempt: int = 1,
    fence: Callable[[], None] | None = None,
) -> list[Retained]:  # fmt: skip
    """Delete rows past their retention, one commit per table; older versions keep them until they are vacuumed.

    Parameters
    ----------
    lake : Lake
    limits, today : optional
        As for `expiries`.
    tables : sequence of str, optional
        All when left out.
    dry_run : bool
        Only tell what would go.
    job_id, attempt, fence
        As for `Lake.commit`; without a job an id is made of the day.

    Returns
    -------
    list of Retained
        Tables that lose nothing left out.

    Raises
    ------
    UnknownNameError, InvalidInputError
        As `expiries`.
    CommitConflictError
        If other writers of a table kept winning.
    """
    day = today or datetime.now(UTC).date()
    wanted = None if tables is None else {lake.catalog.find(name) for name in tables}
    done = []
    for name, expiry in expiries(lake, limits, today=day).items():
        if wanted is not None and name not in wanted:
            continue
        snapshot = lake.catalog.snapshot(name)
        storage = lake.catalog.storage
        gone = [(file, rows) for file, rows, _ in expired(snapshot.files, snapshot.table, expiry, storage)]
        if gone and dry_run:
            done.append(Retained(name, sum(rows for _, rows in gone), len(gone), snapshot.version))
        elif gone:
            # the version it starts from is part of the id: later the same day there may be more to let go
            job = f"{job_id or f'retain-{day}'}#retain@{snapshot.version}"
            with lake.commit(job, attempt, fence=fence) as transaction:
                transaction.expire(snapshot.table, expiry)
            done.append(Retained(name, transaction.deleted[name], len(gone), transaction.versions[name]))
    return done


def _target(lake: "Lake", name: str) -> tuple[Table, Any]:
    try:
        return lake.catalog.declaration(lake.catalog.find(name)), None
    except UnknownNameError:
        parent, slash, text = name.rpartition("/")
        if not slash:
            raise
    table = lake.catalog.declaration(lake.catalog.find(parent))
    if not table.partitions:
        raise InvalidInputError("retention", name, f"{table.name} has no partitions to tell apart")
    column = table.partitions[0]
    try:
        return table, pl.Series([text]).cast(polars_schema(table)[column]).item()
    except pl.exceptions.PolarsError:
        raise InvalidInputError("retention", name, f"{text!r} is no {column} of {table.name}") from None
