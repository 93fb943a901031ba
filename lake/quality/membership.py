"""Checks of universes: spells that contradict each other, member counts, and members nobody has prices of."""

import re
from datetime import timedelta

import polars as pl

from lake.quality.check import Check
from lake.quality.surroundings import Surroundings

__all__ = ["MEMBERSHIP_CHECKS"]

_UNIVERSES = ("universes",)
_COUNT_SLACK = 0.02
"""How far a member count may lie from the nominal one, relatively."""


def _null_date(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    named = [c for c in ("start", "as_of") if c in rows.columns]
    return rows.filter(pl.any_horizontal(pl.col(c).is_null() for c in named)) if named else rows.clear()


def _overlap(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    key = [c for c in ("universe", "instrument") if c in rows.columns]
    ordered = rows.sort(*key, "start")
    same = pl.all_horizontal(pl.col(c) == pl.col(c).shift(1) for c in key)
    reached = pl.when(same).then(pl.col("end").fill_null(pl.date(9999, 12, 31)).shift(1))
    return ordered.with_columns(before_until=reached).filter(pl.col("start") <= pl.col("before_until"))


def _counts(rows: pl.DataFrame) -> pl.DataFrame:
    # members from each day on which their number changed
    group = ["universe"] if "universe" in rows.columns else []
    joined = rows.select(*group, day="start", step=pl.lit(1))
    left = rows.filter(pl.col("end").is_not_null()).select(
        *group, day=pl.col("end") + timedelta(days=1), step=pl.lit(-1)
    )  # fmt: skip
    steps = pl.concat([joined, left]).group_by(*group, "day").agg(pl.col("step").sum()).sort(*group, "day")
    total = pl.col("step").cum_sum()
    return steps.with_columns(members=total.over(group) if group else total)


def _count(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    if "as_of" in rows.columns and "start" not in rows.columns:
        counts = rows.group_by("as_of").agg(members=pl.len()).rename({"as_of": "day"}).sort("day")
    elif "start" in rows.columns:
        ends = pl.col("end") if "end" in rows.columns else pl.lit(None, pl.Date)
        counts = _counts(rows.with_columns(end=ends))
    else:
        return rows.clear()
    if "universe" in counts.columns:
        parts = [_odd(part, str(name)) for (name,), part in counts.group_by("universe", maintain_order=True)]
        return pl.concat(parts) if parts else counts
    return _odd(counts, "")


def _odd(counts: pl.DataFrame, name: str) -> pl.DataFrame:
    # the number in an index's name is its nominal count; else the commonest count is
    digits = re.search(r"(\d{2,4})$", name)
    nominal = int(digits[1]) if digits else counts["members"].mode().max()
    far = (pl.col("members") / pl.lit(nominal) - 1).abs() > _COUNT_SLACK
    # after the last spell has ended nobody is left, and nothing is wrong with that
    known = counts.with_columns(nominal=pl.lit(nominal, pl.Int64), session="day")
    return known.filter(far & (pl.col("members") > 0))


def _spells_without(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    spans = around.table("bar_spans")
    if spans is None or "start" not in rows.columns:
        return rows.clear()
    first, last = spans["first"].min(), spans["last"].max()
    end = pl.col("end") if "end" in rows.columns else pl.lit(None, pl.Date)
    market = pl.col("instrument").str.extract(r"\.([^.]+)$", 1)
    known = spans.select(market).unique()["instrument"]
    lived = rows.filter((pl.col("start") <= last) & (end.is_null() | (end >= first)) & market.is_in(known.implode()))
    return lived.join(spans, on="instrument", how="anti", maintain_order="left").unique(
        "instrument", keep="first", maintain_order=True
    )  # fmt: skip


def _only_survivors(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # hardly any instrument's bars end before the lake does, and former members have none
    spans = around.table("bar_spans")
    if spans is None or spans.height < 20 or "start" not in rows.columns:
        return rows.clear()
    last = spans["last"].max()
    ended = (pl.col("last") < pl.lit(last) - timedelta(days=30)).mean()
    share = spans.select(ended).item()
    missing = _spells_without(rows, around)
    members = rows["instrument"].n_unique()
    if share > 0.01 or not missing.height or missing.height / members < 0.05:
        return rows.clear()
    return missing.head(1).with_columns(missing=pl.lit(missing.height), members=pl.lit(members))


MEMBERSHIP_CHECKS = (
    Check("null_date", "error", _UNIVERSES, "A date of the membership is missing.", _null_date, stages=("incoming",)),
    Check("end_before_start", "error",
          ("universes", "industries", "symbol_history", "instrument_status"), "The spell ends before it starts.",
          pl.col("end") < pl.col("start"), ("start", "end"), ("start", "end")),
    Check("membership_overlap", "warning", _UNIVERSES, "Two spells of one instrument in one universe overlap.",
          _overlap,
          ("start", "end", "before_until"), ("instrument", "start", "end")),
    Check("membership_count", "warning", _UNIVERSES, "The number of members is not the nominal one of the universe.",
          _count, ("members", "nominal"), ("instrument",), scope="market"),
    Check("no_prices", "warning", _UNIVERSES, "A member has no bars at all, though others have for its time.",
          _spells_without, ("start", "end"), ("instrument", "start"), stages=("stored",), scope="market"),
    Check("survivorship", "warning", _UNIVERSES, "Only survivors have prices: no bars end early, and members that left "
          "have none. Averages over this market are too good.", _only_survivors, ("missing", "members"),
          ("instrument", "start"), stages=("stored",), scope="market", counts="missing"),
)  # fmt: skip
"""Checks of memberships: spells, or snapshots of all members on some days."""
