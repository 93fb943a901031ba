"""Adjustment for dividends and splits: where factors come from, and what they do to prices.

A factor is cumulative, 1 at an instrument's first bar, and changes only at corporate actions: adjusted = price ×
factor. Frames hold daily bars, one row per (instrument, session), sorted by both.
"""

from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = [
    "PRICES",
    "ROUNDING_STEP",
    "Adjustment",
    "Period",
    "apply_adjustment",
    "contradicted_steps",
    "double_bookings",
    "factor_from_adjusted_close",
    "factor_from_changes",
    "factor_from_reference",
    "resample",
    "snap_factor",
    "vendor_factor",
    "without_steps",
]

Adjustment = Literal["none", "forward", "backward"]
"""不复权, 前复权, 后复权."""

Period = Literal["day", "week", "month"]

ROUNDING_STEP = 2e-6
"""A factor's relative step below this is the source's rounding, not a corporate action."""

_DOUBLE_BOOKING = 1.1
"""Least factor step for which a dividend beside a split is looked at twice."""

PRICES = ("open", "high", "low", "close", "limit_up", "limit_down")
"""Columns of bars that an adjustment scales."""


def snap_factor(frame: pl.DataFrame, column: str) -> pl.Series:
    """Clean a raw cumulative factor of rounding noise and start it at 1.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, <column>: f64)
        One row per session, sorted by instrument, session.
    column : str
        Raw factor on any scale; null or not positive where unknown.

    Returns
    -------
    Series, name `factor`, f64
        In the order of `frame`. Constant between steps of at least `ROUNDING_STEP`; between two steps it is the mean of
        the raw values there, so that noise does not add up over steps. Unknown values take the one before (leading
        ones the one after); 1 throughout where all are unknown.
    """
    known = pl.col(column).cast(pl.Float64)
    rows = frame.select(begins=~_same(), raw=pl.when(known.is_finite() & (known > 0)).then(known), name="instrument")
    if rows["raw"].null_count():
        filled = pl.col("raw").forward_fill().backward_fill().over("name").fill_null(1.0)
        rows = rows.with_columns(filled)
    raw, begins = rows["raw"].to_numpy(), rows["begins"].to_numpy()
    if not raw.size:
        return pl.Series("factor", [], dtype=pl.Float64)
    steps = begins.copy()
    steps[1:] |= np.abs(raw[1:] / raw[:-1] - 1) >= ROUNDING_STEP
    starts = np.flatnonzero(steps)
    lengths = np.diff(np.append(starts, raw.size))
    levels = np.add.reduceat(raw, starts) / lengths
    # the level of each instrument's first segment, for all its segments
    first = levels[np.flatnonzero(begins[starts])[np.cumsum(begins[starts]) - 1]]
    return pl.Series("factor", np.repeat(levels / first, lengths))


def factor_from_adjusted_close(bars: pl.DataFrame) -> pl.Series:
    """Derive factors from a vendor's adjusted close.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, close: f64, adj_close: f64, [dividends: f64], \
[splits: f64])
        Sorted by instrument, session. `adj_close` may be normalised to any day. `dividends` (currency per share, on the
        ex-date) and `splits` (new shares per old, 0 or 1 for none) mark events that were booked twice.

    Returns
    -------
    Series, name `factor`, f64
        In the order of `bars`. A step is left out where one session has both a dividend and a split, the step exceeds
        10 % and the close hardly moved: a spin-off that the split has already taken out of the prices and the dividend
        takes out again.
    """
    adjusted = bars.with_columns(vendor_factor(bars))
    return without_steps(adjusted, double_bookings(adjusted))


def vendor_factor(bars: pl.DataFrame) -> pl.Series:
    """Derive factors from a vendor's adjusted close, events booked twice included.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, close: f64, adj_close: f64)
        Sorted by instrument, session.

    Returns
    -------
    Series, name `factor`, f64
        In the order of `bars`.
    """
    raw = bars.select("instrument", raw=pl.col("adj_close") / pl.col("close"))
    return snap_factor(raw, "raw")


