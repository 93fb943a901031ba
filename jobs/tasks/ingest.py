"""Read one file into the lake: good rows in, bad rows aside, everything odd told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from jobs.context import TaskContext
from lake.quality import (
    BAR_ERRORS,
    BAR_WARNINGS,
    INSTRUMENT_ERRORS,
    UNIVERSE_ERRORS,
    Check,
    Finding,
    conflicting_duplicate,
    examine,
    missing_sessions,
    off_calendar,
    take_repeats,
    unknown_columns,
    warn,
)
from lake.sources import SourceRows, read_rows
from lake.sources.bars import BAR_COLUMNS, adjust_bars, anchor, corporate_actions, limit_bars, with_halts
from lake.sources.instruments import instrument_rows, with_instruments
from lake.sources.universes import universe_rows
from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import MARKETS, Market
from qbrain_core.specs import IngestSpec, JobSpec

__all__ = ["run"]


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Ingest a file.

    Parameters
    ----------
    spec : IngestSpec
    context : TaskContext

    Returns
    -------
    dict
        `table`, its `version`, `rows_in`, `rows_written` (good rows, now in the table), `rows_changed` (those of them
        that were not so before), `rows_quarantined`, and `findings`: a list of {check, severity, rows, examples}.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, lacks a column, or has no usable row; nothing is written then.
    """
    assert isinstance(spec, IngestSpec)
    market = MARKETS[spec.market]
    context.reporter.stage("read", detail=Path(spec.path).name)
    source = read_rows(spec.path, spec.table, columns=spec.columns, header=spec.header)
    context.reporter.check()
    context.reporter.stage("check")
    intake = _Intake(spec, market, source)
    prepare: dict[str, Callable[[_Intake, TaskContext], dict[str, pl.DataFrame]]] = {
        "bars": _bars, "instruments": _instruments, "universes": _universes,
    }  # fmt: skip
    writes = prepare[spec.table](intake, context)
    context.reporter.check()
    context.reporter.stage("write")
    now = datetime.now(UTC)
    with context.commit() as transaction:
        transaction.upsert("findings", intake.findings_table(context.job_id, now))
        transaction.upsert("quarantine", intake.quarantine_table(context.job_id, now))
        for table, frame in writes.items():
            if table == "universes":
                transaction.replace(table, frame, where={"universe": spec.universe})
            else:
                transaction.upsert(table, frame)
    for finding in intake.findings:
        context.reporter.log(f"{finding.check}: {finding.rows} rows", level=finding.severity)
    return {
        "table": spec.table,
        "version": transaction.versions[spec.table],
        "rows_in": source.rows.height,
        "rows_written": intake.written,
        "rows_changed": transaction.changed.get(spec.table, 0),
        "rows_quarantined": intake.refused.height,
        "findings": [vars(f) for f in intake.findings],
    }


class _Intake:
    # one file on its way in: what is left of it, what was refused, what was noticed

    def __init__(self, spec: IngestSpec, market: Market, source: SourceRows) -> None:
        self.spec, self.market, self.source = spec, market, source
        self.rows = with_instruments(source.rows, market).with_columns(
            unreadable=pl.col("row").is_in(source.unreadable["row"].unique().implode())
        )
        self.refused = pl.DataFrame(schema={"row": pl.UInt32, "check": pl.String})
        self.findings: list[Finding] = []
        self.written = 0
        if spec.extra_columns == "report":
            self.findings += unknown_columns(source.extra_columns, source.rows.height)

    def refuse(self, checks: tuple[Check, ...], *, key: tuple[str, ...]) -> pl.DataFrame:
        good, refused, findings = examine(self.rows, checks)
        good, repeats = take_repeats(good.drop("unreadable"))
        good, doubles, conflicts = examine(good, [conflicting_duplicate(*key)])
        self.refused = pl.concat([refused, doubles]).sort("row")
        self.findings += [*findings, *repeats, *conflicts]
        if good.is_empty():
            causes = ", ".join(f"{f.check} {f.rows}" for f in self.findings if f.severity == "error")
            rule = f"none of its {self.source.rows.height} rows can be used ({causes}); nothing was written"
            raise InvalidInputError("path", self.spec.path, rule)
        self.written = good.height
        return good.sort(*(k for k in key if k in good.columns))

    def findings_table(self, job_id: str, now: datetime) -> pl.DataFrame:
        rows = [
            {
                "job_id": job_id, "check": f.check, "severity": f.severity, "table": self.spec.table,
                "source": Path(self.spec.path).name, "rows": f.rows,
                "examples": json.dumps(f.examples, ensure_ascii=False), "created_at": now,
            }
            for f in self.findings
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=_FINDING_SCHEMA)

    def quarantine_table(self, job_id: str, now: datetime) -> pl.DataFrame:
        original = self.source.original.join(self.refused.lazy(), on="row", how="inner").collect()
        content = pl.struct(pl.exclude("row", "check").cast(pl.String, strict=False)).struct.json_encode()
        return original.select(
            pl.lit(job_id).alias("job_id"), "row", "check", pl.lit(self.spec.table).alias("table"),
            pl.lit(Path(self.spec.path).name).alias("source"), content.alias("content"),
            pl.lit(now).alias("created_at"),
        )  # fmt: skip


