"""Combine the bars of a session into longer ones, exactly and within the session's own hours.

A bucket is a stretch of equal length counted from the session's open, and again from the end of its lunch break; it
crosses neither the break nor the close, where the last one is cut short. So an hour of New York runs from 09:30 to
10:30 and the last one from 15:30 to 16:00; an hour of Shanghai ends at 10:30, 11:30, 14:00 and 15:00. Markets that
never close count from midnight UTC. As everywhere, `ts` labels the close: here the bucket's scheduled one, also where
its last minutes had no trade. A bucket without a bar has no row.
"""

from datetime import timedelta

import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = ["FREQUENCIES", "finer_frequencies", "resample"]

FREQUENCIES: dict[str, timedelta] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
"""Length of a bar by name; each divides every longer one. 1d is the whole session, whatever its hours."""


def finer_frequencies(frequency: str) -> list[str]:
    """List the frequencies a longer one can be made from.

    Parameters
    ----------
    frequency : str
        One of `FREQUENCIES`.

    Returns
    -------
    list of str
        Shortest first; empty for the shortest.

    Raises
    ------
    InvalidInputError
        If there is no such frequency.
    """
    if frequency not in FREQUENCIES:
        raise InvalidInputError("frequency", frequency, f"a frequency is one of {', '.join(FREQUENCIES)}")
    return [name for name, length in FREQUENCIES.items() if length < FREQUENCIES[frequency]]


def resample(
    bars: pl.DataFrame, frequency: str, hours: pl.DataFrame, *, auction_at_open: bool = False, extended: bool = False
) -> pl.DataFrame:
    """Combine bars of one market and one frequency into longer ones.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, ts: datetime[us, UTC], open, high, low, close, volume: \
f64, [amount: f64])
        Sorted by instrument, ts. `ts` is the close of the bar.
    frequency : str
        Longer than the bars': 5m, 15m, 30m, 1h or 1d.
    hours : DataFrame
        Of the market, as `trading_hours` gives them; bars of days that are not in it are left out.
    auction_at_open : bool
        Whether a bar labelled at the very open belongs to the first bucket (see `Market`); else it lies before it.
    extended : bool
        Keep bars before the open, in the break and after the close: in buckets of their own, counted back from the open
        and on from the break's start and the close. The bucket of 1d takes them in. Else they are left out.

    Returns
    -------
    DataFrame, columns (instrument, session, ts, open, high, low, close, volume, amount, vwap: f64, n_bars: u32)
        Sorted by instrument, ts. Open is the first one in time, close the last, high the greatest, low the least;
        volume and amount are sums of what there is, null where no bar has one. vwap is amount ÷ volume, null where the
        bucket traded nothing or a bar with volume lacks its amount.

    Raises
    ------
    InvalidInputError
        If the frequency is unknown or the shortest.
    """
    if not finer_frequencies(frequency):
        raise InvalidInputError("frequency", frequency, "there is nothing shorter to make it from")
    if "amount" not in bars.columns:
        bars = bars.with_columns(amount=pl.lit(None, pl.Float64))
    timed = bars.lazy().join(hours.lazy(), on="session", how="inner", maintain_order="left")
    begun = pl.col("ts") >= pl.col("opens") if auction_at_open else pl.col("ts") > pl.col("opens")
    label = pl.col("closes") if frequency == "1d" else _bucket_close(FREQUENCIES[frequency], begun)
    if not extended:
        timed = timed.filter(begun & _in_hours())
    volume, unpriced = pl.col("volume").sum(), ((pl.col("volume") > 0) & pl.col("amount").is_null()).any()
    return (
        timed.with_columns(label.alias("ts"))
        .group_by("instrument", "session", "ts", maintain_order=True)
        .agg(
            pl.col("open").drop_nulls().first(), pl.col("high").max(), pl.col("low").min(),
            pl.col("close").drop_nulls().last(), _sum("volume"), _sum("amount"),
            vwap=pl.when(~unpriced & (volume > 0)).then(pl.col("amount").sum() / volume),
            n_bars=pl.len(),
        )
        .collect()
    )  # fmt: skip


def _in_hours() -> pl.Expr:
    pausing = ((pl.col("ts") > pl.col("pauses")) & (pl.col("ts") <= pl.col("resumes"))).fill_null(False)
    return (pl.col("ts") <= pl.col("closes")) & ~pausing


def _bucket_close(length: timedelta, begun: pl.Expr) -> pl.Expr:
    ts, opens, pauses, resumes, closes = (pl.col(name) for name in ("ts", "opens", "pauses", "resumes", "closes"))
    after = ts > closes
    pausing = (ts > pauses) & (ts <= resumes)
    start = (
        pl.when(after).then(closes).when(pausing).then(pauses).when(ts > resumes).then(resumes).otherwise(opens)
    )  # fmt: skip
    end = pl.when(pausing).then(resumes).when(ts <= pauses).then(pauses).otherwise(closes)
    step = int(length.total_seconds() * 1_000_000)
    since = (ts - start).dt.total_microseconds()
    # -(-a // b) rounds up; a bar labelled at the open counts as of the first bucket
    nth = pl.max_horizontal(-(-since // step), pl.lit(1))
    on = start + pl.duration(microseconds=nth * step)
    back = opens - pl.duration(microseconds=(-since // step) * step)
    return pl.when(~begun).then(back).when(after).then(on).otherwise(pl.min_horizontal(on, end))


def _sum(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
