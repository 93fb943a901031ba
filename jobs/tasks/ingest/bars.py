"""Ingest of daily bars: halts, factors, limits, the events and statuses they tell of."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.ingest.intake import Intake, Writes
from jobs.tasks.ingest.reference import new_instruments
from lake.sources import Layout, read_rows
from lake.sources.bars import (
    BAR_COLUMNS,
    VALUATION_COLUMNS,
    adjust_bars,
    anchor,
    corporate_actions,
    factor_changes,
    limit_bars,
    rebased,
    with_halts,
)
from lake.sources.instruments import with_instruments
from lake.sources.status import st_spells
from qbrain_core.errors import InvalidInputError

__all__ = ["bars"]

_BEFORE = timedelta(days=60)
"""How far back the last stored bar before a delivery is looked for; instruments without one there are read whole."""

_STORED = ("open", "high", "low", "close", "volume", "factor", "halted", "price_basis")


def bars(intake: Intake, context: TaskContext) -> Writes:
    """Ingest daily bars.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes
        Besides the bars: instruments not known yet, the events that move the factor, spells of special treatment, and
        valuations that the file brings along.

    Raises
    ------
    InvalidInputError
        If no row is usable, or the file with the factors has none.
    """
    spec, market = intake.spec, intake.market
    intake.rows = with_halts(intake.rows)
    rows = intake.refuse(("instrument", "session"))
    changes = _changes(intake, context)
    context.reporter.stage("adjust")
    stored = _stored(rows, intake, context)
    rows = intake.set_aside(_at_other_basis(rows, stored, spec.price_basis), "other_basis")
    names = rows["instrument"].unique(maintain_order=True)
    # steps and moves of a first new bar are counted from the last stored one before it
    rows = pl.concat([_last_before(rows, stored), rows], how="diagonal_relaxed").sort("instrument", "session")
    # a vendor's adjusted close or factor says nothing of the stored bar before it; the other sources do
    relative = changes is None and not {"factor", "adj_close"}.isdisjoint(intake.rows.columns)
    rows = anchor(adjust_bars(rows, changes=changes), stored)
    rows = rows if relative else rows.drop("unanchored")
    known = context.lake.instruments(market=market.code)
    kinds = dict(known.select("instrument", "kind").iter_rows())
    stocks = pl.Series([n for n in names if kinds.get(n, spec.instrument_kind) == "stock"], dtype=pl.String)
    rows = limit_bars(rows, market, stocks=stocks, listings=known.select("instrument", "listed"))
    kind = pl.col("instrument").replace_strict(kinds, default=spec.instrument_kind, return_dtype=pl.String)
    rows = rows.with_columns(price_basis=pl.lit(spec.price_basis), bounded=pl.lit(market.price_limits), kind=kind)
    context.reporter.check()
    intake.warn(rows, stored)
    actions = corporate_actions(rows, price_basis=spec.price_basis)
    fresh = rows.filter(pl.col("row").is_not_null())
    oldest = stored.group_by("instrument").agg(oldest=pl.col("session").min())
    written = rebased(fresh.select(BAR_COLUMNS), oldest, lambda some: context.lake.bars(instruments=some))
    writes = Writes(
        {
            "instruments": new_instruments(names, intake, context),
            "corporate_actions": actions.join(fresh, on=["instrument", "session"], how="semi"),
        }
    )
    values = [c for c in VALUATION_COLUMNS if c in fresh.columns]
    if values:
        told = fresh.filter(pl.any_horizontal(pl.col(values).is_not_null()))
        writes.rows["valuation"] = told.select("instrument", "session", *values)
    for name, spells in _treated(fresh, context).items():
        writes.replaced.append(("instrument_status", spells, {"instrument": name, "status": "st"}))
    writes.rows["bars"] = written
    return writes


def _changes(intake: Intake, context: TaskContext) -> pl.DataFrame | None:
    adjustments = intake.spec.adjustments
    if adjustments is None:
        return None
    context.reporter.stage("read", detail=Path(adjustments.path).name)
    layout = Layout(adjustments.columns, header=adjustments.header)
    read = read_rows(adjustments.path, "adjustments", layout, parameter="adjustments.path")
    usable = factor_changes(with_instruments(read.rows, intake.market))
    if usable.is_empty():
        raise InvalidInputError("adjustments.path", adjustments.path, "none of its rows can be used")
    return usable


def _at_other_basis(rows: pl.DataFrame, stored: pl.DataFrame, basis: str) -> pl.DataFrame:
    # instruments of which bars at another basis would stay beside the new ones
    staying = stored.filter(pl.col("price_basis") != basis).join(rows, on=["instrument", "session"], how="anti")
    return rows.with_columns(other_basis=pl.col("instrument").is_in(staying["instrument"].unique().implode()))


def _stored(rows: pl.DataFrame, intake: Intake, context: TaskContext) -> pl.DataFrame:
    # what the lake has in the sessions the file brings and shortly before; all of those it has nothing of there
    first, last, names = rows["session"].min(), rows["session"].max(), rows["instrument"].unique()
    assert isinstance(first, date)
    assert isinstance(last, date)
    code, columns = intake.market.code, list(_STORED)
    near = context.lake.bars(market=code, start=first - _BEFORE, end=last, columns=columns)
    near = near.filter(pl.col("instrument").is_in(names.implode()))
    since = rows.group_by("instrument").agg(since=pl.col("session").min())
    led = near.join(since, on="instrument").filter(pl.col("session") < pl.col("since"))["instrument"].unique()
    without = names.filter(~names.is_in(led.implode())).to_list()
    if not without:
        return near
    whole = context.lake.bars(market=code, instruments=without, columns=columns)
    rest = near.filter(~pl.col("instrument").is_in(pl.Series(without).implode()))
    return pl.concat([rest, whole]).sort("instrument", "session")


def _last_before(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    first = rows.group_by("instrument").agg(first=pl.col("session").min())
    earlier = stored.join(first, on="instrument").filter(pl.col("session") < pl.col("first"))
    last = earlier.sort("instrument", "session").group_by("instrument", maintain_order=True).last()
    return last.select("instrument", "session", "close", "halted")


def _treated(fresh: pl.DataFrame, context: TaskContext) -> dict[str, pl.DataFrame]:
    # whole spells of the instruments that the bars show under ST, or that were and now are not
    told = fresh.filter(pl.col("special_treatment").is_not_null())
    if told.is_empty():
        return {}
    spells = context.lake.scan("instrument_status").filter(pl.col("status") == "st").collect()
    before = spells.filter(pl.col("instrument").is_in(told["instrument"].unique().implode()))["instrument"]
    names = pl.concat([told.filter("special_treatment")["instrument"], before]).unique().sort()
    if names.is_empty():
        return {}
    wanted = ["instrument", "session", "special_treatment"]
    new = told.filter(pl.col("instrument").is_in(names.implode())).select(wanted)
    old = context.lake.bars(instruments=names.to_list(), columns=wanted[2:]).join(new, on=wanted[:2], how="anti")
    histories = pl.concat([old, new]).sort(wanted[:2])
    # a spell that begins after the last bar is known from elsewhere
    last = histories.group_by("instrument").agg(last=pl.col("session").max())
    later = spells.join(last, on="instrument").filter(pl.col("start") > pl.col("last"))
    whole = st_spells(histories)
    whole = pl.concat([whole, later.select(whole.columns)])
    return {name: whole.filter(pl.col("instrument") == name) for name in names}
