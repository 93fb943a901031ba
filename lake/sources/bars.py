"""Bars from a file's rows: halts, factors, price limits, and the corporate actions they imply."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from qbrain_core.adjust import (
    ROUNDING_STEP,
    contradicted_steps,
    double_bookings,
    factor_from_changes,
    factor_from_reference,
    snap_factor,
    vendor_factor,
    without_steps,
)
from qbrain_core.errors import InvalidInputError
from qbrain_core.limits import price_limits
from qbrain_core.markets import Market

__all__ = [
    "BAR_COLUMNS", "VALUATION_COLUMNS", "adjust_bars", "anchor", "corporate_actions", "factor_changes", "limit_bars",
    "rebased", "with_halts",
]  # fmt: skip

BAR_COLUMNS = (
    "instrument", "session", "open", "high", "low", "close", "volume", "amount", "factor", "halted", "limit_up",
    "limit_down", "special_treatment", "price_basis", "turnover",
)  # fmt: skip
"""Columns of table `bars` that are made here; partition columns follow from them."""

VALUATION_COLUMNS = ("pe_ttm", "pb", "ps_ttm", "pcf_ttm", "dividend_yield_ttm", "market_cap", "float_cap")
"""Values of table `valuation`, which files of bars may bring too."""

_OPTIONAL = {"volume": pl.Float64, "amount": pl.Float64, "special_treatment": pl.Boolean, "turnover": pl.Float64}


def with_halts(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring the ways to say "halted" into one column, and add columns the file lacks.

    Parameters
    ----------
    rows : DataFrame, columns (open, high, low, close: f64, [halted: bool], [trading: bool], …)

    Returns
    -------
    DataFrame
        With `halted`, `volume`, `amount`, `special_treatment` and `turnover`. A halted session has volume and amount 0,
        and null for prices that are not positive.
    """
    has = set(rows.columns)
    halted = pl.lit(False)
    if "halted" in has:
        halted = halted | pl.col("halted").fill_null(False)
    if "trading" in has:
        halted = halted | ~pl.col("trading").fill_null(True)
    filled = rows.with_columns(halted=halted, **{c: pl.lit(None, t) for c, t in _OPTIONAL.items() if c not in has})
    still = pl.col("halted")
    return filled.with_columns(
        *(pl.when(~(still & (pl.col(c) <= 0))).then(c).alias(c) for c in ("open", "high", "low", "close")),
        *(pl.when(still).then(0.0).otherwise(c).alias(c) for c in ("volume",)),
        amount=pl.when(still & pl.lit("amount" in has)).then(0.0).otherwise("amount"),
    )


def adjust_bars(rows: pl.DataFrame, *, changes: pl.DataFrame | None = None) -> pl.DataFrame:
    """Give bars their factor, from the best source the file has.

    Parameters
    ----------
    rows : DataFrame, columns (instrument: str, session: date, close: f64, \
[factor, adj_close, preclose, dividends, splits: f64])
        Sorted by instrument, session.
    changes : DataFrame, columns (instrument: str, session: date, factor: f64), optional
        A table of cumulative factors with a row where they change.

    Returns
    -------
    DataFrame
        With `factor` (1 at each instrument's first row) from `changes`, else the file's own `factor`, else `adj_close`,
        else `preclose`, else 1; and with booleans `doubled`, `contradicted`, `uncovered` (not in `changes`).
    """
    has = set(rows.columns)
    marks: dict[str, pl.Expr] = {"doubled": pl.lit(False), "contradicted": pl.lit(False), "uncovered": pl.lit(False)}
    if changes is not None:
        raw = rows.with_columns(factor_from_changes(rows.drop("preclose", strict=False), changes))
        contradicted = contradicted_steps(raw)
        covered = raw["factor"].is_not_null()
        cleaned = without_steps(raw.with_columns(pl.col("factor").fill_null(1.0)), contradicted)
        if not covered.all() and "preclose" in has:
            others = rows.filter(~covered)
            cleaned = cleaned.scatter((~covered).arg_true(), factor_from_reference(others))
        marks |= {"contradicted": pl.lit(contradicted), "uncovered": pl.lit(~covered)}
        return rows.with_columns(cleaned.alias("factor"), **marks)
    if "factor" in has:
        return rows.with_columns(snap_factor(rows, "factor")).with_columns(**marks)
    if "adj_close" in has:
        adjusted = rows.with_columns(vendor_factor(rows))
        doubled = double_bookings(adjusted)
        return adjusted.with_columns(without_steps(adjusted, doubled), **marks | {"doubled": pl.lit(doubled)})
    factor = factor_from_reference(rows) if "preclose" in has else pl.lit(1.0)
    return rows.with_columns(factor=factor).with_columns(**marks)


