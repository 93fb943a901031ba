"""Longer bars out of shorter ones, compared with pandas, DuckDB and hand-counted buckets."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import MARKETS
from qbrain_core.resample import FREQUENCIES, finer_frequencies, resample
from qbrain_core.sessions import trading_hours

ZONES = {"CN": "Asia/Shanghai", "HK": "Asia/Hong_Kong", "US": "America/New_York", "CRYPTO": "UTC"}
DAY = date(2024, 3, 1)


def minutes(market: str, *clocks: str, day: date = DAY, amount: float | None = 1.0) -> pl.DataFrame:
    """One bar per clock time: open and close count up, volume is 1."""
    zone = ZoneInfo(ZONES[market])
    rows = []
    for n, clock in enumerate(clocks):
        hour, minute = map(int, clock.split(":"))
        local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hour, minutes=minute)
        price = 10.0 + n
        rows.append(("A.US", day, local.astimezone(UTC), price, price + 0.5, price - 0.5, price + 0.25, 1.0, amount))
    names = ["instrument", "session", "ts", "open", "high", "low", "close", "volume", "amount"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("ts").dt.cast_time_unit("us"), pl.col("amount").cast(pl.Float64)
    )


def labels(bars: pl.DataFrame, frequency: str, market: str, *, extended: bool = False) -> list[str]:
    rules = MARKETS[market]
    hours = trading_hours(rules, bars["session"].min(), bars["session"].max())  # type: ignore[arg-type]
    made = resample(bars, frequency, hours, auction_at_open=rules.auction_at_open, extended=extended)
    return made["ts"].dt.convert_time_zone(ZONES[market]).dt.strftime("%H:%M").to_list()


def test_a_bucket_is_first_highest_lowest_last_and_sums() -> None:
    bars = minutes("US", "9:31", "9:33", "9:35", "9:36")
    first, second = resample(bars, "5m", trading_hours(MARKETS["US"], DAY, DAY)).iter_rows(named=True)
    assert (first["open"], first["high"], first["low"], first["close"]) == (10.0, 12.5, 9.5, 12.25)
    assert (first["volume"], first["amount"], first["vwap"], first["n_bars"]) == (3.0, 3.0, 1.0, 3)
    assert (second["open"], second["close"], second["n_bars"]) == (13.0, 13.25, 1)


@pytest.mark.parametrize(
    ("market", "clocks", "expected"),
    [
        ("US", ("9:31", "10:30", "10:31", "15:30", "15:31", "16:00"), ["10:30", "11:30", "15:30", "16:00"]),
        ("CN", ("9:31", "10:30", "10:31", "11:30", "13:01", "14:00", "15:00"), ["10:30", "11:30", "14:00", "15:00"]),
        ("HK", ("9:31", "11:31", "12:00", "13:01", "14:00", "16:00"), ["10:30", "12:00", "14:00", "16:00"]),
        ("CRYPTO", ("0:01", "1:00", "1:01", "23:30", "24:00"), ["01:00", "02:00", "00:00"]),
    ],
)
def test_hours_count_from_the_open_and_again_from_the_end_of_the_break(
    market: str, clocks: tuple[str, ...], expected: list[str]
) -> None:
    assert labels(minutes(market, *clocks), "1h", market) == expected


def test_the_last_bucket_of_a_half_day_closes_with_it() -> None:
    thanksgiving = date(2023, 11, 24)  # until 13:00
    assert labels(minutes("US", "12:30", "12:31", "13:00", day=thanksgiving), "1h", "US") == ["12:30", "13:00"]
    assert labels(minutes("US", "12:31", "13:00"), "1h", "US") == ["13:30"]
    eve = date(2024, 2, 9)  # Hong Kong until 12:00
    assert labels(minutes("HK", "11:31", "12:00", day=eve), "1h", "HK") == ["12:00"]


def test_a_day_is_the_session_labelled_at_its_scheduled_close() -> None:
    assert labels(minutes("CN", "9:31", "11:30", "13:01", "14:20"), "1d", "CN") == ["15:00"]
    assert labels(minutes("US", "9:31", day=date(2023, 11, 24)), "1d", "US") == ["13:00"]


def test_a_bucket_without_a_bar_has_no_row() -> None:
    assert labels(minutes("US", "9:31", "9:41"), "5m", "US") == ["09:35", "09:45"]


def test_bars_outside_the_hours_are_left_out() -> None:
    assert labels(minutes("US", "8:00", "9:30", "16:01", "19:00"), "5m", "US") == []
    assert labels(minutes("HK", "12:01", "12:30", "13:00"), "5m", "HK") == []
    sunday = date(2024, 3, 3)
    assert labels(minutes("US", "10:00", day=sunday), "5m", "US") == []


def test_bars_outside_the_hours_are_kept_apart_where_asked() -> None:
    clocks = ("8:00", "9:29", "9:30", "9:31", "16:00", "16:01", "16:08")
    assert labels(minutes("US", *clocks), "5m", "US", extended=True) == [
        "08:00",
        "09:30",
        "09:35",
        "16:00",
        "16:05",
        "16:10",
    ]
    assert labels(minutes("HK", "12:00", "12:01", "13:00", "13:01"), "15m", "HK", extended=True) == [
        "12:00", "12:15", "13:00", "13:15",
    ]  # fmt: skip
    assert labels(minutes("US", *clocks), "1d", "US", extended=True) == ["16:00"]


def test_the_opening_auction_belongs_to_the_first_bucket_where_nothing_trades_before_it() -> None:
    assert labels(minutes("CN", "9:30", "9:31"), "5m", "CN") == ["09:35"]
    made = resample(
        minutes("CN", "9:30", "9:31"), "5m", trading_hours(MARKETS["CN"], DAY, DAY), auction_at_open=True
    )  # fmt: skip
    assert made["n_bars"].to_list() == [2]
    assert labels(minutes("CN", "9:25"), "5m", "CN") == []


def test_an_amount_is_null_only_where_no_bar_has_one() -> None:
    hours = trading_hours(MARKETS["US"], DAY, DAY)
    none = resample(minutes("US", "9:31", "9:32", amount=None), "5m", hours)
    assert none.select("amount", "vwap").row(0) == (None, None)
    half = minutes("US", "9:31", "9:32").with_columns(
        amount=pl.when(pl.col("open") > 10).then(pl.col("amount"))
    )  # fmt: skip
    assert resample(half, "5m", hours).select("amount", "vwap").row(0) == (1.0, None)
    without = resample(minutes("US", "9:31").drop("amount"), "5m", hours)
    assert without.schema["amount"] == pl.Float64


def test_a_bucket_that_traded_nothing_has_no_vwap() -> None:
    idle = minutes("US", "9:31").with_columns(volume=pl.lit(0.0), amount=pl.lit(0.0))
    assert resample(idle, "5m", trading_hours(MARKETS["US"], DAY, DAY))["vwap"].item() is None


def test_no_bars_give_no_bars_of_the_right_types() -> None:
    empty = resample(minutes("US", "9:31").clear(), "1h", trading_hours(MARKETS["US"], DAY, DAY))
    assert empty.is_empty()
    assert empty.schema["ts"] == pl.Datetime("us", "UTC")


def test_finer_frequencies_divide_the_longer_one() -> None:
    assert finer_frequencies("1h") == ["1m", "5m", "15m", "30m"]
    for name, length in FREQUENCIES.items():
        assert all(length % FREQUENCIES[finer] == timedelta(0) for finer in finer_frequencies(name))
    with pytest.raises(InvalidInputError, match="one of 1m, 5m"):
        finer_frequencies("2h")


def test_the_shortest_frequency_is_made_of_nothing() -> None:
    with pytest.raises(InvalidInputError, match="nothing shorter"):
        resample(minutes("US", "9:31"), "1m", trading_hours(MARKETS["US"], DAY, DAY))


@st.composite
def session_bars(draw: st.DrawFn) -> tuple[str, pl.DataFrame]:
    """Minutes of a few sessions of a market, with holes, early closes and a change of the clock among them."""
    market, days = draw(
        st.sampled_from(
            [
                ("US", [date(2023, 11, 22), date(2023, 11, 24), date(2024, 3, 8), date(2024, 3, 11)]),
                ("CN", [date(2024, 3, 1), date(2024, 3, 4)]),
                ("HK", [date(2024, 2, 8), date(2024, 2, 9)]),
                ("CRYPTO", [date(2024, 2, 29), date(2024, 3, 1)]),
            ]
        )
    )
    clocks = draw(st.lists(st.integers(0, 1440), min_size=1, max_size=60, unique=True).map(sorted))
    texts = [f"{clock // 60}:{clock % 60:02}" for clock in clocks]
    frames = [minutes(market, *texts, day=day) for day in days]
    bars = pl.concat(frames).sort("instrument", "ts").unique(["instrument", "ts"], keep="first", maintain_order=True)
    volumes = draw(st.lists(st.integers(0, 9), min_size=bars.height, max_size=bars.height))
    return market, bars.with_columns(volume=pl.Series(volumes, dtype=pl.Float64))


@settings(max_examples=60, deadline=None)
@given(session_bars(), st.booleans(), st.data())
def test_the_way_over_a_frequency_between_changes_nothing(
    drawn: tuple[str, pl.DataFrame], extended: bool, data: st.DataObject
) -> None:
    market, bars = drawn
    between = data.draw(st.sampled_from(["5m", "15m", "30m"]))
    longer = data.draw(st.sampled_from([f for f in FREQUENCIES if between in finer_frequencies(f)]))
    rules = MARKETS[market]
    hours = trading_hours(rules, bars["session"].min(), bars["session"].max())  # type: ignore[arg-type]

    def to(frame: pl.DataFrame, frequency: str) -> pl.DataFrame:
        return resample(frame, frequency, hours, auction_at_open=rules.auction_at_open, extended=extended)

    direct, detour = to(bars, longer), to(to(bars, between), longer)
    assert detour.drop("n_bars", "vwap").equals(direct.drop("n_bars", "vwap"))


@settings(max_examples=60, deadline=None)
@given(session_bars(), st.sampled_from(["5m", "15m", "1h", "1d"]), st.integers(1, 239))
def test_later_bars_never_change_an_earlier_bucket(drawn: tuple[str, pl.DataFrame], frequency: str, cut: int) -> None:
    market, bars = drawn
    rules = MARKETS[market]
    hours = trading_hours(rules, bars["session"].min(), bars["session"].max())  # type: ignore[arg-type]
    known = bars.head(cut)
    before = resample(known, frequency, hours, auction_at_open=rules.auction_at_open)
    after = resample(bars, frequency, hours, auction_at_open=rules.auction_at_open)
    closed = before.filter(pl.col("ts") <= known["ts"].max())
    assert closed.equals(after.filter(pl.col("ts") <= known["ts"].max()))


@pytest.mark.real
def test_real_minutes_equal_what_pandas_and_duckdb_make_of_them(real_data: Path) -> None:
    file = real_data / "us_minute" / "us_1min.parquet"
    raw = pl.read_parquet(file).sort("symbol", "datetime")
    local = pl.col("datetime").dt.replace_time_zone("America/New_York")
    bars = raw.select(
        instrument="symbol", session=pl.col("datetime").dt.date(), ts=local.dt.convert_time_zone("UTC"), open="open",
        high="high", low="low", close="close", volume=pl.col("volume").cast(pl.Float64),
    )  # fmt: skip
    hours = trading_hours(MARKETS["US"], date(2019, 2, 11), date(2019, 2, 15))
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    frame = raw.to_pandas().set_index("datetime")
    for frequency, offset in (("5m", "5min"), ("15m", "15min"), ("30m", "30min"), ("1h", "1h")):
        # pandas counts from midnight: half an hour later for New York's hours
        by = frame.groupby("symbol").resample(
            offset, closed="right", label="right", offset="30min" if frequency == "1h" else None
        )
        theirs = by.agg(how).dropna(subset=["open"]).reset_index()
        ours = resample(bars, frequency, hours).to_pandas()
        clock = ours["ts"].dt.tz_convert("America/New_York").dt.tz_localize(None)
        late = theirs["datetime"].dt.hour * 60 + theirs["datetime"].dt.minute > 960  # their last hour ends at 16:30
        theirs.loc[late, "datetime"] = theirs.loc[late, "datetime"].dt.normalize() + pd.Timedelta(hours=16)
        assert list(clock) == list(theirs["datetime"])
        assert list(ours["instrument"]) == list(theirs["symbol"])
        for column in how:
            assert (ours[column].to_numpy() == theirs[column].to_numpy()).all(), (frequency, column)
    days = resample(bars, "1d", hours)
    expected = duckdb.execute(
        "SELECT symbol, datetime::DATE, arg_min(open, datetime), max(high), min(low), arg_max(close, datetime),"
        f" sum(volume)::DOUBLE FROM '{file}' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert days.select("instrument", "session", "open", "high", "low", "close", "volume").rows() == expected


@pytest.mark.real
def test_real_crypto_minutes_make_the_days_of_utc(real_data: Path) -> None:
    raw = pl.read_parquet(real_data / "crypto_minute" / "perp_1m.parquet").filter(symbol="NEARUSDT")
    begin = pl.from_epoch("open_time", "ms").dt.replace_time_zone("UTC").dt.cast_time_unit("us")
    bars = raw.select(
        instrument="symbol", session=begin.dt.date(), ts=begin + pl.duration(minutes=1), open="open", high="high",
        low="low", close="close", volume=pl.col("volume").cast(pl.Float64),
    ).sort("instrument", "ts")  # fmt: skip
    hours = trading_hours(MARKETS["CRYPTO"], bars["session"].min(), bars["session"].max())  # type: ignore[arg-type]
    for frequency, offset in (("1h", "1h"), ("1d", "1D")):
        frame = raw.to_pandas()
        frame.index = pd.to_datetime(frame["open_time"], unit="ms")
        how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
        theirs = frame.resample(offset).agg(how).dropna()
        ours = resample(bars, frequency, hours).to_pandas()
        assert list(ours["ts"].dt.tz_localize(None)) == list(theirs.index + pd.Timedelta(offset))
        for column in ("open", "high", "low", "close"):
            assert (ours[column].to_numpy() == theirs[column].to_numpy()).all(), (frequency, column)
        assert (abs(ours["volume"].to_numpy() / theirs["volume"].to_numpy() - 1) < 1e-12).all()
