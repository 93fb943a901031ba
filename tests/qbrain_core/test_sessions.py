"""Trading days, compared with what the exchanges published."""

from datetime import date

from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_sessions


def test_sessions_leave_out_holidays() -> None:
    # Shanghai closed 2024-02-09 to 2024-02-18 for the spring festival; New York on 2024-01-15 and 2024-02-19
    china = trading_sessions(MARKETS["CN"], date(2024, 2, 7), date(2024, 2, 20)).to_list()
    assert china == [date(2024, 2, 7), date(2024, 2, 8), date(2024, 2, 19), date(2024, 2, 20)]
    new_york = trading_sessions(MARKETS["US"], date(2024, 1, 12), date(2024, 1, 16)).to_list()
    assert new_york == [date(2024, 1, 12), date(2024, 1, 16)]


def test_a_span_without_sessions_is_empty() -> None:
    assert trading_sessions(MARKETS["US"], date(2024, 1, 6), date(2024, 1, 7)).is_empty()
    assert trading_sessions(MARKETS["CN"], date(1950, 1, 1), date(1950, 2, 1)).is_empty()


def test_one_day_and_every_day() -> None:
    assert trading_sessions(MARKETS["CN"], date(2024, 1, 5), date(2024, 1, 5)).to_list() == [date(2024, 1, 5)]
    assert len(trading_sessions(MARKETS["CRYPTO"], date(2024, 1, 1), date(2024, 12, 31))) == 366


def test_a_year_of_shanghai_has_as_many_sessions_as_the_exchange_held() -> None:
    assert len(trading_sessions(MARKETS["CN"], date(2023, 1, 1), date(2023, 12, 31))) == 242
