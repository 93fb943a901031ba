"""A made-up market: 40 names, 120 sessions, halts, a delisting, price limits, and a factor that says something."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

N_SESSIONS, N_NAMES = 120, 40


@dataclass(frozen=True)
class Sample:
    """Bars, the factor as an array, and the sessions."""

    bars: pl.DataFrame
    factor: np.ndarray
    sessions: list[date]


@pytest.fixture(scope="session")
def sample() -> Sample:
    random = np.random.default_rng(20)
    sessions = [date(2023, 10, 2) + timedelta(days=i) for i in range(N_SESSIONS)]
    factor = random.normal(size=(N_SESSIONS, N_NAMES)).round(2)
    noise = random.normal(0, 0.02, size=factor.shape)
    noise[2:] += 0.005 * factor[:-2]  # what t knows is earned from the close of t+1 to that of t+2
    close = 20 * np.exp(noise.cumsum(axis=0))
    names = [f"{i:03}.US" for i in range(N_NAMES)]
    rows = pl.DataFrame(
        {
            "session": [s for s in sessions for _ in names], "instrument": names * N_SESSIONS, "close": close.ravel(),
            "halted": random.random(close.size) < 0.03, "factor": 1.0, "volume": 1e5,
        }
    )  # fmt: skip
    gone = (pl.col("instrument") == names[3]) & (pl.col("session") > sessions[80])
    split = (pl.col("instrument") == names[5]) & (pl.col("session") >= sessions[60])
    bars = rows.filter(~gone).with_columns(
        close=pl.when(split).then(pl.col("close") / 2).otherwise(pl.col("close")),
        factor=pl.when(split).then(2.0).otherwise(1.0),
    )
    locked = (pl.col("instrument") == names[7]) & pl.col("session").is_in(sessions[10:13])
    bars = bars.with_columns(
        limit_up=pl.when(locked).then(pl.col("close")).otherwise(pl.col("close") * 1.1),
        limit_down=pl.col("close") * 0.9,
    )
    factor[random.random(factor.shape) < 0.05] = np.nan
    return Sample(bars, factor, sessions)
