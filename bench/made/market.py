"""A market of made-up daily bars, year by year, so that any size fits into memory."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

LAST = date(2023, 12, 29)
"""Last session of every made-up market."""


def names_of(instruments: int) -> list[str]:
    return [f"T{number:05}.US" for number in range(instruments)]


def sessions_of(sessions: int) -> pl.Series:
    """List the last so many weekdays up to `LAST`."""
    days = pl.date_range(date(1990, 1, 1), LAST, "1d", eager=True).alias("session")
    return days.filter(days.dt.weekday() < 6).tail(sessions)


def bars_by_year(instruments: int, sessions: int, *, seed: int = 7) -> Iterator[pl.DataFrame]:
    """Bars with prices that walk at random, sorted by instrument and session; a dividend step of the factor a year."""
    draw = np.random.default_rng(seed)
    names = pl.DataFrame({"instrument": names_of(instruments)})
    days = sessions_of(sessions)
    last, factor = draw.uniform(5, 200, instruments), np.ones(instruments)
    for (_,), year in days.to_frame().group_by(days.dt.year(), maintain_order=True):
        shape = (instruments, year.height)
        walk = last[:, None] * np.exp(draw.normal(0, 0.02, shape).cumsum(axis=1))
        last, factor = walk[:, -1], factor * draw.uniform(1.01, 1.03, instruments)
        close = np.round(walk, 2).ravel()
        opens = np.round(walk * np.exp(draw.normal(0, 0.005, shape)), 2).ravel()
        volume = np.floor(draw.lognormal(13, 1, close.size))
        yield names.join(year, how="cross").with_columns(
            open=opens, high=np.round(np.maximum(opens, close) * 1.01, 2), close=close, volume=volume,
            low=np.round(np.minimum(opens, close) * 0.99, 2), amount=np.round(close * volume, 2),
            factor=np.round(np.repeat(factor, year.height), 6), halted=pl.lit(False), price_basis=pl.lit("raw"),
        )  # fmt: skip
