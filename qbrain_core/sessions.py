"""Trading days and hours of a market's calendar, and the days on which a market differed from it.

The calendar is `exchange_calendars`'. Overrides are rows of one market: what a user, or a later notice of the exchange,
knows better.
"""

from datetime import date
from functools import cache, lru_cache

import exchange_calendars
import polars as pl

from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import Market

__all__ = ["trading_hours", "trading_sessions"]

_TIMES = ("opens", "pauses", "resumes", "closes")
_HOURS = pl.Schema({"session": pl.Date()} | dict.fromkeys(_TIMES, pl.Datetime("us", "UTC")))
_MINUTES_OF_A_DAY = 24 * 60


def trading_sessions(market: Market, start: date, end: date, *, overrides: pl.DataFrame | None = None) -> pl.Series:
    """List the sessions of a market's calendar.

    Parameters
    ----------
    market : Market
    start, end : date
        Both inclusive; what lies outside the calendar's known span is left out.
    overrides : DataFrame, optional
        As for `trading_hours`.

    Returns
    -------
    Series, name `session`, date
        Ascending; empty where the span holds none.

    Raises
    ------
    InvalidInputError
        As `trading_hours`.
    """
    return trading_hours(market, start, end, overrides=overrides)["session"]


def trading_hours(market: Market, start: date, end: date, *, overrides: pl.DataFrame | None = None) -> pl.DataFrame:
    """Tell when a market trades: its sessions, and from when to when each lasts.

    Parameters
    ----------
    market : Market
    start, end : date
        Both inclusive; what lies outside the calendar's known span is left out, but for overrides.
    overrides : DataFrame, columns (session: date, is_open: bool, [opens: str], [closes: str], [market: str]), optional
        One row per day on which the market differs from its calendar; rows of other markets are passed over. A closed
        day is no session. An open day that the calendar does not have gets the hours of the last usual session before
        it. `opens` and `closes` are local times, HH:MM (24:00 is the end of the day), and replace the day's own; null:
        they stay.

    Returns
    -------
    DataFrame, columns (session: date, opens, pauses, resumes, closes: datetime[us, UTC])
        Ascending by session. `pauses` and `resumes` bound the lunch break; null where a session has none.

    Raises
    ------
    InvalidInputError
        If an override's time is not HH:MM, or its close is not after its open.
    """
    if start > end:
        return pl.DataFrame(schema=_HOURS)
    if overrides is not None and "market" in overrides.columns:
        overrides = overrides.filter(pl.col("market") == market.code)
    if overrides is None or overrides.is_empty():
        hours = _schedule(market.calendar, start.year, end.year)
    else:  # a year more, for the usual hours before an added day
        hours = _overridden(_schedule(market.calendar, max(start.year - 1, 1), end.year), overrides, market)
    return hours.filter(pl.col("session").is_between(start, end)).select(list(_HOURS))


@lru_cache(maxsize=64)
def _schedule(calendar: str, first_year: int, last_year: int) -> pl.DataFrame:
    # whole years, because a calendar is slow to make and often asked for
    lower, upper = _bounds(calendar)
    first, last = max(date(first_year, 1, 1), lower), min(date(last_year, 12, 31), upper)
    if first >= last:
        return pl.DataFrame(schema=pl.Schema({**_HOURS, "usual": pl.Boolean()}))
    made = exchange_calendars.get_calendar(calendar, start=first.isoformat(), end=last.isoformat())
    odd = made.early_closes.union(made.late_opens)
    schedule = made.schedule
    names = {"opens": "open", "pauses": "break_start", "resumes": "break_end", "closes": "close"}
    columns = {ours: pl.Series(schedule[theirs].dt.tz_convert(None).to_numpy()) for ours, theirs in names.items()}
    return pl.DataFrame(
        {"session": pl.Series(made.sessions.to_numpy()).cast(pl.Date)}
        | {name: values.cast(pl.Datetime("us")).dt.replace_time_zone("UTC") for name, values in columns.items()}
        | {"usual": ~made.sessions.isin(odd)}
    )


@cache
def _bounds(calendar: str) -> tuple[date, date]:
    known = exchange_calendars.get_calendar(calendar)
    lower, upper = known.bound_min(), known.bound_max()
    return lower.date() if lower is not None else date.min, upper.date() if upper is not None else date(9998, 12, 31)


@cache
def _zone(calendar: str) -> str:
    return str(exchange_calendars.get_calendar(calendar).tz)


def _overridden(hours: pl.DataFrame, overrides: pl.DataFrame, market: Market) -> pl.DataFrame:
    zone = _zone(market.calendar)
    for name in ("opens", "closes"):
        if name not in overrides.columns:
            overrides = overrides.with_columns(pl.lit(None, pl.String).alias(name))
    wanted = overrides.select("session", "is_open", _minutes(overrides, "opens"), _minutes(overrides, "closes"))
    closed = wanted.filter(~pl.col("is_open"))
    opened = wanted.filter("is_open").drop("is_open").rename({"opens": "early", "closes": "late"})
    kept = hours.join(closed, on="session", how="anti")
    kept = pl.concat([kept, _added(hours, opened.join(hours, on="session", how="anti"), zone)])
    both = kept.join(opened, on="session", how="left").with_columns(
        opens=pl.coalesce(_instant("early", zone), "opens"), closes=pl.coalesce(_instant("late", zone), "closes")
    )
    # a session that ends before the break resumes, or begins after it, has none
    whole = (pl.col("closes") > pl.col("resumes")) & (pl.col("opens") < pl.col("pauses"))
    both = both.with_columns(pl.when(whole).then(name).alias(name) for name in ("pauses", "resumes"))
    wrong = both.filter(pl.col("closes") <= pl.col("opens"))
    if wrong.height:
        day = wrong["session"][0]
        raise InvalidInputError("calendar_overrides.closes", f"{market.code} {day}", "its close is not after its open")
    return both.sort("session")


def _added(hours: pl.DataFrame, days: pl.DataFrame, zone: str) -> pl.DataFrame:
    # the wall-clock times of the usual session before, on the day itself
    usual = hours.filter("usual").select("session", *_TIMES, model="session")
    placed = days.select("session").sort("session").join_asof(usual, on="session", strategy="backward")
    shift = pl.col("session") - pl.col("model")
    moved = [
        (pl.col(name).dt.convert_time_zone(zone).dt.replace_time_zone(None) + shift)
        .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
        .alias(name)
        for name in _TIMES
    ]
    return placed.with_columns(moved).select("session", *_TIMES, usual=pl.lit(False))


def _minutes(overrides: pl.DataFrame, name: str) -> pl.Series:
    text = overrides[name].cast(pl.String)
    parts = text.str.extract_groups(r"^(\d{2}):(\d{2})$").struct.unnest().cast(pl.Int64)
    minutes = parts["1"] * 60 + parts["2"]
    wrong = text.is_not_null() & (minutes.is_null() | (parts["2"] > 59) | (minutes > _MINUTES_OF_A_DAY)).fill_null(True)
    if wrong.any():
        raise InvalidInputError(f"calendar_overrides.{name}", text.filter(wrong)[0], "a local time is written HH:MM")
    return minutes.alias(name)


def _instant(minutes: str, zone: str) -> pl.Expr:
    local = pl.col("session").cast(pl.Datetime("us")) + pl.duration(minutes=minutes)
    return local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
