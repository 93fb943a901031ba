"""Checks against calendars and clocks: each finds its case and is silent beside it."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from check_case import assert_finds

from lake.quality import CHECKS, SUBJECTS, Surroundings
from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_sessions

US, CN, FX, CRYPTO = (MARKETS[code] for code in ("US", "CN", "FX", "CRYPTO"))
SESSIONS = trading_sessions(US, date(2024, 1, 2), date(2024, 12, 31))
MONTH = SESSIONS.head(30)
NOON = datetime(2024, 2, 14, 17, 0, tzinfo=UTC)


def daily(sessions: pl.Series = MONTH, instrument: str = "A.US") -> pl.DataFrame:
    return pl.DataFrame({"instrument": instrument, "session": sessions, "close": 10.0})


def market(n: int = 25, sessions: pl.Series = MONTH) -> pl.DataFrame:
    return pl.concat([daily(sessions, f"N{i:02}.US") for i in range(n)])


def minutes(
    day: date = date(2024, 3, 4),
    opens: str = "14:31",
    n: int = 390,
    instrument: str = "A.US",
    frequency: str = "1m",
    step: int = 1,
) -> pl.DataFrame:
    start = datetime.fromisoformat(f"{day} {opens}").replace(tzinfo=UTC)
    return pl.DataFrame(
        {"frequency": frequency, "instrument": instrument,
        "ts": [start + timedelta(minutes=step * i) for i in range(n)],
         "session": day, "open": 10.0, "high": 10.2, "low": 9.9, "close": 10.1, "volume": 5.0}
    ).with_columns(pl.col("ts").cast(pl.Datetime("us", "UTC")))  # fmt: skip


def weeks(hour: int) -> pl.DataFrame:
    """Hourly currency bars of four weeks, which begin on Sunday at some hour UTC."""
    first = datetime(2024, 3, 3, hour, tzinfo=UTC)
    stamps = [first + timedelta(days=7 * w, hours=h) for w in range(4) for h in range(118)]
    ts = pl.Series(stamps).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame({"frequency": "1h", "instrument": "EURUSD.FX", "ts": ts, "session": ts.dt.date(), "close": 1.1})


def rates(days: list[date], tenor: str = "10Y") -> pl.DataFrame:
    return pl.DataFrame({"series": "us_treasury", "tenor": tenor, "session": days, "rate": 0.04})


MINUTES = minutes()
QUARTER = minutes(opens="14:45", n=26, frequency="15m", step=15).with_columns(volume=pl.lit(75.0))
HOLIDAY = pl.Series("session", [date(2024, 1, 15)])
CASES: dict[str, tuple[pl.DataFrame, pl.DataFrame, int, Surroundings]] = {
    "off_calendar": (daily(pl.concat([SESSIONS.head(5), HOLIDAY, SESSIONS.slice(10, 5)])), daily(), 1,
        Surroundings(US)),
    "missing_session": (daily(pl.concat([SESSIONS.head(5), SESSIONS.slice(7, 5)])), daily(), 2, Surroundings(US)),
    "history_hole": (
        daily(pl.concat([SESSIONS.head(5), SESSIONS.slice(105, 5)])),
        daily(pl.concat([SESSIONS.head(5), SESSIONS.slice(35, 5)])), 100, Surroundings(US),
    ),
    "not_fresh": (daily(SESSIONS.head(28)), daily(SESSIONS.head(30)), 2, Surroundings(US, now=NOON)),
    "stopped": (
        pl.concat([market(), daily(SESSIONS.head(20), "Z.US")]), pl.concat([market(), daily(SESSIONS.head(26),
        "Z.US")]), 1,
        Surroundings(US),
    ),
    "late_start": (pl.concat([market(), daily(SESSIONS.slice(9, 5), "Z.US")]), market(), 1, Surroundings(US)),
    "thin_session": (
        market().filter((pl.col("session") != SESSIONS[10]) | (pl.col("instrument") < "N10")), market(), 1,
        Surroundings(US),
    ),
    "seven_day_week": (
        daily(pl.Series("session", [date(2024, 1, 1) + timedelta(days=i) for i in range(28)])), daily(), 1,
        Surroundings(US),
    ),
    "series_hole": (
        rates([date(2024, 1, 2), date(2024, 5, 2)]), rates([date(2024, 1, 2), date(2024, 1, 30)]), 1, Surroundings(US),
    ),
    "series_start": (
        pl.concat([rates([date(2024, 1, 2)]), rates([date(2024, 6, 3)], "30Y")]),
        pl.concat([rates([date(2024, 1, 2)]), rates([date(2024, 1, 9)], "30Y")]), 1, Surroundings(US),
    ),
    "off_session": (minutes(opens="14:01"), MINUTES, 30, Surroundings(US)),
    "wrong_time_zone": (minutes(opens="09:31"), MINUTES, 1, Surroundings(US)),
    "start_labelled": (minutes(opens="14:30"), MINUTES, 1, Surroundings(US)),
    "missing_bars": (MINUTES.filter(pl.int_range(pl.len()) % 10 > 0), MINUTES, 39, Surroundings(US)),
    "sparse_bars": (MINUTES.filter(pl.int_range(pl.len()) % 3 == 0), MINUTES, 1, Surroundings(US)),
    "missing_month": (
        pl.concat([minutes(date(2024, 3, 4)), minutes(date(2024, 6, 3), "13:31")]),
        pl.concat([minutes(date(2024, 3, 4)), minutes(date(2024, 4, 1), "13:31")]), 2, Surroundings(US),
    ),
    "off_grid": (MINUTES.with_columns(pl.col("ts").dt.offset_by("7s")), MINUTES, 390, Surroundings(US)),
    "large_bar": (MINUTES.with_columns(high=pl.lit(12.0)).head(1), MINUTES, 1, Surroundings(US)),
    "frequency_disagreement": (
        pl.concat([MINUTES, QUARTER.with_columns(high=pl.lit(10.3))]), pl.concat([MINUTES, QUARTER]), 26,
        Surroundings(US),
    ),
    "daily_disagreement": (
        MINUTES.with_columns(high=pl.lit(10.9)), MINUTES, 1,
        Surroundings(US).with_tables(
            {"bars": pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 3, 4)], "high": [10.2],
            "low": [9.9]})}
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_check_finds_its_case_and_nothing_beside_it(name: str) -> None:
    assert_finds(name, *CASES[name])


def test_every_check_of_time_has_a_case() -> None:
    assert set(CASES) == {c.name for subject in ("calendar", "intraday") for c in SUBJECTS[subject]}


def test_a_gap_is_counted_where_it_ends() -> None:
    gaps = CHECKS["missing_session"].find(CASES["missing_session"][0], Surroundings(US))
    assert gaps.rows() == [("A.US", SESSIONS[7], 2)]


def test_the_shift_that_would_put_a_wrong_zone_right_is_told() -> None:
    found = CHECKS["wrong_time_zone"].find(minutes(opens="09:31"), Surroundings(US))
    assert found["shift_hours"].to_list() == [5]
    assert CHECKS["wrong_time_zone"].find(weeks(22), Surroundings(FX)).is_empty()
    assert CHECKS["wrong_time_zone"].find(weeks(17), Surroundings(FX))["shift_hours"].to_list() == [5.0]


def test_the_lunch_break_is_outside_the_session() -> None:
    # Shanghai trades 09:30-11:30 and 13:00-15:00, which is 01:30-03:30 and 05:00-07:00 UTC
    morning = minutes(opens="01:31", n=120, instrument="600000.SH")
    lunch = minutes(opens="03:31", n=90, instrument="600000.SH")
    assert CHECKS["off_session"].find(morning, Surroundings(CN)).is_empty()
    assert CHECKS["off_session"].find(lunch, Surroundings(CN)).height == 90


def test_a_market_that_never_closes_has_no_off_session_bars() -> None:
    frame = minutes(opens="00:01", n=1439, instrument="BTCUSDT.CRYPTO")
    for name in ("off_session", "wrong_time_zone", "start_labelled", "sparse_bars"):
        assert CHECKS[name].find(frame, Surroundings(CRYPTO)).is_empty(), name


@pytest.mark.parametrize(("hour", "late"), [(12, 0), (23, 0), (25, 1)])
def test_a_session_is_late_only_when_it_is_over(hour: int, late: int) -> None:
    # bars until the 13th of February; on the 14th they are due in the evening, New York time
    around = Surroundings(US, now=datetime(2024, 2, 14, tzinfo=UTC) + timedelta(hours=hour))
    assert CHECKS["not_fresh"].find(daily(SESSIONS.head(30)), around).height == late


def test_calendar_days_of_the_lake_are_used_where_they_are_given() -> None:
    closed = SESSIONS.filter(SESSIONS[10] != SESSIONS)
    around = Surroundings(US, sessions=lambda start, end: closed.filter(closed.is_between(start, end)))
    assert CHECKS["off_calendar"].find(daily(), around)["session"].to_list() == [SESSIONS[10]]
    assert CHECKS["missing_session"].find(daily(closed.head(29)), around).is_empty()
