"""Repair stored rows: show what would change, or write it as a new version and say who did it and why."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.accept import accept
from lake import Lake
from lake.commit import Transaction
from lake.quality.repair import Changes, Target, examples
from lake.quality.repairs import ACCEPT, repair_named
from lake.quality.surroundings import Surroundings
from lake.records import open_records
from lake.rows import polars_schema
from lake.tables import Table
from lake.tables import table as fixed_table
from qbrain_core.errors import CommitConflictError
from qbrain_core.markets import MARKETS, Market
from qbrain_core.specs import CleanSpec, JobSpec

__all__ = ["run"]

_ATTEMPTS = 5
_SINGLE_DELETES = 100
"""Rows up to which each is deleted by its key; beyond, their partitions are written anew without them."""


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Clean.

    Parameters
    ----------
    spec : CleanSpec
    context : TaskContext

    Returns
    -------
    dict
        `repair`, `table`, `applied` (false for a preview), `rows_changed`, `rows_removed`,
        `examples`: a list of {before,
        after}, `beside`: rows {changed, removed} in other tables,
        and where it was applied `version_before` and `version`.

    Raises
    ------
    UnknownNameError
        If there is no such repair.
    InvalidInputError
        If the repair is not for that table, or is not told what it needs; nothing is written then.
    CommitConflictError
        If the table kept changing while the repair was worked out.
    """
    assert isinstance(spec, CleanSpec)
    market, table = MARKETS[spec.market], fixed_table(spec.table)
    repair = repair_named(spec.repair, spec.table)
    target = Target(spec.instruments, spec.start, spec.end, spec.ratio)
    for _ in range(_ATTEMPTS):
        context.reporter.stage("read", detail=spec.table)
        version = context.lake.snapshot(spec.table).version
        if spec.repair == ACCEPT:
            changes = accept(spec, context)
        else:
            rows = _read(context.lake, table, market, spec.instruments, version)
            context.reporter.stage("compute", detail=spec.repair)
            around = Surroundings(market, read=lambda name: _read(context.lake, fixed_table(name), market, (), None))
            changes = repair.fix(rows, target, around)
        result = {
            "repair": spec.repair, "table": spec.table, "applied": False, "rows_changed": changes.after.height,
            "rows_removed": changes.removed.height, "examples": examples(changes, table.key), "version_before": version,
            "beside": {
                name: {"changed": len(changes.beside.get(name, ())), "removed": len(changes.beside_removed.get(name,
                ()))}
                for name in (*changes.beside, *changes.beside_removed)
            },
        }  # fmt: skip
        if spec.preview or changes.is_empty:
            return result
        context.reporter.check()
        context.reporter.stage("write")
        try:
            return result | {"applied": True, "version": _apply(spec, context, table, changes, version, result)}
        except CommitConflictError as moved:
            context.reporter.log(str(moved), level="warning")
    raise CommitConflictError(f"{spec.table} changed {_ATTEMPTS} times while {spec.repair} was worked out; try again")


def _apply(
    spec: CleanSpec, context: TaskContext, table: Table, changes: Changes, version: int, result: dict[str, Any]
) -> int:
    note = {
        "job_id": context.job_id, "check": spec.repair, "severity": "repair", "table": spec.table,
        "source": spec.reason.strip(), "rows": changes.after.height + changes.removed.height,
        "examples": json.dumps(result["examples"], ensure_ascii=False), "created_at": datetime.now(UTC),
        "market": spec.market, "data_version": version,
    }  # fmt: skip
    fence = _still(context.fence, context.lake, spec.table, version)
    with context.lake.commit(context.job_id, context.attempt, fence=fence) as transaction:
        # the table first: where it has changed meanwhile, nothing at all is written
        _remove(transaction, context.lake, table, changes.removed, version)
        if changes.after.height:
            transaction.upsert(spec.table, changes.after)
        for name, rows in changes.beside.items():
            transaction.upsert(name, rows)
        for name, rows in changes.beside_removed.items():
            _remove(transaction, context.lake, fixed_table(name), rows, None)
        transaction.upsert("findings", pl.DataFrame([note], schema_overrides=_FINDING))
    records = open_records(context.settings)
    records.note(
        spec.owner, "clean", spec.table, repair=spec.repair, reason=spec.reason, job=context.job_id,
        version_before=version, version=transaction.versions.get(spec.table, version), rows=note["rows"],
    )  # fmt: skip
    return transaction.versions.get(spec.table, version)


_FINDING = polars_schema(fixed_table("findings"))


def _still(fence: Callable[[], None], lake: Lake, table: str, version: int) -> Callable[[], None]:
    # what was worked out holds for the version that was read, and for no other
    first = [True]

    def check() -> None:
        fence()
        if first[0] and lake.catalog.latest(table) != version:
            raise CommitConflictError(f"{table} has changed since version {version}")
        first[0] = False

    return check


def _remove(
    transaction: Transaction, lake: Lake, table: Table, rows: pl.DataFrame, version: int | None
) -> None:  # fmt: skip
    if rows.is_empty():
        return
    if rows.height <= _SINGLE_DELETES or not table.partitions:
        for key in rows.select(table.key).iter_rows(named=True):
            transaction.delete(table.name, where=key)
        return
    as_of = None if version is None else {table.name: version}
    for part in rows.select(table.partitions).unique(maintain_order=True).iter_rows(named=True):
        here = pl.all_horizontal(pl.col(name) == value for name, value in part.items())
        rest = lake.scan(table.name, as_of=as_of).filter(here).collect().join(rows, on=list(table.key), how="anti")
        transaction.replace(table.name, rest, where=part)


def _read(lake: Lake, table: Table, market: Market, instruments: tuple[str, ...], version: int | None) -> pl.DataFrame:
    rows = lake.scan(table.name, as_of=None if version is None else {table.name: version})
    if "market" in rows.collect_schema():
        rows = rows.filter(pl.col("market") == market.code)
    else:
        suffix = pl.col("instrument").str.extract(r"\.([^.]+)$", 1)
        rows = rows.filter(suffix.is_in(list(market.suffixes)))
    if instruments:
        rows = rows.filter(pl.col("instrument").is_in(list(instruments)))
    return rows.sort(table.sort or table.key).collect()
