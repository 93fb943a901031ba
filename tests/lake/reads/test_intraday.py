"""Reads within sessions: stored bars, bars combined on the way, adjusted ones, and the calendar with its overrides."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow.parquet as pq
import pytest

from lake import Lake
from lake.reads.intraday import month_ranges
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.markets import MARKETS
from qbrain_core.resample import resample
from qbrain_core.sessions import trading_hours


def minutes(name: str, market: str, start: date, end: date, *, frequency: str = "1m") -> pl.DataFrame:
    """Every minute of the hours of a span of days; the close counts up."""
    hours = trading_hours(MARKETS[market], start, end)
    frames = [
        pl.DataFrame({"ts": pl.datetime_range(opens, closes, "1m", closed="right", eager=True)}).with_columns(
            session=pl.lit(session)
        )
        for session, opens, _, _, closes in hours.iter_rows()
    ]
    rows = pl.concat(frames).with_row_index("n").with_columns(close=10 + pl.col("n") / 1000)
    return rows.select(
        "ts", "session", "close", instrument=pl.lit(name), frequency=pl.lit(frequency), open="close", high="close",
        low="close", volume=pl.lit(100.0), amount=pl.col("close") * 100, price_basis=pl.lit("raw"),
    )  # fmt: skip


def write(lake: Lake, job: str, table: str, frame: pl.DataFrame) -> None:
    with lake.commit(job, 1) as transaction:
        transaction.upsert(table, frame)


FIRST, LAST = date(2024, 2, 28), date(2024, 3, 4)


@pytest.fixture
def stocked(lake: Lake) -> Lake:
    """Minutes of two US names over four sessions around the end of a month."""
    write(lake, "seed", "bars_intraday", pl.concat([minutes(n, "US", FIRST, LAST) for n in ("AAA.US", "BBB.US")]))
    return lake


def test_stored_bars_come_as_they_are(stocked: Lake) -> None:
    found = stocked.intraday("1m", instruments=["BBB.US"], start=date(2024, 3, 1), end=date(2024, 3, 1))
    assert found["session"].unique().to_list() == [date(2024, 3, 1)]
    assert found.height == 390
    assert found["ts"].is_sorted()
    assert found["made_from"].null_count() == 390
    assert (found["vwap"] - found["close"]).abs().max() < 1e-9  # type: ignore[operator]
    assert stocked.intraday("1m", market="CN").is_empty()


def test_longer_bars_are_made_where_none_are_stored(stocked: Lake) -> None:
    found = stocked.intraday("1h", market="US")
    source = minutes("AAA.US", "US", FIRST, LAST)
    expected = resample(source, "1h", trading_hours(MARKETS["US"], FIRST, LAST))
    mine = found.filter(pl.col("instrument") == "AAA.US")
    assert mine.select(expected.columns[:-2]).equals(expected[:, :-2])
    assert found["made_from"].unique().to_list() == ["1m"]
    assert found["instrument"].unique(maintain_order=True).to_list() == ["AAA.US", "BBB.US"]
    days = stocked.intraday("1d", instruments=["AAA.US"])
    assert days["session"].to_list() == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 4)]
    assert days["ts"].dt.convert_time_zone("America/New_York").dt.hour().unique().to_list() == [16]


def test_each_session_is_of_what_is_stored_of_it(stocked: Lake) -> None:
    day = date(2024, 3, 1)
    delivered = minutes("AAA.US", "US", day, day, frequency="1h").filter(pl.col("ts").dt.minute() == 30)
    write(stocked, "hours", "bars_intraday", delivered)
    found = stocked.intraday("1h", instruments=["AAA.US"])
    by_session = dict(found.group_by("session").agg(pl.col("made_from").unique()).iter_rows())
    assert by_session.pop(day) == [None]
    assert all(value == ["1m"] for value in by_session.values())
    assert len(by_session) == 3
    assert found.filter(pl.col("session") == day)["volume"].to_list() == [100.0] * delivered.height


def test_instants_bound_the_closes_of_bars(stocked: Lake) -> None:
    start = datetime(2024, 3, 1, 15, 0)
    found = stocked.intraday("15m", instruments=["AAA.US"], start=start, end=date(2024, 3, 1), columns=["close"])
    assert found.columns == ["instrument", "ts", "close"]
    assert found["ts"].min() == start.replace(tzinfo=UTC)
    assert found["ts"].max() == datetime(2024, 3, 1, 21, 0, tzinfo=UTC)
    # the first bucket is whole, though its first minutes lie before the start
    whole = stocked.intraday("15m", instruments=["AAA.US"], columns=["close", "volume"])
    bound = stocked.intraday("15m", instruments=["AAA.US"], start=start, end=start, columns=["close", "volume"])
    assert bound.equals(whole.filter(pl.col("ts") == start.replace(tzinfo=UTC)))
    assert stocked.intraday("1m", market="US", start=start, end=start).height == 2
    close = datetime(2024, 3, 1, 21, 0, tzinfo=UTC)
    day = stocked.intraday("1d", instruments=["AAA.US"], start=close, end=close)
    assert day["volume"].to_list() == [39_000.0]
    pacific = close.astimezone(ZoneInfo("America/Los_Angeles"))
    assert stocked.intraday("1d", instruments=["AAA.US"], start=pacific, end=pacific).equals(day)


def test_a_day_that_never_closes_is_read_over_the_end_of_a_month(lake: Lake) -> None:
    # its last minute is labelled 00:00 of the next month and lies in that month's partition
    write(lake, "seed", "bars_intraday", minutes("BTC.CRYPTO", "CRYPTO", date(2024, 1, 30), date(2024, 2, 1)))
    found = lake.intraday("1h", market="CRYPTO", start=date(2024, 1, 31), end=date(2024, 1, 31))
    assert found.height == 24
    assert found["volume"].unique().to_list() == [6_000.0]
    assert found["ts"].max() == datetime(2024, 2, 1, tzinfo=UTC)
    assert set(lake.intraday("1h", market="CRYPTO")["volume"]) == {6_000.0}


def test_a_sunday_evening_of_currencies_is_of_the_monday_after(lake: Lake) -> None:
    sunday = datetime(2024, 3, 3, 22, 0, tzinfo=UTC)
    row = {
        "instrument": "EURUSD.FX",
        "ts": sunday,
        "session": date(2024, 3, 4),
        "frequency": "1h",
        "price_basis": "raw",
    }
    write(lake, "seed", "bars_intraday", pl.DataFrame([row | dict.fromkeys(("open", "high", "low", "close"), 1.1)]))
    assert lake.intraday("1h", instruments=["EURUSD.FX"], end=sunday).height == 1
    assert lake.intraday("1h", instruments=["EURUSD.FX"], start=date(2024, 3, 4), end=date(2024, 3, 4)).height == 1


def daily(name: str, *factors: tuple[date, float], basis: str = "raw") -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "instrument": name,
                "session": session,
                "close": 1.0,
                "factor": factor,
                "halted": False,
                "price_basis": basis,
            }
            for session, factor in factors
        ]
    )


def test_prices_are_adjusted_by_the_factors_of_the_days(stocked: Lake) -> None:
    # no daily bar on 2024-03-04: the factor of the session before holds
    write(stocked, "days", "bars", daily("AAA.US", (FIRST, 1.0), (date(2024, 2, 29), 1.0), (date(2024, 3, 1), 2.0)))
    plain, backward, forward = (
        stocked.intraday("1h", instruments=["AAA.US"], adjust=mode) for mode in ("none", "backward", "forward")
    )
    late = pl.col("session") >= date(2024, 3, 1)
    assert backward.filter(late)["close"].equals(plain.filter(late)["close"] * 2)
    assert backward.filter(~late)["close"].equals(plain.filter(~late)["close"])
    assert forward.filter(late)["vwap"].equals(plain.filter(late)["vwap"])
    assert forward.filter(~late)["open"].equals(plain.filter(~late)["open"] / 2)
    assert backward["volume"].equals(plain["volume"])
    other = stocked.intraday("1h", instruments=["BBB.US"], adjust="backward")
    assert other.equals(stocked.intraday("1h", instruments=["BBB.US"]))


def test_factors_of_another_price_basis_are_refused(stocked: Lake) -> None:
    write(stocked, "days", "bars", daily("AAA.US", (FIRST, 1.0), basis="split_adjusted"))
    with pytest.raises(InvalidInputError, match=r"daily bars of AAA.US.*split_adjusted.*raw"):
        stocked.intraday("1m", instruments=["AAA.US"], adjust="forward")


def test_wrong_questions_are_refused(lake: Lake) -> None:
    with pytest.raises(InvalidInputError, match="one of 1m, 5m"):
        lake.intraday("2m")
    with pytest.raises(UnknownNameError, match="did you mean 'close'"):
        lake.intraday("1m", columns=["clos"])
    with pytest.raises(InvalidInputError, match="list of instrument ids"):
        lake.intraday("1m", instruments="AAA.US")
    with pytest.raises(UnknownNameError, match="market"):
        lake.intraday("1m", market="UK")


def test_the_past_is_read_as_it_was(stocked: Lake) -> None:
    before = stocked.versions()
    write(stocked, "later", "bars_intraday", minutes("CCC.US", "US", FIRST, FIRST))
    assert "CCC.US" in stocked.intraday("30m", market="US")["instrument"].to_list()
    assert "CCC.US" not in stocked.intraday("30m", market="US", as_of=before)["instrument"].to_list()


def test_overrides_of_the_calendar_decide_sessions_and_buckets(stocked: Lake) -> None:
    day = date(2024, 3, 1)
    rows = pl.DataFrame(
        {
            "market": ["US", "US"], "session": [day, date(2024, 3, 4)], "is_open": [True, False],
            "opens": ["10:00", None], "closes": [None, None],
        },
        schema_overrides={"closes": pl.String},
    )  # fmt: skip
    before = stocked.versions()
    write(stocked, "overrides", "calendar_overrides", rows)
    calendar = stocked.calendar("US", FIRST, LAST)
    assert calendar["session"].to_list() == [FIRST, date(2024, 2, 29), day]
    found = stocked.intraday("1h", instruments=["AAA.US"], start=day)
    local = found["ts"].dt.convert_time_zone("America/New_York").dt.strftime("%H:%M").to_list()
    assert local == ["11:00", "12:00", "13:00", "14:00", "15:00", "16:00"]
    assert stocked.calendar("US", FIRST, LAST, as_of=before).height == 4
    with pytest.raises(UnknownNameError):
        stocked.calendar("UK", FIRST, LAST)


def test_one_instrument_of_a_month_is_a_small_read(lake: Lake) -> None:
    names = [f"N{n:03}.US" for n in range(60)]
    month = minutes("X.US", "US", date(2024, 3, 1), date(2024, 3, 28))
    write(lake, "seed", "bars_intraday", pl.concat([month.with_columns(instrument=pl.lit(n)) for n in names]))
    (file,) = (f for f in lake.snapshot("bars_intraday").files)
    assert dict(file.partition) == {"frequency": "1m", "market": "US", "month": "2024-03"}
    stats = pq.ParquetFile(file.uri).metadata
    column = stats.schema.names.index("instrument")
    touched = sum(
        group.column(column).statistics.min <= "N030.US" <= group.column(column).statistics.max
        for group in (stats.row_group(n) for n in range(stats.num_row_groups))
    )
    assert touched <= 2 < stats.num_row_groups


def test_ranges_of_days_are_cut_at_months() -> None:
    assert list(month_ranges(date(2024, 1, 30), date(2024, 3, 2))) == [
        (date(2024, 1, 30), date(2024, 1, 31)), (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2024, 3, 1), date(2024, 3, 2)),
    ]  # fmt: skip
    assert list(month_ranges(date(2024, 1, 2), date(2024, 1, 1))) == []
