"""Checks of a bar by itself: prices, volume, and what a half-finished delivery leaves in them."""

from collections.abc import Iterable

import polars as pl

from lake.quality.check import Check
from lake.quality.sequence import before, near_split, run_length
from lake.quality.surroundings import Surroundings

__all__ = ["BAR_ROW_CHECKS"]

_SLACK = 2.5e-7  # relative; two steps of a float32, which many sources keep prices in
_OHLC = ("open", "high", "low", "close")
_BARS, _PRICED = ("bars",), ("bars", "bars_intraday")
_STALE_SESSIONS = 5
"""Repeats in a row from which a price counts as stale."""

_KNOWN_SESSIONS = 20
"""Sessions an instrument has to have before its last one is judged as partly updated."""

_COPIED_SHARE, _COPIED_NAMES = 0.5, 20
"""Share of a market, and least names of it, that repeat the session before where a whole day was copied."""


def _any(names: Iterable[str], condition: str, *args: object) -> pl.Expr:
    return pl.any_horizontal(getattr(pl.col(n), condition)(*args) for n in names)


def _outside() -> pl.Expr:
    high = pl.col("high") < pl.max_horizontal("open", "close", "low") * (1 - _SLACK)
    low = pl.col("low") > pl.min_horizontal("open", "close", "high") * (1 + _SLACK)
    return (high | low).fill_null(False)


def _halved() -> pl.Expr:
    # two of the four prices are a split apart, which no session's trading is
    spread = pl.max_horizontal(*_OHLC) / pl.min_horizontal(*_OHLC)
    return _outside() & (pl.min_horizontal(*_OHLC) > 0) & (spread > 1.4) & near_split(1 / spread, 0.12)


def _partial(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    broken = rows.filter(_outside() & (pl.col("session") == pl.col("session").max()))
    if broken.is_empty():
        return broken
    known = rows.join(broken.select("instrument"), on="instrument", how="semi").group_by("instrument").len()
    return broken.join(known.filter(pl.col("len") > _KNOWN_SESSIONS), on="instrument", how="semi")


def _stale(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    repeats = pl.all_horizontal(pl.col(c) == before(c) for c in _OHLC)
    idle = (pl.col("volume") == 0) | (pl.col("volume") == before("volume"))
    return run_length(rows, repeats & idle & _trading(rows)).filter(pl.col("run") >= _STALE_SESSIONS)


def _copied(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    same = pl.all_horizontal(pl.col(c) == before(c) for c in (*_OHLC, "volume"))
    days = (
        rows.filter(_trading(rows)).select("session", same=same)
        .group_by("session").agg(instruments=pl.len(), copied=pl.col("same").sum())
    )  # fmt: skip
    share = pl.col("copied") / pl.col("instruments")
    return days.filter((pl.col("instruments") >= _COPIED_NAMES) & (share > _COPIED_SHARE)).sort("session")


def _flat(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    equal = (pl.col("open") == pl.col("high")) & (pl.col("high") == pl.col("low")) & (pl.col("low") == pl.col("close"))
    return rows.filter((equal & _trading(rows)).fill_null(False))


def _never_traded(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    day = pl.col("session") if "session" in rows.columns else pl.lit(None, pl.Date)
    known = rows.filter(pl.col("volume").is_not_null()).group_by("instrument", maintain_order=True)
    return (
        known.agg(session=day.min(), volume=pl.col("volume").max(), bars=pl.len())
        .filter((pl.col("volume") == 0) & (pl.col("bars") > 1))
    )  # fmt: skip


def _trading(rows: pl.DataFrame) -> pl.Expr:
    return ~pl.col("halted") if "halted" in rows.columns else pl.lit(True)


def _not_halted(rows: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    return rows.filter((condition & _trading(rows)).fill_null(False))


BAR_ROW_CHECKS = (
    Check("unreadable_session", "error", ("bars", "valuation", "fx_rates", "interest_rates", "factor_returns"),
          "The date is missing or not a date.", pl.col("session").is_null(), needs=("session",), stages=("incoming",)),
    Check("unreadable_ts", "error", ("bars_intraday",), "The time is missing or not a time.", pl.col("ts").is_null(),
          needs=("ts",), stages=("incoming",)),
    Check("unknown_instrument", "error", (), "The symbol is missing or none of this market.",
          pl.col("instrument").is_null(), needs=("instrument",), stages=("incoming",)),
    Check("out_of_spell", "error", (), "The history of symbols knows nobody who traded under this one in that session.",
          pl.col("out_of_spell"), ("symbol",), ("out_of_spell",), stages=("incoming",)),
    Check("other_basis", "error", ("bars",), "The lake keeps the instrument's bars at another price basis, and "
          "sessions that the file does not bring would stay so.", pl.col("other_basis"), ("close",), ("other_basis",),
          stages=("incoming",)),
    Check("unreadable_value", "error", (), "A value is not of its column's type.", pl.col("unreadable"),
          needs=("unreadable",), stages=("incoming",)),
    Check("null_price", "error", _PRICED, "A price is missing and the session was not halted.",
          lambda rows, _: _not_halted(rows, _any(_OHLC, "is_null") | _any(_OHLC, "is_nan")), _OHLC, _OHLC),
    Check("price_not_positive", "error", _PRICED, "A price is zero or negative.",
          lambda rows, _: _not_halted(rows, _any(_OHLC, "le", 0)), _OHLC, _OHLC),
    Check("half_adjusted", "error", _PRICED, "The prices of the row are a split apart: only some of them are adjusted.",
          _halved(), _OHLC, _OHLC),
    Check("partial_last_bar", "error", _BARS, "On the last session high or low does not contain open and close: the "
          "bar was delivered before it was finished.", _partial, _OHLC, _OHLC, stages=("incoming",)),
    Check("ohlc_order", "error", _PRICED, "High or low does not contain open and close.", _outside(), _OHLC, _OHLC),
    Check("negative_volume", "error", _PRICED, "Volume or amount is negative.",
          _any(("volume", "amount"), "lt", 0), ("volume", "amount"), ("volume", "amount")),
    Check("zero_volume", "warning", _PRICED, "No volume although the session was not halted.",
          lambda rows, _: _not_halted(rows, pl.col("volume") == 0), ("close", "volume"), ("volume",)),
    Check("no_volume", "note", _PRICED, "The instrument never has volume: an index, or the source does not know it.",
          _never_traded, ("bars",), ("volume",)),
    Check("stale_price", "warning", _BARS, f"The prices repeat those of the session before and nothing new was traded, "
          f"{_STALE_SESSIONS} sessions running or more.", _stale, ("close", "volume", "run"), (*_OHLC, "volume")),
    Check("market_copy", "warning", _BARS, "Most of the market repeats the session before: a whole day was copied.",
          _copied, ("instruments", "copied"), (*_OHLC, "volume"), scope="market", counts="copied"),
    Check("flat_bar", "note", _BARS, "Open, high, low and close are one price although the session was not halted.",
          _flat, ("close", "volume"), _OHLC),
    Check("halted_row", "note", _BARS, "The session was halted; the row repeats the last price and trades nothing.",
          pl.col("halted"), ("close", "volume"), ("halted",)),
    Check("special_treatment", "note", _BARS, "The stock is under special treatment (ST); its limits are narrower.",
          pl.col("special_treatment"), ("close",), ("special_treatment",)),
)  # fmt: skip
"""Checks of bars and intraday bars that look at a row, or at it and the one before."""
