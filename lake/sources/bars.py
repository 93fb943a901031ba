"""Bars from a file's rows: halts, factors, price limits, and the corporate actions they imply."""

import polars as pl

from qbrain_core.adjust import (
    ROUNDING_STEP,
    contradicted_steps,
    double_bookings,
    factor_from_adjusted_close,
    factor_from_changes,
    factor_from_reference,
    snap_factor,
)
from qbrain_core.limits import price_limits
from qbrain_core.markets import Market

__all__ = ["BAR_COLUMNS", "adjust_bars", "anchor", "corporate_actions", "limit_bars", "with_halts"]

BAR_COLUMNS = (
    "instrument", "session", "open", "high", "low", "close", "volume", "amount", "factor", "halted", "limit_up",
    "limit_down", "special_treatment", "price_basis",
)  # fmt: skip
"""Columns of table `bars` that are made here; partition columns follow from them."""

_OPTIONAL = {"volume": pl.Float64, "amount": pl.Float64, "special_treatment": pl.Boolean}


def with_halts(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring the ways to say "halted" into one column, and add columns the file lacks.

    Parameters
    ----------
    rows : DataFrame, columns (open, high, low, close: f64, [halted: bool], [trading: bool], …)

    Returns
    -------
    DataFrame
        With `halted`, `volume`, `amount` and `special_treatment`. A halted session has volume and amount 0, and null
        for prices that are not positive.
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
    marks = {"doubled": pl.lit(False), "contradicted": pl.lit(False), "uncovered": pl.lit(False)}
    if changes is not None:
        raw = factor_from_changes(rows.drop("preclose", strict=False), changes)
        other = factor_from_reference(rows) if "preclose" in has else pl.lit(1.0)
        stepped = rows.with_columns(factor=factor_from_changes(rows, changes))
        return stepped.with_columns(
            factor=pl.coalesce("factor", other),
            doubled=pl.lit(False),
            contradicted=contradicted_steps(rows.with_columns(raw)),
            uncovered=pl.col("factor").is_null(),
        )
    if "factor" in has:
        return rows.with_columns(snap_factor(rows, "factor")).with_columns(**marks)
    if "adj_close" in has:
        raw = snap_factor(rows.with_columns(raw=pl.col("adj_close") / pl.col("close")), "raw")
        doubled = double_bookings(rows.with_columns(raw))
        return rows.with_columns(factor_from_adjusted_close(rows)).with_columns(**marks | {"doubled": doubled})
    factor = factor_from_reference(rows) if "preclose" in has else pl.lit(1.0)
    return rows.with_columns(factor=factor).with_columns(**marks)


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
    step = pl.col("factor") / pl.col("factor").shift(1).over("instrument")
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
