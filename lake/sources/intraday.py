"""Intraday bars from a file's rows: the instant of their close, and the session they are of."""

from datetime import timedelta

import exchange_calendars
import polars as pl

from qbrain_core.markets import Market

__all__ = ["INTRADAY_COLUMNS", "LENGTHS", "close_instants"]

LENGTHS = {
    "1m": timedelta(minutes=1), "5m": timedelta(minutes=5), "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30), "1h": timedelta(hours=1),
}  # fmt: skip
"""Length of a bar by frequency."""

INTRADAY_COLUMNS = (
    "frequency",
    "instrument",
    "ts",
    "session",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "amount",
    "price_basis",
)
"""Columns of table `bars_intraday` that are made here; partition columns follow from them."""


def close_instants(rows: pl.DataFrame, market: Market, *, frequency: str, label: str) -> pl.DataFrame:
    """Label bars by the instant of their close and say which session they are of.

    Parameters
    ----------
    rows : DataFrame, columns (ts: datetime, [volume: f64], [amount: f64], …)
        `ts` is UTC without a zone, of the bar's start or end.
    market : Market
    frequency : str
        Key of `LENGTHS`.
    label : {"start", "end"}
        What `ts` is of.

    Returns
    -------
    DataFrame
        With `ts` of the close (now with zone UTC), `session` (the day the bar begins in, by the clock of the market's
        exchange; where that is a weekend, the Monday after: currencies begin their week on Sunday evening),
        `frequency`, and `volume` and `amount` where the rows lack them.
    """
    length = LENGTHS[frequency]
    instant = pl.col("ts").dt.replace_time_zone("UTC")
    zone = str(exchange_calendars.get_calendar(market.calendar).tz)
    day = (pl.col("ts") - length).dt.convert_time_zone(zone).dt.date()
    if market.calendar != "24/7":
        weekday = day.dt.weekday()
        day = pl.when(weekday > 5).then(day + pl.duration(days=8 - weekday)).otherwise(day)
    absent = [pl.lit(None, pl.Float64).alias(c) for c in ("volume", "amount") if c not in rows.columns]
    closed = rows.with_columns(*absent, ts=instant + length if label == "start" else instant)
    return closed.with_columns(session=day, frequency=pl.lit(frequency))
