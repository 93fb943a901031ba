"""Trading days of a market's calendar."""

from datetime import date
from functools import cache, lru_cache

import exchange_calendars
import polars as pl

from qbrain_core.markets import Market

__all__ = ["trading_sessions"]


def trading_sessions(market: Market, start: date, end: date) -> pl.Series:
    """List the sessions of a market's calendar.

    Parameters
    ----------
    market : Market
    start, end : date
        Both inclusive; what lies outside the calendar's known span is left out.

    Returns
    -------
    Series, name `session`, date
        Ascending; empty where the span holds none.
    """
    whole = _sessions(market.calendar, start.year, end.year) if start <= end else pl.Series("session", [], pl.Date)
    return whole.filter(whole.is_between(start, end))


@lru_cache(maxsize=32)
def _sessions(calendar: str, first_year: int, last_year: int) -> pl.Series:
    # whole years, because a calendar is slow to make and often asked for
    lower, upper = _bounds(calendar)
    first, last = max(date(first_year, 1, 1), lower), min(date(last_year, 12, 31), upper)
    if first >= last:
        return pl.Series("session", [], dtype=pl.Date)
    made = exchange_calendars.get_calendar(calendar, start=first.isoformat(), end=last.isoformat())
    return pl.Series("session", made.sessions.to_numpy()).cast(pl.Date)


@cache
def _bounds(calendar: str) -> tuple[date, date]:
    known = exchange_calendars.get_calendar(calendar)
    lower, upper = known.bound_min(), known.bound_max()
    return lower.date() if lower is not None else date.min, upper.date() if upper is not None else date(9998, 12, 31)
