"""Bring stored factors up to date: only the values that look back on something that has changed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from jobs.tasks.factors.blocks import CELLS_PER_BLOCK
from jobs.tasks.factors.work import FactorWork
from lake.scan import scan_rows
from qbrain_core.reporting import Reporter

__all__ = ["Update", "make_update"]

_KEY = ["instrument", "session"]
_ROWS_READ = 1_500_000  # bars at a time
_SHARE = 0.3  # of the rows there are: from here on making all is quicker than finding out


@dataclass(frozen=True)
class Update:
    """What is to be written.

    Attributes
    ----------
    values : DataFrame
        Rows that may be new or other than before.
    gone : DataFrame, columns (instrument, session)
        Stored rows that are no longer made.
    added : int
        Rows of `values` that were not stored.
    """

    values: pl.DataFrame
    gone: pl.DataFrame
    added: int


def make_update(work: FactorWork, spans: pl.DataFrame, stored_rows: int, *, reporter: Reporter) -> Update | None:
    """Compute the values of some spans anew.

    Parameters
    ----------
    work : FactorWork
    spans : DataFrame, columns (instrument: str or null, first: date, last: date)
        See `touched_spans`.
    stored_rows : int
        Rows of the market that are stored.
    reporter : Reporter

    Returns
    -------
    Update or None
        None where so much is concerned that it is better made as a whole, block by block.
    """
    spans = spans.filter((pl.col("last") >= (work.start or date.min)) & (pl.col("first") <= (work.end or date.max)))
    rows = _rows_of(work, spans)
    most = min(CELLS_PER_BLOCK // len(work.factors.expressions), max(_SHARE * stored_rows, 10_000))
    if rows > most:
        return None
    parts = []
    for names, first, last in _batches(work, spans, stored_rows):
        reporter.check()
        first, last = max(first, work.start or date.min), min(last, work.end or date.max)
        parts.append(work.compute(names, first, last, reporter=reporter))
    schema = {"instrument": pl.String, "session": pl.Date} | dict.fromkeys(work.factors.expressions, pl.Float32)
    values = pl.concat([pl.DataFrame(schema=schema), *parts])
    values = _within(values, spans).unique(_KEY, maintain_order=True)
    known = _stored_keys(work, spans)
    gone = known.join(values, on=_KEY, how="anti")
    return Update(values, gone, values.join(known, on=_KEY, how="anti").height)


def _rows_of(work: FactorWork, spans: pl.DataFrame) -> float:
    # at most: every stock has a bar on every session
    if spans.is_empty():
        return 0
    days = work.sessions(spans["first"].min(), spans["last"].max())  # type: ignore[arg-type]
    count = days.search_sorted(spans["last"], "right").cast(pl.Int64) - days.search_sorted(spans["first"]).cast(
        pl.Int64
    )
    return float((count * pl.select(pl.when(spans["instrument"].is_null()).then(len(work.names)).otherwise(1))
                  .to_series()).sum())  # fmt: skip


def _batches(work: FactorWork, spans: pl.DataFrame, stored_rows: int) -> Iterator[tuple[list[str], date, date]]:
    # stocks that are concerned on the same sessions are computed together; a set across instruments needs all
    stocks = set(work.names)
    for (first, last), group in spans.sort("first").group_by("first", "last", maintain_order=True):
        everybody = work.crosses or group["instrument"].null_count()
        names = work.names if everybody else sorted(set(group["instrument"]) & stocks)
        # where windows have no bound all bars are read: those of a few at a time
        few = len(names) or 1
        if math.isinf(work.lookback) and not work.crosses:
            few = max(1, _ROWS_READ * len(work.names) // max(stored_rows, 1))
        for start in range(0, len(names), few):
            yield names[start : start + few], first, last


def _within(values: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    everybody = spans.filter(pl.col("instrument").is_null())
    chosen = pl.lit(False)
    for first, last in everybody.select("first", "last").iter_rows():
        chosen |= pl.col("session").is_between(first, last)
    whole = values.filter(chosen)
    own = spans.filter(pl.col("instrument").is_not_null())
    if own.is_empty():
        return whole
    fitting = values.join(own, on="instrument", how="inner").filter(pl.col("session").is_between("first", "last"))
    return pl.concat([whole, fitting.select(values.columns)])


def _stored_keys(work: FactorWork, spans: pl.DataFrame) -> pl.DataFrame:
    schema = {"instrument": pl.String, "session": pl.Date}
    if spans.is_empty():
        return pl.DataFrame(schema=schema)
    first: date = max(spans["first"].min(), work.start or date.min)  # type: ignore[type-var, assignment]
    last: date = min(spans["last"].max(), work.end or date.max)  # type: ignore[type-var, assignment]
    named = spans["instrument"].drop_nulls() if not spans["instrument"].null_count() else None
    bounds = {
        "session": (first, last), "year": (first.year, last.year),
        "instrument": (None, None) if named is None else (named.min(), named.max()),
    }  # fmt: skip
    snapshot = work.lake.snapshot(work.table.name)
    rows = scan_rows(snapshot, work.lake.catalog.storage, bounds, {"market": [work.market]}).select(_KEY)
    return _within(rows.collect(), spans).unique()
