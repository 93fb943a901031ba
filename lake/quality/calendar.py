"""Checks against the calendar: what is late, what is missing, and what lies on a day without trading."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from lake.quality.check import Check
from lake.quality.surroundings import Surroundings

__all__ = ["CALENDAR_CHECKS"]

_BARS = ("bars",)
_HOLE_SESSIONS = 60
"""Sessions missing in a row from which a gap counts as a hole in the history."""

_HOLE_DAYS = 30
"""Days without a value from which a rate's or currency's series has a hole."""

_STOPPED_SESSIONS = 5
"""Sessions without a bar at the end of the lake after which a listed instrument counts as stopped."""

_READY_HOUR = 20
"""Hour of the market's own day from which the bars of that day should be there."""

_ZONES = {"CN": "Asia/Shanghai", "DEMO": "Asia/Shanghai", "HK": "Asia/Hong_Kong", "US": "America/New_York"}


def _off_calendar(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    sessions = _sessions(rows, around)
    if sessions.is_empty():
        return rows.clear()
    inside = pl.col("session").is_between(sessions[0], sessions[-1])
    return rows.filter(inside & ~pl.col("session").is_in(sessions.implode()))


def _gaps(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # rows after a gap, with `missing`: sessions of the calendar between them and the row before
    sessions = _sessions(rows, around)
    first = rows["session"].min()
    empty = rows.select("instrument", "session").clear().with_columns(missing=pl.lit(0, pl.Int64))
    if sessions.is_empty() or not isinstance(first, date):
        return empty
    days = pl.Series("session", range((sessions[-1] - first).days + 1)).to_frame().select(
        day=pl.lit(first) + pl.duration(days=pl.col("session"))
    )  # fmt: skip
    # number of sessions up to each day; off-calendar rows get none
    numbers = days.join(sessions.to_frame("day").with_row_index("number"), on="day", how="left")["number"]
    place = (pl.col("session") - pl.lit(first)).dt.total_days()
    numbered = rows.select(
        "instrument", "session", number=pl.lit(numbers.cast(pl.Int64)).gather(place.clip(0, len(numbers) - 1))
    ).drop_nulls("number")
    same = pl.col("instrument") == pl.col("instrument").shift(1)
    gap = pl.when(same).then(pl.col("number") - pl.col("number").shift(1) - 1)
    return numbered.select("instrument", "session", missing=gap).filter(pl.col("missing") > 0)


def _missing(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _gaps(rows, around).filter(pl.col("missing") < _HOLE_SESSIONS)


def _holes(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    return _gaps(rows, around).filter(pl.col("missing") >= _HOLE_SESSIONS)


def _not_fresh(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    # sessions of the calendar after the newest bar that are over by now
    newest = rows["session"].max() if rows.height else None
    none = pl.DataFrame(schema={"session": pl.Date, "newest": pl.Date})
    if not isinstance(newest, date) or around.market is None or around.market.synthetic:
        return none
    local = around.now.astimezone(ZoneInfo(_ZONES.get(around.market.code, "UTC")))
    until = local.date() if local.hour >= _READY_HOUR else local.date() - timedelta(days=1)
    late = around.calendar(newest + timedelta(days=1), until)
    return pl.DataFrame({"session": late, "newest": [newest] * len(late)}, schema=none.schema)


def _stopped(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    newest = rows["session"].max() if rows.height else None
    last = rows.group_by("instrument", maintain_order=True).agg(session=pl.col("session").max())
    known = around.table("instruments")
    if not isinstance(newest, date):
        return last
    if known is not None:
        gone = known.filter(pl.col("delisted") <= newest).select("instrument")
        last = last.join(gone, on="instrument", how="anti")
    sessions = around.calendar(newest - timedelta(days=400), newest)
    behind = (pl.lit(sessions.len()) - sessions.search_sorted(last["session"], side="right")).cast(pl.Int64)
    return last.with_columns(behind=behind).filter(pl.col("behind") > _STOPPED_SESSIONS)


def _late_start(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    firsts = rows.group_by("instrument", maintain_order=True).agg(session=pl.col("session").min())
    usual = firsts["session"].mode().min() if firsts.height > 2 else None
    return firsts.clear() if usual is None else firsts.filter(pl.col("session") > usual)


def _thin(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # sessions on which far fewer names have a bar than on the one before and the one after
    days = rows.group_by("session").agg(instruments=pl.len()).sort("session")
    around = pl.min_horizontal(pl.col("instruments").shift(1), pl.col("instruments").shift(-1))
    return days.with_columns(usual=around).filter((pl.col("usual") >= 20) & (pl.col("instruments") < 0.9 * around))


def _all_week(rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
    if around.market is not None and around.market.calendar == "24/7":
        return rows.clear()
    weekend = rows.filter(pl.col("session").dt.weekday() > 5)
    names = rows.group_by("instrument").agg(bars=pl.len())
    found = weekend.group_by("instrument", maintain_order=True).agg(session=pl.col("session").min(), weekend=pl.len())
    share = pl.col("weekend") / pl.col("bars")
    return found.join(names, on="instrument", maintain_order="left").filter(share > 0.2)


def _series_hole(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    key = [c for c in ("series", "tenor", "base", "quote", "model", "factor") if c in rows.columns]
    ordered = rows.sort(*key, "session")
    same = pl.all_horizontal(pl.col(c) == pl.col(c).shift(1) for c in key)
    days = pl.when(same).then((pl.col("session") - pl.col("session").shift(1)).dt.total_days())
    return ordered.with_columns(days=days).filter(pl.col("days") > _HOLE_DAYS)


def _series_start(rows: pl.DataFrame, _: Surroundings) -> pl.DataFrame:
    # tenors of one curve that begin long after its first
    firsts = rows.group_by("series", "tenor", maintain_order=True).agg(session=pl.col("session").min())
    late = (pl.col("session") - pl.col("session").min().over("series")).dt.total_days() > _HOLE_DAYS
    return firsts.filter(late).sort("series", "session")


def _sessions(rows: pl.DataFrame, around: Surroundings) -> pl.Series:
    first, last = rows["session"].min(), rows["session"].max()
    return around.calendar(first, last)  # type: ignore[arg-type]


_KEY = ("instrument", "session")

CALENDAR_CHECKS = (
    Check("off_calendar", "warning", _BARS, "The market was closed on that day.", _off_calendar, needs=_KEY),
    Check("missing_session", "warning", _BARS, "Sessions between an instrument's first and last bar have no row; shown "
          "is the row after them.", _missing, ("missing",), _KEY, counts="missing"),
    Check("history_hole", "warning", _BARS, f"At least {_HOLE_SESSIONS} sessions are missing in a row: another "
          f"listing, "
          "another ticker, or a part of the file was lost.", _holes, ("missing",), _KEY, counts="missing"),
    Check("not_fresh", "warning", _BARS, "Sessions that are over have no bars of any instrument yet.", _not_fresh,
          ("newest",), ("session",), stages=("stored",), scope="market"),
    Check("stopped", "warning", _BARS, "A listed instrument has had no bar while others had: its bars end before the "
          "lake does.", _stopped, ("behind",), _KEY, stages=("stored",), scope="market"),
    Check("late_start", "note", _BARS, "The history begins after that of most others: a later listing, or a part is "
          "missing.", _late_start, (), _KEY, scope="market"),
    Check("thin_session", "warning", _BARS, "Far fewer names have a bar than on the sessions beside it.", _thin,
          ("instruments", "usual"), _KEY, scope="market"),
    Check("seven_day_week", "warning", _BARS, "The instrument has bars on weekends: it trades on another calendar than "
          "its market's.", _all_week, ("weekend", "bars"), _KEY),
    Check("series_hole", "warning", ("interest_rates", "fx_rates", "factor_returns"), f"A series has no value for more "
          f"than {_HOLE_DAYS} days: it was not published then, or is missing; shown is the value after it.",
          _series_hole, ("series", "tenor", "base", "quote", "days"), ("session",)),
    Check("series_start", "note", ("interest_rates",), "The tenor begins long after the first of its curve.",
          _series_start, ("series", "tenor"), ("series", "tenor", "session")),
)  # fmt: skip
"""Checks of bars against the sessions of their market."""
