"""Currencies and open days."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.sources.series import calendar_override_rows, fx_rows
from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_sessions

DAY = date(2024, 1, 2)


def test_pairs_are_taken_apart_and_the_middle_is_the_rate() -> None:
    frame = pl.DataFrame({"pair": ["eurusd", "GBP/USD", "gold"], "rate": [1.0, 2.0, 3.0], "ask": [1.5, None, 4.0]})
    assert fx_rows(frame).select("base", "quote", "rate").rows() == [
        ("EUR", "USD", 1.25), ("GBP", "USD", 2.0), (None, None, 3.5),
    ]  # fmt: skip
    with pytest.raises(InvalidInputError, match="pair, or base and quote"):
        fx_rows(pl.DataFrame({"rate": [1.0]}))


def test_a_list_of_open_days_gives_what_differs_from_the_calendar() -> None:
    cn = MARKETS["CN"]
    days = trading_sessions(cn, date(2024, 1, 1), date(2024, 1, 31))
    odd = pl.concat([days.filter(days != date(2024, 1, 10)), pl.Series([date(2024, 1, 20)])])
    rows = calendar_override_rows(odd.to_frame("session"), cn)
    assert rows.select("session", "is_open").rows() == [(date(2024, 1, 10), False), (date(2024, 1, 20), True)]
    assert rows["market"].unique().to_list() == ["CN"]


def test_overrides_are_taken_as_they_are() -> None:
    given = pl.DataFrame({"session": [DAY], "is_open": [True], "closes": ["12:00"]})
    rows = calendar_override_rows(given, MARKETS["CN"])
    assert rows.row(0) == ("CN", DAY, True, None, "12:00", None)


@pytest.mark.real
def test_fifteen_years_of_open_days_are_the_calendars(real_data: Path) -> None:
    days = pl.Series((real_data / "cn_daily" / "calendar_day.txt").read_text().split()).str.to_date()
    assert calendar_override_rows(days.to_frame("session"), MARKETS["CN"]).is_empty()
