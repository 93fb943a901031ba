"""Cut a factor set on a market into blocks that fit into memory, and make each block's files."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from jobs.tasks.factors.made import Made
from jobs.tasks.factors.work import FactorWork
from lake.files import Snapshot
from lake.rows import conform
from lake.scan import scan_rows
from lake.staging import Staging
from qbrain_core.reporting import Reporter

__all__ = ["CELLS_PER_BLOCK", "Block", "make_block", "plan_blocks"]

CELLS_PER_BLOCK = 96_000_000
"""Values computed at a time, 4 bytes each: what bounds memory, with the working space of the engine."""

_KEY = ["instrument", "session"]


@dataclass(frozen=True)
class Block:
    """A part of the market, all of it on all sessions or all stocks on some.

    Attributes
    ----------
    low, high : str, optional
        Instruments from `low` on and before `high`; None: no bound.
    first, last : date, optional
        Sessions, both included; None: no bound but what was asked for.
    """

    low: str | None = None
    high: str | None = None
    first: date | None = None
    last: date | None = None

    def names(self, stocks: list[str]) -> list[str]:
        """Choose the stocks it is about.

        Parameters
        ----------
        stocks : list of str

        Returns
        -------
        list of str
        """
        return [name for name in stocks if (self.low is None or name >= self.low) and not self._beyond(name)]

    def _beyond(self, name: str) -> bool:
        return self.high is not None and name >= self.high

    def rows(self) -> pl.Expr:
        """Tell which rows it is about.

        Returns
        -------
        Expr
            Of `instrument` and `session`.
        """
        chosen = pl.lit(True)
        if self.low is not None:
            chosen &= pl.col("instrument") >= self.low
        if self.high is not None:
            chosen &= pl.col("instrument") < self.high
        if self.first is not None:
            chosen &= pl.col("session") >= self.first
        if self.last is not None:
            chosen &= pl.col("session") <= self.last
        return chosen


def plan_blocks(work: FactorWork, *, least: int = 1) -> list[Block]:
    """Cut the work.

    Parameters
    ----------
    work : FactorWork
    least : int
        Blocks there are at least, if there is enough to cut.

    Returns
    -------
    list of Block
        Together they are about everything that is asked for, each row once. Blocks of instruments where each is
        computed by itself; of sessions where a set crosses instruments, as long as its windows end.
    """
    by = "session" if work.crosses else "instrument"
    if work.crosses and math.isinf(work.lookback):
        return [Block()]
    snapshot = work.lake.snapshot("bars", as_of=work.as_of)
    bounds = {"session": (work.start, work.end)}
    rows = scan_rows(snapshot, work.lake.catalog.storage, bounds, {"market": [work.market]})
    stocks = pl.DataFrame({"instrument": work.names}, schema={"instrument": pl.String}).lazy()
    counts = rows.select(_KEY).join(stocks, on="instrument", how="semi").group_by(by).len().sort(by).collect()
    total = int(counts["len"].sum())
    n_blocks = max(least, math.ceil(total * len(work.factors.expressions) / CELLS_PER_BLOCK))
    number = (counts["len"].cum_sum() - counts["len"]) * n_blocks // max(total, 1)
    starts: list[Any] = counts[by].filter((number != number.shift(1)).fill_null(True)).to_list()
    if len(starts) < 2:
        return [Block()]
    edges = [None, *starts[1:], None]
    if not work.crosses:
        return [Block(low=low, high=high) for low, high in pairwise(edges)]
    day = timedelta(days=1)
    return [Block(first=low, last=high - day if high else None) for low, high in pairwise(edges)]


def make_block(
    work: FactorWork, block: Block, version: int, *, mark: str, reporter: Reporter, calendar: pl.Series | None = None
) -> Made:
    """Compute a block, write its rows to files, and compare them with what is stored.

    Parameters
    ----------
    work : FactorWork
    block : Block
    version : int
        Of the table to compare with; 0: there is none, or it has no rows.
    mark : str
        Stands in the files' names.
    reporter : Reporter
    calendar : Series of date, optional
        The market's sessions, where they are known already.

    Returns
    -------
    Made
        Its files are named by no version yet. Where the block fails there are none.
    """
    names = block.names(work.names)
    first = max(filter(None, (work.start, block.first)), default=None)
    last = min(filter(None, (work.end, block.last)), default=None)
    empty = work.lake.snapshot("bars", as_of=work.as_of).files == ()
    values = pl.DataFrame() if not names or empty else work.compute(
        names, first, last, reporter=reporter, calendar=calendar
    )  # fmt: skip
    made, staging = Made(), Staging(work.lake.catalog.storage, work.table, mark=mark)
    try:
        for year, rows in _by_year(values):
            _write_year(work, block, version, year, rows, made, staging)
            reporter.check()
        for year in sorted(_stored_years(work, version) - set(made.rows)):
            _write_year(work, block, version, year, values.clear(), made, staging)
        made.files = list(staging.close())
    except BaseException:  # cancelled or interrupted, too: half a block's files are of no use to anybody
        staging.discard()
        raise
    if values.height:
        made.instruments = values["instrument"].n_unique()
        made.first, made.last = values["session"].min(), values["session"].max()  # type: ignore[assignment]
    return made


def _by_year(values: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    if values.height:
        years = values["session"].dt.year()
        for year in years.unique().sort():
            yield year, values.filter(years == year)


def _write_year(
    work: FactorWork, block: Block, version: int, year: int, rows: pl.DataFrame, made: Made, staging: Staging
) -> None:
    stored = _stored(work, block, version, year)
    asked = pl.col("session").is_between(work.start or date.min, work.end or date.max)
    kept, old = stored.filter(~asked), stored.filter(asked)
    if rows.height:
        made.rows[year] = rows.height
        new = conform(rows, work.table) if old.height or kept.height else rows
        gone = old.join(rows, on=_KEY, how="anti").height
        made.deleted[year] = gone
        made.changed[year] = rows.height - _equal(old, new)
        staging.write(pl.concat([kept, new]) if kept.height else rows)
    elif stored.height:
        made.deleted[year] = old.height
        if kept.height:
            staging.write(kept)


def _stored_years(work: FactorWork, version: int) -> set[int]:
    return {int(file.partition["year"]) for file in _files(work, version).files} if version else set()


def _files(work: FactorWork, version: int) -> Snapshot:
    snapshot = work.lake.catalog.snapshot(work.table.name, version)
    files = tuple(file for file in snapshot.files if file.partition["market"] == work.market)
    return Snapshot(snapshot.table, snapshot.version, files, snapshot.everywhere)


def _stored(work: FactorWork, block: Block, version: int, year: int) -> pl.DataFrame:
    if not version:
        return pl.DataFrame(schema=conform(pl.DataFrame(schema={"instrument": pl.String, "session": pl.Date}),
                                           work.table).schema)  # fmt: skip
    bounds = {"year": (year, year), "instrument": (block.low, block.high), "session": (block.first, block.last)}
    rows = scan_rows(_files(work, version), work.lake.catalog.storage, bounds, {})
    return rows.filter(block.rows()).collect()


def _equal(old: pl.DataFrame, new: pl.DataFrame) -> int:
    # rows that are in both with the same values
    if old.is_empty():
        return 0
    old, new = (a.join(b.select(_KEY), on=_KEY, how="semi").sort(_KEY) for a, b in ((old, new), (new, old)))
    same = pl.repeat(True, old.height, dtype=pl.Boolean, eager=True)
    for name in old.columns:
        same &= old[name].eq_missing(new[name])
    return int(same.sum())
