"""Intraday bars are labelled by the instant of their close, and belong to a session."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from lake.sources.intraday import close_instants
from qbrain_core.markets import MARKETS


def closed(ts: datetime, market: str, *, frequency: str = "1m", label: str = "end") -> tuple[datetime, date]:
    frame = close_instants(pl.DataFrame({"ts": [ts]}), MARKETS[market], frequency=frequency, label=label)
    assert {"volume", "amount", "frequency"} <= set(frame.columns)
    return frame.select("ts", "session").row(0)


def test_the_start_of_a_bar_moves_to_its_end() -> None:
    assert closed(datetime(2024, 1, 2, 14, 30), "US", label="start")[0] == datetime(2024, 1, 2, 14, 31, tzinfo=UTC)
    assert closed(datetime(2024, 1, 2, 14, 31), "US")[0] == datetime(2024, 1, 2, 14, 31, tzinfo=UTC)
    assert closed(datetime(2024, 1, 2, 14, 0), "US", frequency="1h", label="start")[0].hour == 15


@pytest.mark.parametrize(
    ("ts", "market", "session"),
    [
        (datetime(2024, 1, 3, 0, 59), "US", date(2024, 1, 2)),  # 19:59 in New York
        (datetime(2024, 1, 3, 0, 0), "CRYPTO", date(2024, 1, 2)),  # the last minute of the day ends at midnight
        (datetime(2024, 1, 3, 0, 1), "CRYPTO", date(2024, 1, 3)),
        (datetime(2024, 1, 2, 1, 31), "CN", date(2024, 1, 2)),  # 09:31 in Shanghai
        (datetime(2024, 1, 7, 22, 0), "FX", date(2024, 1, 8)),  # Sunday evening opens Monday
        (datetime(2024, 1, 6, 12, 0), "CRYPTO", date(2024, 1, 6)),  # a Saturday like any other day
    ],
)
def test_sessions_by_the_clock_of_the_exchange(ts: datetime, market: str, session: date) -> None:
    assert closed(ts, market)[1] == session