def double_bookings(bars: pl.DataFrame) -> pl.Series:
    """Find the events that a source took out of its prices twice.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, close: f64, factor: f64, [dividends: f64], [splits: f64])
        Sorted by instrument, session.

    Returns
    -------
    Series, name `doubled`, bool
        True where a session has both a dividend and a split, the factor steps by more than 10 %, and the unadjusted
        close moved less than the adjusted one. False everywhere without both columns.
    """
    if not {"dividends", "splits"} <= set(bars.columns):
        return pl.Series("doubled", [False]).new_from_index(0, bars.height)
    step = pl.col("factor") / _before("factor")
    moved = pl.col("close") / _before("close")
    both = (pl.col("dividends") > 0) & (pl.col("splits") > 0) & (pl.col("splits") != 1)
    smaller = moved.log().abs() < (moved * step).log().abs()
    return bars.select(doubled=(both & (step > _DOUBLE_BOOKING) & smaller).fill_null(False))["doubled"]


def contradicted_steps(bars: pl.DataFrame) -> pl.Series:
    """Find factor steps that the exchange knew nothing of.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, close: f64, factor: f64, [preclose: f64])
        Sorted by instrument, session; every session present.

    Returns
    -------
    Series, name `contradicted`, bool
        True where the factor steps although the ex-right reference price is the close of the session before. False
        everywhere without `preclose`.
    """
    if "preclose" not in bars.columns:
        return pl.Series("contradicted", [False]).new_from_index(0, bars.height)
    before = _before("close")
    steps = pl.col("factor") != _before("factor")
    same = (before / pl.col("preclose") - 1).abs() < ROUNDING_STEP
    return bars.select(contradicted=(steps & same).fill_null(False))["contradicted"]


def without_steps(bars: pl.DataFrame, undone: pl.Series) -> pl.Series:
    """Take single steps out of a factor and keep all others.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, factor: f64)
        Sorted by instrument, session.
    undone : Series of bool
        In the order of `bars`: the sessions whose step is taken out.

    Returns
    -------
    Series, name `factor`, f64
    """
    if not undone.any():
        return bars["factor"]
    marked = bars.select("instrument", "factor", undone.alias("undone"), step=pl.col("factor") / _before("factor"))
    concerned = pl.col("instrument").is_in(marked.filter("undone")["instrument"].unique().implode())
    excess = pl.when("undone").then("step").otherwise(1.0).cum_prod().over("instrument")
    some = marked.filter(concerned)
    some = some.with_columns(raw=pl.col("factor") / some.select(excess).to_series())
    # the division leaves crumbs of 1e-16, which the snapping takes away
    places = marked.select(concerned.alias("concerned"))["concerned"].arg_true()
    return bars["factor"].clone().scatter(places, snap_factor(some, "raw"))


def factor_from_changes(bars: pl.DataFrame, changes: pl.DataFrame) -> pl.Series:
    """Derive factors from a table of cumulative factors with a row only where they change.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, [close: f64, preclose: f64])
        Sorted by instrument, session. With both prices, steps that the exchange's own reference price contradicts
        (see `contradicted_steps`) are left out.
    changes : DataFrame, columns (instrument: str, session: date, factor: f64)
        Any order and scale; a value holds from its session until the next row.

    Returns
    -------
    Series, name `factor`, f64
        In the order of `bars`; before an instrument's first row that row's value counts; null for instruments without
        any row.
    """
    ordered = changes.select("instrument", "session", raw=pl.col("factor").cast(pl.Float64)).sort(
        "instrument", "session"
    )
    known = bars.select("instrument", "session").join_asof(
        ordered, on="session", by="instrument", strategy="backward", check_sortedness=False
    )
    covered = pl.col("instrument").is_in(ordered["instrument"].unique().implode())
    stepped = bars.with_columns(snap_factor(known, "raw"))
    cleaned = without_steps(stepped, contradicted_steps(stepped))
    return bars.select(factor=pl.when(covered).then(pl.lit(cleaned)))["factor"]


