"""Trading days, compared with what the exchanges published."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_hours, trading_sessions


def overrides(*rows: tuple[date, bool, str | None, str | None]) -> pl.DataFrame:
    schema = {"session": pl.Date, "is_open": pl.Boolean, "opens": pl.String, "closes": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def hours_of(market: str, day: date, *known: tuple[date, bool, str | None, str | None]) -> list[str]:
    """Times of one session in the market's own clock, HH:MM."""
    zone = {"CN": "Asia/Shanghai", "HK": "Asia/Hong_Kong", "US": "America/New_York", "CRYPTO": "UTC"}[market]
    row = trading_hours(MARKETS[market], day, day, overrides=overrides(*known))
    return [row[name].dt.convert_time_zone(zone).dt.strftime("%H:%M").item() for name in row.columns[1:]]


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


def test_hours_have_the_lunch_break_of_the_exchange() -> None:
    assert hours_of("CN", date(2024, 3, 1)) == ["09:30", "11:30", "13:00", "15:00"]
    assert hours_of("HK", date(2024, 3, 1)) == ["09:30", "12:00", "13:00", "16:00"]
    assert hours_of("US", date(2024, 3, 1)) == ["09:30", None, None, "16:00"]


def test_half_days_end_early() -> None:
    # New York the day after Thanksgiving; Hong Kong on the eve of the lunar new year
    assert hours_of("US", date(2023, 11, 24)) == ["09:30", None, None, "13:00"]
    assert hours_of("HK", date(2024, 2, 9)) == ["09:30", None, None, "12:00"]


def test_hours_follow_daylight_saving_time() -> None:
    winter = trading_hours(MARKETS["US"], date(2024, 3, 8), date(2024, 3, 8))
    summer = trading_hours(MARKETS["US"], date(2024, 3, 11), date(2024, 3, 11))
    assert winter["opens"].item() == datetime(2024, 3, 8, 14, 30, tzinfo=UTC)
    assert summer["opens"].item() == datetime(2024, 3, 11, 13, 30, tzinfo=UTC)


def test_a_market_that_never_closes_runs_from_midnight_to_midnight_utc() -> None:
    day = trading_hours(MARKETS["CRYPTO"], date(2024, 3, 2), date(2024, 3, 2)).row(0)
    assert day[1] == datetime(2024, 3, 2, tzinfo=UTC)
    assert day[4] == datetime(2024, 3, 3, tzinfo=UTC)


def test_an_override_closes_a_session() -> None:
    # a typhoon closed Hong Kong on 2023-09-01, which no calendar knew beforehand
    typhoon = overrides((date(2023, 9, 1), False, None, None))
    around = (MARKETS["HK"], date(2023, 8, 31), date(2023, 9, 4))
    assert trading_sessions(*around, overrides=typhoon).to_list() == [date(2023, 8, 31), date(2023, 9, 4)]


def test_an_override_opens_a_holiday_with_usual_hours() -> None:
    saturday = date(2024, 3, 2)
    assert hours_of("HK", saturday, (saturday, True, None, None)) == ["09:30", "12:00", "13:00", "16:00"]
    first = date(2024, 1, 1)  # the usual session before it is of another year
    assert hours_of("US", first, (first, True, None, "13:00")) == ["09:30", None, None, "13:00"]


def test_an_added_session_keeps_the_wall_clock_over_a_change_of_time() -> None:
    sunday = date(2024, 3, 10)
    assert hours_of("US", sunday, (sunday, True, None, None)) == ["09:30", None, None, "16:00"]


def test_an_override_moves_open_and_close() -> None:
    day = date(2024, 3, 1)
    assert hours_of("HK", day, (day, True, "10:00", None)) == ["10:00", "12:00", "13:00", "16:00"]
    assert hours_of("HK", day, (day, True, None, "14:15")) == ["09:30", "12:00", "13:00", "14:15"]
    # what begins after the break, or ends before it is over, has none
    assert hours_of("HK", day, (day, True, "13:00", None)) == ["13:00", None, None, "16:00"]
    assert hours_of("HK", day, (day, True, None, "12:00")) == ["09:30", None, None, "12:00"]
    assert hours_of("CRYPTO", day, (day, True, "08:00", "24:00"))[0] == "08:00"


def test_overrides_of_other_markets_are_passed_over() -> None:
    day = date(2024, 3, 1)
    both = pl.concat([overrides((day, False, None, None))] * 2).with_columns(market=pl.Series(["HK", "US"]))
    assert trading_sessions(MARKETS["CN"], day, day, overrides=both).to_list() == [day]
    assert trading_sessions(MARKETS["HK"], day, day, overrides=both).is_empty()


@pytest.mark.parametrize("text", ["9:30", "09:60", "25:00", "open"])
def test_an_override_with_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="HH:MM"):
        hours_of("US", date(2024, 3, 1), (date(2024, 3, 1), True, text, None))


def test_an_override_that_closes_before_it_opens_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"US 2024-03-01.*not after its open"):
        hours_of("US", date(2024, 3, 1), (date(2024, 3, 1), True, "16:00", "09:30"))
