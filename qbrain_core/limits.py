"""The prices an exchange allows in a session: 涨停 and 跌停."""

from datetime import date
from typing import Any

import polars as pl

from qbrain_core.markets import Market

__all__ = ["limit_bound", "price_limits", "reference_price"]

_REGISTRATION = date(2023, 4, 10)
"""Main boards list without limits for five sessions from here; before, the first session moved +44 % / -36 %."""

_CHINEXT_REFORM = date(2020, 8, 24)
"""ChiNext (300, 301) moved from 10 % to 20 % here, its new listings without limits for five sessions."""

_FREE_SESSIONS = 5


def limit_bound(reference: Any, percent: Any, tick: float) -> Any:
    """Bound a price: the reference moved by a percentage, rounded half up to the tick.

    Parameters
    ----------
    reference : float, array or polars expression
        Reference price, in currency.
    percent : int, array or polars expression
        Signed move in whole percent: 10, -10, 5 …
    tick : float
        Smallest price step, in currency; the reciprocal of a whole number.

    Returns
    -------
    float, array or polars expression
        Like `reference`. Computed in whole ticks, so 1.05 × 1.1 is 1.16 and not 1.15.
    """
    per_unit = round(1 / tick)
    ticks = (reference * per_unit + 0.5) // 1
    return (ticks * (100 + percent) + 50) // 100 / per_unit


def reference_price(bars: pl.DataFrame) -> pl.Series:
    """Price that a session's limits are counted from: the ex-right previous close (前收盘价).

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, close: f64, factor: f64, [preclose: f64])
        One row per instrument and session, sorted by both. `preclose`, where the source brings it, wins.

    Returns
    -------
    Series, name `reference`, f64
        In the order of `bars`; close[t-1] × factor[t-1] ÷ factor[t] where there is no `preclose`; null on an
        instrument's first row without one.
    """
    before = pl.when(pl.col("instrument") == pl.col("instrument").shift(1)).then(
        (pl.col("close") * pl.col("factor")).shift(1)
    )  # sorted, so far cheaper than a window
    derived = before / pl.col("factor")
    if "preclose" in bars.columns:
        given = pl.when(pl.col("preclose") > 0).then("preclose")
        derived = pl.coalesce(given, derived)
    return bars.select(derived.alias("reference"))["reference"]


def price_limits(bars: pl.DataFrame, market: Market, *, listings: pl.DataFrame | None = None) -> pl.DataFrame:
    """Find the highest and lowest price each session allowed.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, close: f64, factor: f64, [high, low, preclose: f64], \
[special_treatment: bool])
        Stocks of `market`, one row per instrument and session, sorted by both.
    market : Market
    listings : DataFrame, columns (instrument: str, listed: date), optional
        First sessions where known. An instrument that is not in it (or has a null there) counts as newly listed where
        its first bar is later than the first session of `bars`.

    Returns
    -------
    DataFrame, columns (limit_up: f64, limit_down: f64)
        In the order of `bars`; null where there is no limit: another market, no reference price, the first sessions of
        a new listing, or a high or low outside them (which proves that there was none: a resumed listing). The
        synthetic market follows the main board's rules of before 2020, with five free sessions for new listings.

    Notes
    -----
    STAR (688, 689) and, from 2020-08-24, ChiNext (300, 301) move 20 %; Beijing 30 %; ST stocks of the main boards 5 %;
    all others 10 %. New listings have no limits in their first five sessions on STAR, ChiNext (from 2020-08-24) and the
    main boards (from 2023-04-10), and in their first session in Beijing; before, the first session of a main-board or
    ChiNext listing was bounded at +44 % and -36 % of the issue price, which only `preclose` tells. Both exchanges
    proposed 10 % for ST stocks of the main boards in June 2025; that is not in here.

    References
    ----------
    .. [1] Shanghai Stock Exchange, Trading Rules (2023 revision), articles 3.3.13-3.3.19.
    .. [2] Shenzhen Stock Exchange, Trading Rules (2023 revision), articles 3.3.14-3.3.17; Special Provisions on Trading
       of Stocks on ChiNext (2020), chapter 2.
    .. [3] Beijing Stock Exchange, Trading Rules (Trial, 2021), articles 3.3.9-3.3.12.
    """
    if not market.price_limits:
        nothing = pl.Series("limit_up", [None], dtype=pl.Float64).new_from_index(0, bars.height)
        return pl.DataFrame([nothing, nothing.rename("limit_down")])
    place, session = pl.int_range(pl.len()), pl.col("session")
    begins = (pl.col("instrument") != pl.col("instrument").shift(1)).fill_null(True)
    frame = bars.with_columns(reference_price(bars), _listed(bars, listings)).with_columns(
        # counted over rows, halts included: the rules count trading days from the listing
        age=place - pl.when(begins).then(place).forward_fill(),
        st=pl.col("special_treatment").fill_null(False) if "special_treatment" in bars.columns else pl.lit(False),
    )
    boards = bars.select(pl.col("instrument").unique()).with_columns(
        star=pl.col("instrument").str.contains(r"^68[89]") & (market.code == "CN"),
        chinext=pl.col("instrument").str.contains(r"^30[01]") & (market.code == "CN"),
        beijing=pl.col("instrument").str.ends_with(".BJ"),
    )
    frame = frame.join(boards, on="instrument", how="left", maintain_order="left")
    beijing = pl.col("beijing")
    wide = pl.col("star") | (pl.col("chinext") & (session >= _CHINEXT_REFORM))
    percent = pl.when(beijing).then(30).when(wide).then(20).when(pl.col("st")).then(5).otherwise(10)
    registered = wide | ((session >= _REGISTRATION) & ~beijing & (market.code == "CN"))
    age = pl.when(pl.col("new")).then("age")
    unbounded = (age < _FREE_SESSIONS) & (registered | (market.code != "CN")) | ((age == 0) & beijing)
    first = (age == 0) & ~unbounded
    up = pl.when(first).then(44).otherwise(percent)
    down = pl.when(first).then(-36).otherwise(-percent)
    open_ended = unbounded.fill_null(False)
    bounds = frame.with_columns(
        limit_up=pl.when(~open_ended).then(limit_bound(pl.col("reference"), up, market.tick)),
        limit_down=pl.when(~open_ended).then(limit_bound(pl.col("reference"), down, market.tick)),
    )
    kept = pl.lit(True)
    if {"high", "low"} <= set(bars.columns):
        margin = market.tick / 2
        outside = (pl.col("high") > pl.col("limit_up") + margin) | (pl.col("low") < pl.col("limit_down") - margin)
        kept = ~outside.fill_null(False)
    return bounds.select(pl.when(kept).then(c).cast(pl.Float64).alias(c) for c in ("limit_up", "limit_down"))


def _listed(bars: pl.DataFrame, listings: pl.DataFrame | None) -> pl.Series:
    # whether the instrument's first bar is its first session on the exchange
    firsts = bars.group_by("instrument").agg(first=pl.col("session").min())
    late = pl.col("first") > pl.col("first").min()
    if listings is None:
        judged = firsts.with_columns(new=late)
    else:
        listed = listings.select("instrument", "listed").unique("instrument")
        known = pl.col("listed").is_not_null()
        judged = firsts.join(listed, on="instrument", how="left").with_columns(
            new=pl.when(known).then(pl.col("first") <= pl.col("listed")).otherwise(late)
        )
    joined = bars.select("instrument").join(judged, on="instrument", how="left", maintain_order="left")
    return joined["new"]
