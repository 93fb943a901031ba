"""Checks of intraday bars: where in the session they lie, what is missing, and whether frequencies agree."""

from datetime import datetime, timedelta
from typing import cast

import polars as pl

from lake.quality.check import Check
from lake.quality.sequence import before
from lake.quality.surroundings import Surroundings
from qbrain_core.sessions import trading_hours

__all__ = ["INTRADAY_CHECKS"]

_INTRADAY = ("bars_intraday",)
_MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60}
_ROUND_THE_CLOCK = ("24/7", "24/5")
_LARGE_MOVE = 0.1
_SPARSE = 0.5
"""Share of a session's bars below which an instrument counts as thinly traded instead of incomplete."""

_DISAGREEMENT = 1e-6
_WEEKEND_HOURS = 36
_WRONG_SHARE = 0.5
"""Share of bars outside the session from which their time zone is in doubt."""


def _hours(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame | None:
    # sessions with their opening hours; None where the market never closes
    first, last, market = rows["ts"].min(), rows["ts"].max(), around.market
    if market is None or market.calendar in _ROUND_THE_CLOCK or first is None or last is None:
        return None
    week = timedelta(days=7)
    days = (cast("datetime", first).date() - week, cast("datetime", last).date() + week)
    return trading_hours(market, *days, overrides=around.table("calendar_overrides"))


def _outside(rows: pl.DataFrame, hours: pl.DataFrame) -> pl.Series:
    # a bar is labelled with its close: the open itself is nobody's label
    day = rows.select(_day=pl.col("session"), ts=pl.col("ts")).join(
        hours, left_on="_day", right_on="session", how="left", maintain_order="left"
    )
    inside = (pl.col("ts") > pl.col("opens")) & (pl.col("ts") <= pl.col("closes"))
    pause = ((pl.col("ts") > pl.col("pauses")) & (pl.col("ts") <= pl.col("resumes"))).fill_null(False)
    return day.select(outside=~(inside & ~pause).fill_null(False))["outside"]


def _off_session(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    hours = _hours(rows, around)
    return rows.clear() if hours is None else rows.filter(_outside(rows, hours))


def _wrong_zone(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # most bars lie outside the session, and a shift by whole hours would put them inside
    if around.market is not None and around.market.calendar == "24/5":
        return _wrong_week(rows)
    hours = _hours(rows, around)
    if hours is None or rows.is_empty():
        return rows.clear()
    names = rows.with_columns(_out=_outside(rows, hours)).group_by("instrument", maintain_order=True)
    doubtful = names.agg(outside=pl.col("_out").mean(), bars=pl.len()).filter(pl.col("outside") > _WRONG_SHARE)
    found = []
    for name in doubtful["instrument"]:
        mine = rows.filter(pl.col("instrument") == name)
        shares = {shift: _share_outside(mine, hours, shift) for shift in range(-14, 15) if shift}
        best = min(shares, key=lambda shift: (shares[shift], abs(shift)))
        if shares[best] < 1 - _WRONG_SHARE and shares[best] < shares.get(0, 1.0) / 2:
            found.append(mine.head(1).with_columns(shift_hours=pl.lit(best), bars=pl.lit(mine.height)))
    return pl.concat(found) if found else rows.clear()


def _wrong_week(rows: pl.DataFrame) -> pl.DataFrame:
    # the currencies' week begins on Sunday between 21:00 and 23:00 UTC, when it is morning in Wellington
    ordered = rows.sort("instrument", "ts")
    gap = (pl.col("ts") - before("ts")).dt.total_hours()
    first = ordered.filter(gap > _WEEKEND_HOURS).with_columns(
        _hour=pl.col("ts").dt.weekday().cast(pl.Int64) * 24 + pl.col("ts").dt.hour()
    )
    weeks = first.group_by("instrument", maintain_order=True).agg(
        pl.col("ts").first(), pl.col("session").first(), bars=pl.len(),
        shift_hours=7 * 24 + 22 - pl.col("_hour").median()
    )  # fmt: skip
    return weeks.filter((pl.col("shift_hours").abs() > 2) & (pl.col("bars") > 1))


def _share_outside(rows: pl.DataFrame, hours: pl.DataFrame, shift: int) -> float:
    moved = rows.select(ts=pl.col("ts") + timedelta(hours=shift))
    moved = moved.with_columns(session=pl.col("ts").dt.date())
    share = _outside(moved, hours).mean()
    return float(share) if isinstance(share, float) else 1.0


def _start_labelled(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # the first bar carries the opening minute itself, and none the closing one
    hours = _hours(rows, around)
    if hours is None:
        return rows.clear()
    days = rows.join(hours.select("session", "opens", "closes"), on="session").group_by(
        "instrument", maintain_order=True
    )
    judged = days.agg(
        pl.col("session").first(), at_open=(pl.col("ts") == pl.col("opens")).sum(),
        at_close=(pl.col("ts") == pl.col("closes")).sum(), bars=pl.len(),
    )  # fmt: skip
    return judged.filter((pl.col("at_open") > 0) & (pl.col("at_close") == 0))


def _missing(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _counted(rows, around).filter((pl.col("missing") > 0) & (pl.col("bars") >= _SPARSE * pl.col("expected")))


def _sparse(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _counted(rows, around).filter(pl.col("bars") < _SPARSE * pl.col("expected"))


def _counted(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # bars of each instrument and session against those the session has room for
    hours = _hours(rows, around)
    span = pl.col("frequency").replace_strict(_MINUTES, default=None, return_dtype=pl.Int64)
    if hours is None:
        inside, keyed = rows, rows.select("session").unique().with_columns(minutes=pl.lit(24 * 60))
    else:
        inside = rows.filter(~_outside(rows, hours))
        pause = (pl.col("resumes") - pl.col("pauses")).dt.total_minutes().fill_null(0)
        keyed = hours.select("session", minutes=(pl.col("closes") - pl.col("opens")).dt.total_minutes() - pause)
    counted = inside.group_by("frequency", "instrument", "session").agg(bars=pl.len()).join(keyed, on="session")
    expected = (pl.col("minutes") / span).ceil().cast(pl.Int64)
    return counted.with_columns(expected=expected).with_columns(
        missing=(pl.col("expected") - pl.col("bars")).clip(0)
    ).sort("frequency", "instrument", "session")  # fmt: skip


def _missing_month(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    months = (
        rows.select("frequency", "instrument", month=pl.col("ts").dt.offset_by("-1us").dt.truncate("1mo").dt.date())
        .unique().sort("frequency", "instrument", "month")
    )  # fmt: skip
    same = (pl.col("instrument") == pl.col("instrument").shift(1)) & (
        pl.col("frequency") == pl.col("frequency").shift(1)
    )
    index = pl.col("month").dt.year() * 12 + pl.col("month").dt.month()
    gap = pl.when(same).then(index - index.shift(1) - 1)
    return months.with_columns(missing=gap.cast(pl.Int64)).filter(pl.col("missing") > 0)


def _off_grid(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    span = pl.col("frequency").replace_strict(_MINUTES, default=1, return_dtype=pl.Int64) * 60_000_000
    return rows.filter(
        pl.col("ts").dt.epoch("us") % pl.when(span < 3_600_000_000).then(span).otherwise(60_000_000) != 0
    )


def _large(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    inside = (pl.max_horizontal("high", "close") / pl.min_horizontal("low", "close") - 1).alias("move")
    return rows.with_columns(inside).filter(pl.col("move") > _LARGE_MOVE)


def _frequencies(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # bars that a source delivered against those its finer bars add up to
    found = []
    by_frequency = {f: rows.filter(pl.col("frequency") == f) for f in _MINUTES if f in set(rows["frequency"].unique())}
    finest = next(iter(by_frequency), None)
    for frequency, coarse in by_frequency.items():
        if finest is None or frequency == finest:
            continue
        buckets = _added_up(by_frequency[finest], _MINUTES[frequency])
        full = buckets.filter(pl.col("parts") == _MINUTES[frequency] // _MINUTES[finest])
        both = coarse.join(full, on=["instrument", "ts"], suffix=" made")
        differs = [((pl.col(c) / pl.col(f"{c} made") - 1).abs() > _DISAGREEMENT) for c in ("high", "low", "close")]
        found.append(both.filter(pl.any_horizontal(differs)).select(coarse.columns))
    return pl.concat(found) if found else rows.clear()


def _added_up(fine: pl.DataFrame, minutes: int) -> pl.DataFrame:
    ends = (pl.col("ts").dt.offset_by("-1us").dt.truncate(f"{minutes}m")).dt.offset_by(f"{minutes}m")
    return fine.sort("instrument", "ts").with_columns(_end=ends).group_by("instrument", "_end",
    maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
        pl.col("volume").sum(), parts=pl.len(),
    ).rename({"_end": "ts"})  # fmt: skip


def _daily(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    daily, hours = around.table("bars"), _hours(rows, around)
    if daily is None or hours is None or rows.is_empty():
        return rows.clear()
    finest = min(rows["frequency"].unique(), key=lambda f: _MINUTES.get(f, 10_000))
    fine = rows.filter(pl.col("frequency") == finest)
    inside = fine.filter(~_outside(fine, hours))
    days = inside.group_by("instrument", "session").agg(top=pl.col("high").max(), bottom=pl.col("low").min())
    both = days.join(daily.select("instrument", "session", "high", "low"), on=["instrument", "session"])
    wider = (pl.col("top") > pl.col("high") * 1.001) | (pl.col("bottom") < pl.col("low") * 0.999)
    return both.filter(wider).sort("instrument", "session")


_KEY = ("instrument", "ts")
_GRID = ("frequency", "instrument", "ts", "session")

INTRADAY_CHECKS = (
    Check("off_session", "warning", _INTRADAY, "The bar lies outside the exchange's hours: pre-market, after-hours, or "
          "the lunch break.", _off_session, ("close",), _GRID),
    Check("wrong_time_zone", "warning", _INTRADAY, "Most bars lie outside the session, and a shift by whole hours "
          "would put them inside.", _wrong_zone, ("shift_hours", "bars"), _GRID),
    Check("start_labelled", "warning", _INTRADAY, "The first bar of a session carries its opening minute and none the "
          "closing one: bars are labelled with their start.", _start_labelled, ("bars",), _GRID),
    Check("missing_bars", "warning", _INTRADAY, "Bars are missing within a session.", _missing, ("missing", "expected"),
          _GRID, counts="missing"),
    Check("sparse_bars", "note", _INTRADAY, "Less than half of a session's bars are there: the instrument trades "
          "seldom, and a minute without a trade has no bar.", _sparse, ("bars", "expected"), _GRID),
    Check("missing_month", "warning", _INTRADAY, "Whole calendar months are missing between an instrument's first and "
          "last bar; shown is the month after them.", _missing_month, ("missing",), _GRID, counts="missing"),
    Check("off_grid", "warning", _INTRADAY, "The time is no multiple of the bar's length.", _off_grid, (), _GRID),
    Check("large_bar", "warning", _INTRADAY, "The price moved by more than a tenth within one bar.", _large, ("move",),
          (*_KEY, "high", "low", "close")),
    Check("frequency_disagreement", "warning", _INTRADAY, "A delivered bar is not what the finer bars within it add up "
          "to.", _frequencies, ("close",), _GRID, stages=("incoming", "stored")),
    Check("daily_disagreement", "warning", _INTRADAY, "Trading within the session went beyond the daily bar's high or "
          "low.", _daily, ("top", "bottom", "high", "low"), _GRID),
)  # fmt: skip
"""Checks of intraday bars, sorted by instrument and ts."""
