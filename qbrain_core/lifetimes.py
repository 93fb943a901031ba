"""Whether an instrument's bars ended because it left the market, or only because the newest are late."""

from collections.abc import Sequence
from datetime import date

import polars as pl

__all__ = ["LATE_SESSIONS", "lifetimes"]

LATE_SESSIONS = 5
"""Missing newest bars up to this many are late, or were refused; more are an instrument's end."""


def lifetimes(spans: pl.DataFrame, sessions: Sequence[date], *, delisted: pl.DataFrame | None = None) -> pl.DataFrame:
    """Carry the last session of instruments that still trade to the newest one.

    Parameters
    ----------
    spans : DataFrame, columns (instrument: str, first: date, last: date)
        First and last bar of each instrument.
    sessions : sequence of date
        The market's sessions, ascending, up to the newest that has bars.
    delisted : DataFrame, columns (instrument: str, delisted: date or null), optional
        Last sessions on the exchange, where known; null where it still trades or nobody knows.

    Returns
    -------
    DataFrame, columns (instrument: str, first: date, last: date)
        In the order of `spans`. `last` is the newest session where at most `LATE_SESSIONS` bars are missing before it
        and the instrument is not known to have left; else that of the last bar.
    """
    if not sessions:
        return spans
    newest, since = sessions[-1], sessions[max(len(sessions) - 1 - LATE_SESSIONS, 0)]
    known = pl.Series([], dtype=pl.String)
    if delisted is not None:
        known = delisted.filter(pl.col("delisted") <= newest)["instrument"]
    late = pl.col("last").is_between(since, newest) & ~pl.col("instrument").is_in(known.implode())
    return spans.with_columns(last=pl.when(late).then(pl.lit(newest)).otherwise("last"))