_FINDING_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.String, "check": pl.String, "severity": pl.String, "table": pl.String, "source": pl.String,
    "rows": pl.Int64, "examples": pl.String, "created_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def _bars(intake: _Intake, context: TaskContext) -> dict[str, pl.DataFrame]:
    spec, market = intake.spec, intake.market
    intake.rows = with_halts(intake.rows)
    rows = intake.refuse(BAR_ERRORS, key=("instrument", "session"))
    names = rows["instrument"].unique(maintain_order=True)
    changes = _changes(intake, context)
    context.reporter.stage("adjust")
    stored = context.lake.bars(instruments=names.to_list(), columns=["close", "factor", "halted"])
    # steps and moves of a first new bar are counted from the last stored one before it
    rows = pl.concat([_before(rows, stored), rows], how="diagonal_relaxed").sort("instrument", "session")
    # a vendor's adjusted close or factor says nothing of the stored bar before it; the other sources do
    relative = changes is None and not {"factor", "adj_close"}.isdisjoint(intake.rows.columns)
    rows = anchor(adjust_bars(rows, changes=changes), stored)
    rows = rows if relative else rows.drop("unanchored")
    known = context.lake.instruments(market=market.code)
    kinds = dict(known.select("instrument", "kind").iter_rows())
    stocks = pl.Series([n for n in names if kinds.get(n, spec.instrument_kind) == "stock"], dtype=pl.String)
    rows = limit_bars(rows, market, stocks=stocks, listings=known.select("instrument", "listed"))
    rows = rows.with_columns(price_basis=pl.lit(spec.price_basis), bounded=pl.lit(market.price_limits))
    intake.findings += warn(rows, BAR_WARNINGS)
    actions = corporate_actions(rows, price_basis=spec.price_basis)
    fresh = rows.filter(pl.col("row").is_not_null())
    intake.findings += [*off_calendar(fresh, market), *missing_sessions(fresh, market)]
    new = names.filter(~names.is_in(known["instrument"].implode())).to_frame()
    currency = spec.currency or market.currency
    return {
        "instruments": instrument_rows(new, known, market, kind=spec.instrument_kind, currency=currency),
        "corporate_actions": actions.join(fresh, on=["instrument", "session"], how="semi"),
        "bars": _rebased(fresh.select(BAR_COLUMNS), stored, context),
    }


def _changes(intake: _Intake, context: TaskContext) -> pl.DataFrame | None:
    adjustments = intake.spec.adjustments
    if adjustments is None:
        return None
    context.reporter.stage("read", detail=Path(adjustments.path).name)
    read = read_rows(adjustments.path, "adjustments", columns=adjustments.columns)
    usable = with_instruments(read.rows, intake.market).drop_nulls(["instrument", "session", "factor"])
    usable = usable.filter(pl.col("factor") > 0)
    if usable.is_empty():
        raise InvalidInputError("adjustments.path", adjustments.path, "none of its rows can be used")
    return usable.select("instrument", "session", "factor")


def _before(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    first = rows.group_by("instrument").agg(first=pl.col("session").min())
    earlier = stored.join(first, on="instrument").filter(pl.col("session") < pl.col("first"))
    return (
        earlier.sort("instrument", "session").group_by("instrument", maintain_order=True).last().drop("first", "factor")
    )


def _rebased(fresh: pl.DataFrame, stored: pl.DataFrame, context: TaskContext) -> pl.DataFrame:
    # a file that brings bars older than the stored ones moves the first bar, where the factor is 1
    old = stored.group_by("instrument").agg(oldest=pl.col("session").min())
    spans = fresh.group_by("instrument", maintain_order=True).agg(
        since=pl.col("session").first(), until=pl.col("session").last(),
        first=pl.col("factor").first(), last=pl.col("factor").last(),
    )  # fmt: skip
    older = spans.join(old, on="instrument").filter(pl.col("since") < pl.col("oldest"))
    if older.is_empty():
        return fresh
    # without a common session the stored bars go on from where the file ends
    scale = (
        pl.when(pl.col("until") < pl.col("oldest"))
        .then(pl.col("last") / pl.col("first"))
        .otherwise(1 / pl.col("first"))
    )
    moved = older.select("instrument", "first", scale=scale)
    rest = context.lake.bars(instruments=moved["instrument"].to_list(), columns=list(BAR_COLUMNS[2:])).join(
        fresh, on=["instrument", "session"], how="anti"
    )
    rest = rest.join(moved, on="instrument").with_columns(pl.col("factor") * pl.col("scale"))
    based = fresh.join(moved, on="instrument", how="left", maintain_order="left").with_columns(
        pl.col("factor") / pl.col("first").fill_null(1.0)
    )
    return pl.concat([based.select(BAR_COLUMNS), rest.select(BAR_COLUMNS)])


def _instruments(intake: _Intake, context: TaskContext) -> dict[str, pl.DataFrame]:
    spec, market = intake.spec, intake.market
    if "kind" in intake.rows.columns:
        intake.rows = intake.rows.with_columns(pl.col("kind").str.to_lowercase())
    rows = intake.refuse(INSTRUMENT_ERRORS, key=("instrument",))
    known = context.lake.instruments(market=market.code)
    currency = spec.currency or market.currency
    return {"instruments": instrument_rows(rows, known, market, kind=spec.instrument_kind, currency=currency)}


def _universes(intake: _Intake, context: TaskContext) -> dict[str, pl.DataFrame]:
    found = [c for c in ("as_of", "start") if c in intake.rows.columns]
    if not found:
        rule = "universes need as_of (snapshots), or start and end (spells)"
        raise InvalidInputError("columns", intake.spec.columns, rule)
    rows = intake.refuse(UNIVERSE_ERRORS, key=("instrument", found[0]))
    return {"universes": universe_rows(rows, intake.spec.universe)}
