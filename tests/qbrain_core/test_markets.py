from datetime import date

import exchange_calendars
import pytest

from qbrain_core.errors import UnknownNameError
from qbrain_core.markets import MARKETS, market_of, stamp_duty_bps


@pytest.mark.parametrize(
    ("instrument", "market"),
    [
        ("600519.SH", "CN"), ("000001.SZ", "CN"), ("430047.BJ", "CN"), ("0700.HK", "HK"), ("AAPL.US", "US"),
        ("BRK.B.US", "US"), ("BTCUSDT.CRYPTO", "CRYPTO"), ("D00001.DEMO", "DEMO"),
    ],
)  # fmt: skip
def test_market_of_splits_at_the_last_dot(instrument: str, market: str) -> None:
    assert market_of(instrument).code == market


@pytest.mark.parametrize("instrument", ["AAPL", "AAPL.XX", "", "."])
def test_market_of_unknown_suffix_lists_the_known(instrument: str) -> None:
    with pytest.raises(UnknownNameError, match="instrument"):
        market_of(instrument)


@pytest.mark.parametrize(
    ("session", "bps"),
    [(date(2007, 1, 4), 0.0), (date(2023, 8, 25), 10.0), (date(2023, 8, 28), 5.0), (date(2026, 1, 5), 5.0)],
)
def test_stamp_duty_halved_in_august_2023(session: date, bps: float) -> None:
    # Ministry of Finance and State Taxation Administration, announcement 2023 no. 39
    assert stamp_duty_bps(MARKETS["CN"], session) == bps


def test_stamp_duty_of_a_market_without_one_is_zero() -> None:
    assert stamp_duty_bps(MARKETS["US"], date(2024, 1, 2)) == 0.0


def test_calendars_exist_and_suffixes_are_unambiguous() -> None:
    names = set(exchange_calendars.get_calendar_names(include_aliases=True))
    assert {m.calendar for m in MARKETS.values()} <= names
    suffixes = [s for m in MARKETS.values() for s in m.suffixes]
    assert len(suffixes) == len(set(suffixes))