def factor_changes(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring a table of cumulative factors into the form that says from when each holds.

    Parameters
    ----------
    rows : DataFrame, columns (instrument: str, factor: f64, [split_factor: f64], session: date or until: date)
        `session`: the factor holds from that day; `until`: it holds up to that day, and the first row's day is the
        instrument's first. `split_factor` is multiplied.

    Returns
    -------
    DataFrame, columns (instrument: str, session: date, factor: f64)
        Rows with a positive factor.

    Raises
    ------
    InvalidInputError
        If there is neither `session` nor `until`.
    """
    if "split_factor" in rows.columns:
        rows = rows.with_columns(pl.col("factor") * pl.col("split_factor"))
    usable = rows.drop_nulls(["instrument", "factor"]).filter(pl.col("factor") > 0)
    if "session" in rows.columns:
        return usable.drop_nulls("session").select("instrument", "session", "factor")
    if "until" not in rows.columns:
        raise InvalidInputError("adjustments.columns", rows.columns, "factors need session or until")
    ordered = usable.drop_nulls("until").sort("instrument", "until")
    since = pl.col("until").shift(1).over("instrument") + timedelta(days=1)
    return ordered.select("instrument", pl.coalesce(since, "until").alias("session"), "factor")


def rebased(
    fresh: pl.DataFrame, oldest: pl.DataFrame, whole: Callable[[list[str]], pl.DataFrame]
) -> pl.DataFrame:  # fmt: skip
    """Move an instrument's first bar, where the factor is 1, when a file brings bars older than the stored ones.

    Parameters
    ----------
    fresh : DataFrame, columns of `BAR_COLUMNS`
        New bars, sorted by instrument, session.
    oldest : DataFrame, columns (instrument: str, oldest: date)
        Each instrument's first stored session.
    whole : callable
        Gives all stored bars of some instruments, with the columns of `BAR_COLUMNS`.

    Returns
    -------
    DataFrame
        `fresh`, and with it the other stored bars of instruments whose first bar moves, on the new scale.
    """
    spans = fresh.group_by("instrument", maintain_order=True).agg(
        since=pl.col("session").first(), until=pl.col("session").last(),
        first=pl.col("factor").first(), last=pl.col("factor").last(),
    )  # fmt: skip
    older = spans.join(oldest, on="instrument").filter(pl.col("since") < pl.col("oldest"))
    if older.is_empty():
        return fresh
    # without a common session the stored bars go on from where the file ends
    apart = pl.col("until") < pl.col("oldest")
    scale = pl.when(apart).then(pl.col("last") / pl.col("first")).otherwise(1 / pl.col("first"))
    moved = older.select("instrument", "first", scale=scale)
    rest = whole(moved["instrument"].to_list()).join(fresh, on=["instrument", "session"], how="anti")
    rest = rest.join(moved, on="instrument").with_columns(pl.col("factor") * pl.col("scale"))
    based = fresh.join(moved, on="instrument", how="left", maintain_order="left").with_columns(
        pl.col("factor") / pl.col("first").fill_null(1.0)
    )
    return pl.concat([based.select(BAR_COLUMNS), rest.select(BAR_COLUMNS)])


def anchor(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Put new factors on the scale of the bars that are already stored.

    Parameters
    ----------
    rows : DataFrame, columns (instrument: str, session: date, factor: f64, row: u32, …)
        New bars, sorted by instrument, session. `row` is null for a stored bar that was put before them: its factor is
        what the new ones say of it, which may be nothing.
    known : DataFrame, columns (instrument: str, session: date, factor: f64)
        Stored bars of the same instruments.

    Returns
    -------
    DataFrame
        `rows` with factors that agree with the stored one on the first session both have, a bar that was put before
        them counting only where there is no other; instruments that share none keep theirs. The stored factor is taken
        for bars put before and where a new one differs by rounding only. `unanchored` is true on a first new bar whose
        instrument shares no session: a step on that very session cannot be told from the change of scale.
    """
    both = rows.select("instrument", "session", "row", "factor").join(
        known.select("instrument", "session", stored="factor"), on=["instrument", "session"], how="inner"
    )
    order = ("instrument", pl.col("row").is_null(), "session")
    scales = both.sort(order).group_by("instrument", maintain_order=True).agg(
        scale=pl.col("stored").first() / pl.col("factor").first(), shared=pl.col("row").first().is_not_null()
    )  # fmt: skip
    scaled = (
        rows.join(scales, on="instrument", how="left", maintain_order="left")
        .with_columns(pl.col("factor") * pl.col("scale").fill_null(1.0))
        .join(both.select("instrument", "session", "stored"), on=["instrument", "session"], how="left",
              maintain_order="left")
    )  # fmt: skip
    same = pl.col("row").is_null() | ((pl.col("factor") / pl.col("stored") - 1).abs() < ROUNDING_STEP)
    follows = pl.col("row").is_not_null() & pl.col("row").shift(1).over("instrument").is_null() & ~pl.col("shared")
    return scaled.with_columns(
        factor=pl.when(same).then("stored").otherwise("factor"), unanchored=follows.fill_null(False)
    ).drop("scale", "stored", "shared")


def limit_bars(rows: pl.DataFrame, market: Market, *, stocks: pl.Series, listings: pl.DataFrame) -> pl.DataFrame:
    """Add the prices the exchange allowed.

    Parameters
    ----------
    rows : DataFrame
        Bars with factor, sorted by instrument, session.
    market : Market
    stocks : Series of str
        Instruments that have limits, if the market has any.
    listings : DataFrame, columns (instrument: str, listed: date)

    Returns
    -------
    DataFrame
        With `limit_up` and `limit_down`.
    """
    bounded = price_limits(rows, market, listings=listings)
    stock = pl.col("instrument").is_in(stocks.implode())
    return rows.with_columns(bounded).with_columns(pl.when(stock).then(c).alias(c) for c in ("limit_up", "limit_down"))


def corporate_actions(rows: pl.DataFrame, *, price_basis: str) -> pl.DataFrame:
    """List the events that the bars tell of.

    Parameters
    ----------
    rows : DataFrame, columns (instrument: str, session: date, factor: f64, [dividends: f64], [splits: f64])
        Sorted by instrument, session.
    price_basis : str
        raw or split_adjusted: whether a split is part of the factor's step.

    Returns
    -------
    DataFrame
        Rows of table `corporate_actions`: a dividend or split where the columns say so, and an adjustment where the
        factor steps for no stated cause.
    """
    has = set(rows.columns)
    same = pl.col("instrument") == pl.col("instrument").shift(1)
    step = pl.when(same).then(pl.col("factor") / pl.col("factor").shift(1))
    events = rows.select(
        "instrument", "session", step=step,
        dividend=pl.col("dividends") if "dividends" in has else pl.lit(None, pl.Float64),
        split=pl.col("splits") if "splits" in has else pl.lit(None, pl.Float64),
    ).with_columns(
        dividend=pl.when(pl.col("dividend") > 0).then("dividend"),
        split=pl.when((pl.col("split") > 0) & (pl.col("split") != 1)).then("split"),
    )  # fmt: skip
    of_split = pl.col("split") if price_basis == "raw" else pl.lit(1.0)
    unexplained = (pl.col("step") != 1) & pl.col("dividend").is_null() & pl.col("split").is_null()
    kinds = (
        ("dividend", pl.col("dividend"), pl.col("dividend").is_not_null(), pl.col("step") / of_split.fill_null(1.0)),
        ("split", pl.col("split"), pl.col("split").is_not_null(), of_split),
        ("adjustment", pl.col("step"), unexplained, pl.col("step")),
    )
    frames = [
        events.filter(there).select("instrument", "session", action=pl.lit(name), value=value, factor_step=moved)
        for name, value, there, moved in kinds
    ]
    return pl.concat(frames).sort("instrument", "session", "action")