def factor_from_reference(bars: pl.DataFrame) -> pl.Series:
    """Derive factors from the exchange's ex-right reference price: the step is close[t-1] ÷ preclose[t].

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, close: f64, preclose: f64)
        Sorted by instrument, session; every session present.

    Returns
    -------
    Series, name `factor`, f64
        In the order of `bars`.
    """
    step = _before("close") / pl.col("preclose")
    usable = step.is_finite() & (step > 0)
    raw = pl.when(usable).then(step).otherwise(1.0).cum_prod().over("instrument")
    return snap_factor(bars.with_columns(raw=raw), "raw")


def _same() -> pl.Expr:
    # whether the row before is of the same instrument: frames are sorted, and this is far cheaper than a window
    return (pl.col("instrument") == pl.col("instrument").shift(1)).fill_null(False)


def _before(column: str) -> pl.Expr:
    return pl.when(_same()).then(pl.col(column).shift(1))


def apply_adjustment(bars: pl.DataFrame, mode: Adjustment, *, as_of_session: date | None = None) -> pl.DataFrame:
    """Adjust prices for dividends and splits.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, factor: f64, and any of open, high, low, close, \
limit_up, limit_down: f64)
        Sorted by instrument, session.
    mode : {"none", "forward", "backward"}
        不复权: prices as stored; 后复权 (backward): price × factor; 前复权 (forward): that ÷ factor at `as_of_session`,
        so that prices of that session are as stored.
    as_of_session : date, optional
        For "forward": the session that is looked from; the last one of each instrument when empty. Prices after it stay
        on its scale.

    Returns
    -------
    DataFrame
        Same rows and columns; volume and amount are as traded in every mode.

    Raises
    ------
    InvalidInputError
        If the mode is unknown.
    """
    if mode == "none":
        return bars
    if mode not in ("forward", "backward"):
        raise InvalidInputError("mode", mode, "adjustment is one of none, forward, backward")
    scale = pl.col("factor")
    if mode == "forward":
        seen = (
            pl.col("factor") if as_of_session is None else pl.col("factor").filter(pl.col("session") <= as_of_session)
        )
        # an instrument that lists later than the session is seen from its first bar
        scale = scale / pl.coalesce(seen.last(), pl.col("factor").first()).over("instrument")
    return bars.with_columns(pl.col(c) * scale for c in PRICES if c in bars.columns)


def resample(bars: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Combine daily bars into weeks or months.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, open, high, low, close, volume, amount: f64, \
[factor: f64], [halted: bool])
        Sorted by instrument, session; adjust before, not after.
    period : {"day", "week", "month"}
        Weeks start on Monday.

    Returns
    -------
    DataFrame
        Columns of those named above that `bars` has; `session` is the last one of the period. Halted sessions count
        only where the whole period was halted.

    Raises
    ------
    InvalidInputError
        If the period is unknown.
    """
    if period == "day":
        return bars
    if period not in ("week", "month"):
        raise InvalidInputError("period", period, "bars combine into day, week or month")
    traded = ~pl.col("halted") if "halted" in bars.columns else pl.lit(True)

    def side(name: str, how: str) -> pl.Expr:
        column = pl.col(name)
        return pl.coalesce(getattr(column.filter(traded), how)(), getattr(column, how)()).alias(name)

    combined = {
        "open": side("open", "first"), "high": side("high", "max"), "low": side("low", "min"),
        "close": side("close", "last"), "volume": pl.col("volume").sum(), "amount": _sum_or_null("amount"),
        "factor": pl.col("factor").last(), "halted": pl.col("halted").all(),
    }  # fmt: skip
    return (
        bars.group_by("instrument", pl.col("session").dt.truncate("1w" if period == "week" else "1mo").alias("start"))
        .agg(pl.col("session").last(), *(e for name, e in combined.items() if name in bars.columns))
        .drop("start")
        .sort("instrument", "session")
    )


def _sum_or_null(name: str) -> pl.Expr:
    # a source without amounts must not turn into one with amounts of zero
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
