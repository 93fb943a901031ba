"""Checks that hold two sources against each other: other values, other scales, one series under two names."""

import polars as pl

from lake.quality.check import Check
from lake.quality.sequence import near_split
from lake.quality.surroundings import Surroundings

__all__ = ["CROSS_SOURCE_CHECKS"]

_BARS = ("bars",)
_SLACK = 0.002
_LEAST = 5
_TWIN_SESSIONS, _TWIN_LEAST, _TWIN_SHARE = 60, 20, 0.98


def _both(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame | None:
    if around.stored is None or around.same_source or around.stored.is_empty():
        return None
    other = around.stored.select("instrument", "session", other="close")
    new = rows.filter(pl.col("row").is_not_null()) if "row" in rows.columns else rows
    both = new.join(other, on=["instrument", "session"], how="inner", maintain_order="left")
    return both.with_columns(_q=pl.col("close") / pl.col("other")).with_columns(
        scale=pl.col("_q").median().over("instrument"), _n=pl.len().over("instrument")
    )  # fmt: skip


def _disagreement(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    both = _both(rows, around)
    if both is None:
        return rows.clear()
    difference = (pl.col("_q") / pl.col("scale") - 1).alias("difference")
    return both.with_columns(difference).filter(pl.col("difference").abs() > _SLACK).drop("_q", "_n")


def _scale(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    both = _both(rows, around)
    if both is None:
        return rows.clear()
    names = both.filter(pl.col("_n") >= _LEAST).unique("instrument", keep="first", maintain_order=True)
    far = (pl.col("scale") - 1).abs() > _SLACK
    return names.filter(far).with_columns(split=near_split(pl.col("scale"), 0.01)).drop("_q", "_n")


def _not_there(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # names that this source has and the other has not, over days of which the other has many
    if around.stored is None or around.same_source or around.stored.is_empty():
        return rows.clear()
    known = around.stored.select("instrument").unique()
    lives = rows.filter(pl.col("session").is_between(around.stored["session"].min(), around.stored["session"].max()))
    names = lives.join(known, on="instrument", how="anti", maintain_order="left")
    return names.unique("instrument", keep="first", maintain_order=True)


def _twins(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # on the sessions looked at, two instruments have the same four prices
    keys = ["session", "open", "high", "low", "close"]
    sessions = rows["session"].unique().sort().tail(_TWIN_SESSIONS)
    moving = pl.col("high") > pl.col("low")
    recent = rows.filter(pl.col("session").is_in(sessions.implode()) & moving).select("instrument", *keys)
    shared = recent.filter(pl.struct(keys).is_duplicated())
    pairs = shared.join(shared, on=keys, suffix=" twin").filter(pl.col("instrument") < pl.col("instrument twin"))
    lengths = recent.group_by("instrument").agg(bars=pl.len())
    return (
        pairs.group_by("instrument", "instrument twin").agg(session=pl.col("session").max(), equal=pl.len())
        .join(lengths, on="instrument")
        .filter((pl.col("equal") >= _TWIN_LEAST) & (pl.col("equal") >= _TWIN_SHARE * pl.col("bars")))
        .rename({"instrument twin": "twin"}).sort("instrument", "twin")
    )  # fmt: skip


_KEY = ("instrument", "session", "close")

CROSS_SOURCE_CHECKS = (
    Check("source_disagreement", "warning", _BARS, "Another source has another close for the session, beyond a "
          "constant scale.", _disagreement, ("difference", "scale"), _KEY, stages=("incoming",)),
    Check("source_scale", "warning", _BARS, "Another source keeps the instrument's prices on another scale: splits "
          "since then, or adjusted prices.", _scale, ("scale", "split"), _KEY, stages=("incoming",)),
    Check("not_in_other_source", "note", _BARS, "The other source does not have the instrument at all, though it has "
          "others for its time.", _not_there, (), _KEY, stages=("incoming",)),
    Check("twin_series", "warning", _BARS, "Two instruments have the same prices: one series under two names.", _twins,
          ("twin", "equal"), ("instrument", "session", "open", "high", "low", "close"), scope="market"),
)  # fmt: skip
"""Checks of bars against those another source has stored; `Surroundings.same_source` is false there."""
