"""The SQL macros, compared with TA-Lib, pandas and the core's own resampling."""

import itertools
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import exchange_calendars
import numpy as np
import pandas as pd
import polars as pl
import pytest
import talib

from lake import Lake
from lake.macros import EARLY_CLOSES, MACRO_STATEMENTS, SCALAR_MACROS, TABLE_MACROS
from qbrain_core import adjust
from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import MARKETS
from qbrain_core.resample import resample
from qbrain_core.sessions import trading_hours

N = 400


@pytest.fixture
def bars(lake: Lake) -> pl.DataFrame:
    """Daily bars of two names, one of which lacks prices on some days; written to the lake in a random order."""
    random = np.random.default_rng(3)
    sessions = trading_hours(MARKETS["US"], date(2022, 1, 1), date(2024, 12, 31))["session"].head(N)
    frames = []
    for name in ("AAA.US", "BBB.US"):
        close = np.round(50 * np.exp(random.normal(0, 0.02, N).cumsum()), 2)
        frame = pl.DataFrame({"session": sessions, "close": close}).with_columns(
            instrument=pl.lit(name), open=pl.col("close") * 0.99, high=pl.col("close") * 1.02,
            low=pl.col("close") * 0.97, volume=pl.Series(random.integers(1, 99, N) * 100.0), factor=pl.lit(2.0),
            amount=pl.Series(random.random(N)), halted=pl.lit(False), price_basis=pl.lit("raw"),
        )  # fmt: skip
        frames.append(frame)
    hole = (pl.col("instrument") == "BBB.US") & pl.col("session").is_in(sessions[100:103].implode())
    prices = [pl.when(~hole).then(name).alias(name) for name in ("open", "high", "low", "close")]
    rows = pl.concat(frames, how="diagonal").with_columns(*prices, halted=hole)
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("bars", rows.sample(fraction=1, shuffle=True, seed=1))
    return rows.sort("instrument", "session")


def test_ma_and_ema_equal_talib_and_pass_over_rows_without_a_price(lake: Lake, bars: pl.DataFrame) -> None:
    for window, name in itertools.product((2, 5, 12, 26, 200), ("AAA.US", "BBB.US")):
        query = f"SELECT instrument, session, close, ma(close, {window}) AS m, ema(close, {window}) AS e FROM bars"
        found = lake.sql(f"{query} ORDER BY instrument, session")
        assert found.height == bars.height
        rows = found.filter(pl.col("instrument") == name)
        priced = rows.drop_nulls("close")
        close = priced["close"].to_numpy()
        assert rows.filter(pl.col("close").is_null()).select("m", "e").null_count().row(0) == (N - len(close),) * 2
        for column, theirs in (("m", talib.SMA(close, window)), ("e", talib.EMA(close, window))):
            ours = priced[column].to_numpy()
            assert np.isnan(ours)[: window - 1].all()
            np.testing.assert_allclose(ours, theirs, rtol=1e-11)


def test_ema_forgets_how_it_was_seeded(lake: Lake, bars: pl.DataFrame) -> None:
    # pandas starts from the first price instead of an average of the first window
    close = bars.filter(pl.col("instrument") == "AAA.US")["close"]
    theirs = pd.Series(close.to_numpy()).ewm(span=12, adjust=False).mean().to_numpy()
    ours = lake.sql("SELECT ema(close, 12) AS e FROM bars WHERE instrument = 'AAA.US' ORDER BY session")["e"].to_numpy()
    np.testing.assert_allclose(ours[200:], theirs[200:], rtol=1e-11)


def test_averages_take_any_expression_and_order(lake: Lake, bars: pl.DataFrame) -> None:
    query = """
        SELECT b.session, ma(b.close * b.factor, 3, b.instrument, b.session) AS m, ema(ln(volume), 3) AS e
        FROM bars b JOIN bars c USING (instrument, session) WHERE instrument = 'AAA.US' ORDER BY b.session
    """
    with pytest.raises(InvalidInputError, match=r"(?i)ambiguous"):
        lake.sql(query)
    found = lake.sql(query.replace("ema(ln(volume), 3)", "ema(ln(b.volume), 3, b.instrument, b.session)"))
    rows = bars.filter(pl.col("instrument") == "AAA.US")
    np.testing.assert_allclose(found["m"].to_numpy(), talib.SMA(rows["close"].to_numpy() * 2, 3), rtol=1e-12)
    np.testing.assert_allclose(found["e"].to_numpy(), talib.EMA(np.log(rows["volume"].to_numpy()), 3), rtol=1e-12)


def test_an_average_over_rows_that_share_a_session_says_what_is_missing(lake: Lake) -> None:
    _seed_minutes(lake)
    with pytest.raises(InvalidInputError, match="several rows of one session"):
        lake.sql("SELECT ma(close, 5) FROM bars_intraday")
    found = lake.sql("SELECT ma(close, 5, instrument, ts) AS m FROM bars_intraday ORDER BY instrument, ts")
    assert found["m"].null_count() == 4


def test_an_average_cannot_be_given_a_window_that_it_would_ignore(lake: Lake, bars: pl.DataFrame) -> None:
    with pytest.raises(InvalidInputError):
        lake.sql("SELECT ma(close, 5) OVER (ORDER BY session) FROM bars")


def test_adjust_gives_both_kinds_of_adjusted_price(lake: Lake) -> None:
    rows = lake.sql("SELECT adjust(10.0, 3.0) AS backward, adjust(10.0, 3.0, 6.0) AS forward").row(0)
    assert rows == (30.0, 5.0)


@pytest.mark.parametrize(("every", "period"), [("1w", "week"), ("1mo", "month")])
def test_days_combine_into_weeks_and_months_as_on_the_charts(
    lake: Lake, bars: pl.DataFrame, every: str, period: adjust.Period
) -> None:
    found = lake.sql(f"FROM resample('bars', '{every}')")
    expected = adjust.resample(bars, period)
    columns = ["instrument", "session", "open", "high", "low", "close", "volume", "factor"]
    assert found.select(columns).equals(expected.select(columns))
    assert (found["amount"] - expected["amount"]).abs().max() < 1e-9  # type: ignore[operator]
    assert found["ts"].null_count() == found.height
    assert found["n_bars"].sum() == bars.height


def test_quarters_and_years_count_every_session(lake: Lake, bars: pl.DataFrame) -> None:
    assert lake.sql("FROM resample('bars', '1q') WHERE instrument = 'AAA.US'").height == 7
    years = lake.sql("FROM resample(bars, '1y') WHERE instrument = 'AAA.US'")
    assert years["session"].dt.year().to_list() == [2022, 2023]
    assert years["volume"].sum() == bars.filter(pl.col("instrument") == "AAA.US")["volume"].sum()


def test_resample_takes_a_with_table_that_lacks_columns(lake: Lake, bars: pl.DataFrame) -> None:
    query = """
        WITH adjusted AS (SELECT instrument, session, adjust(close, factor) AS close FROM bars)
        SELECT session, close FROM resample('adjusted', '1mo') WHERE instrument = 'AAA.US'
    """
    found = lake.sql(query)
    expected = adjust.resample(bars.filter(pl.col("instrument") == "AAA.US"), "month")
    assert found["close"].to_list() == (expected["close"] * 2).to_list()


def test_resample_refuses_what_it_cannot_make(lake: Lake, bars: pl.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match="resample to 5m, 15m"):
        lake.sql("FROM resample('bars', '2w')")
    with pytest.raises(InvalidInputError, match="rows have no ts"):
        lake.sql("FROM resample('bars', '1h')")


def _seed_minutes(lake: Lake, market: str = "US", start: date = date(2023, 11, 22), days: int = 4) -> pl.DataFrame:
    random = np.random.default_rng(5)
    hours = trading_hours(MARKETS[market], start, start + timedelta(days=30)).head(days)
    frames = []
    for session, opens, pauses, resumes, closes in hours.iter_rows():
        ts = pl.datetime_range(opens - timedelta(minutes=9), closes + timedelta(minutes=9), "1m", eager=True)
        ts = ts.filter(pl.Series(random.random(len(ts)) > 0.1))
        price = np.round(20 + random.normal(0, 0.1, len(ts)).cumsum(), 2)
        frame = pl.DataFrame({"ts": ts, "open": price, "close": np.round(price + 0.01, 2)}).with_columns(
            session=pl.lit(session), high=pl.col("close") + 0.05, low=pl.col("open") - 0.05,
            volume=pl.Series(random.integers(0, 9, len(ts)) * 100.0),
        )  # fmt: skip
        frames.append(frame.with_columns(amount=pl.col("volume") * 20.0))
        assert (pauses is None) == (resumes is None)
    name = {"US": "AAA.US", "CN": "600000.SH", "HK": "0700.HK", "CRYPTO": "BTCUSDT.CRYPTO"}[market]
    rows = pl.concat(frames).unique("ts", keep="first", maintain_order=True).with_columns(
        instrument=pl.lit(name), frequency=pl.lit("1m"), price_basis=pl.lit("raw")
    )  # fmt: skip
    with lake.commit(f"minutes-{market}", 1) as transaction:
        transaction.upsert("bars_intraday", rows)
    return rows.sort("instrument", "ts")


def test_minutes_combine_as_in_the_core(lake: Lake) -> None:
    # four sessions from 2023-11-22: New York's half day after Thanksgiving is among them
    bars = {market: _seed_minutes(lake, market) for market in ("US", "CN", "HK", "CRYPTO")}
    for market, every in itertools.product(bars, ("5m", "15m", "30m", "1h")):
        _compare(lake, bars[market], market, every)


def _compare(lake: Lake, bars: pl.DataFrame, market: str, every: str) -> None:
    rules = MARKETS[market]
    hours = trading_hours(rules, date(2023, 11, 1), date(2023, 12, 31))
    expected = resample(bars, every, hours, auction_at_open=rules.auction_at_open)
    found = lake.sql(f"FROM resample('bars_intraday', '{every}') WHERE market = ?", [market])
    columns = ["instrument", "session", "ts", "open", "high", "low", "close", "volume", "amount"]
    assert found.select(columns).equals(expected.select(columns))
    assert found["n_bars"].sum() == expected["n_bars"].sum()
    np.testing.assert_allclose(found["vwap"].to_numpy(), expected["vwap"].to_numpy(), rtol=1e-12)


def test_minutes_over_a_change_of_the_clock(lake: Lake) -> None:
    bars = _seed_minutes(lake, "US", start=date(2024, 3, 8), days=2)  # the clocks change on the Sunday between
    expected = resample(bars, "1h", trading_hours(MARKETS["US"], date(2024, 3, 1), date(2024, 3, 31)))
    assert lake.sql("FROM resample('bars_intraday', '1h')")["ts"].equals(expected["ts"])
    assert datetime(2024, 3, 8, 15, 30, tzinfo=UTC) in expected["ts"].to_list()
    assert datetime(2024, 3, 11, 14, 30, tzinfo=UTC) in expected["ts"].to_list()


def test_where_several_frequencies_are_stored_the_finest_is_combined(lake: Lake) -> None:
    bars = _seed_minutes(lake)
    hours = trading_hours(MARKETS["US"], date(2023, 11, 1), date(2023, 12, 31))
    longer = resample(bars, "15m", hours).drop("vwap", "n_bars").with_columns(
        frequency=pl.lit("15m"), price_basis=pl.lit("raw"), volume=pl.col("volume") * 2
    )  # fmt: skip
    alone = longer.with_columns(instrument=pl.lit("ZZZ.US"))
    with lake.commit("longer", 1) as transaction:
        transaction.upsert("bars_intraday", pl.concat([longer, alone]))
    found = lake.sql("SELECT instrument, sum(volume) AS v FROM resample('bars_intraday', '1h') GROUP BY 1 ORDER BY 1")
    inside = resample(bars, "1d", hours)["volume"].sum()
    assert found.rows() == [("AAA.US", inside), ("ZZZ.US", 2 * inside)]


def test_early_closes_are_those_of_the_calendar() -> None:
    calendar = exchange_calendars.get_calendar("XNYS", start="1993-01-01", end=f"{max(EARLY_CLOSES)}-12-31")
    known = {date(year, day // 100, day % 100) for year, days in EARLY_CLOSES.items() for day in days}
    assert known == {stamp.date() for stamp in calendar.early_closes}
    closes = calendar.schedule.loc[calendar.early_closes, "close"].dt.tz_convert("America/New_York")
    assert set(closes.dt.strftime("%H:%M")) == {"13:00"}


def test_usual_hours_are_those_of_the_calendar() -> None:
    engine = duckdb.connect()
    for statement in MACRO_STATEMENTS:
        engine.execute(statement)
    since = {"US": date(1993, 1, 1), "CN": date(2005, 1, 1), "HK": date(2011, 3, 7), "CRYPTO": date(2020, 1, 1)}
    for code, start in since.items():
        hours = trading_hours(MARKETS[code], start, date(2026, 12, 31)).with_columns(market=pl.lit(code))
        engine.register("hours", hours.to_arrow())
        wrong = engine.execute(
            """
            WITH clocks AS (
                SELECT *, date_diff('second', session::TIMESTAMP, opens AT TIME ZONE _zone(market)) / 60 AS o,
                    date_diff('second', session::TIMESTAMP, closes AT TIME ZONE _zone(market)) / 60 AS c,
                    date_diff('second', session::TIMESTAMP, pauses AT TIME ZONE _zone(market)) / 60 AS p,
                    date_diff('second', session::TIMESTAMP, resumes AT TIME ZONE _zone(market)) / 60 AS r
                FROM hours
            )
            SELECT * FROM clocks WHERE _opens(market, o + 1) <> o OR _closes(market, session, c) <> c
                OR _closes(market, session, p) <> p OR _opens(market, r + 1) <> r
            """
        ).fetchall()
        assert wrong == [], code


def test_the_names_offered_are_those_created() -> None:
    engine = duckdb.connect()
    known = {row[0] for row in engine.execute("SELECT function_name FROM duckdb_functions()").fetchall()}
    for statement in MACRO_STATEMENTS:
        engine.execute(statement)
    rows = engine.execute("SELECT DISTINCT function_name, function_type FROM duckdb_functions()").fetchall()
    made = {name: kind for name, kind in rows if name not in known and not name.startswith("_")}
    assert {name for name, kind in made.items() if kind == "macro"} == SCALAR_MACROS
    assert {name for name, kind in made.items() if kind == "table_macro"} == TABLE_MACROS


@pytest.mark.real
def test_real_days_average_as_talib_does(lake: Lake, cn_bars: pl.DataFrame) -> None:
    rows = cn_bars.filter(pl.col("instrument").is_in(["600519.SH", "000001.SZ"]))
    with lake.commit("real", 1) as transaction:
        transaction.upsert("bars", rows)
    found = lake.sql(
        "SELECT instrument, ma(close, 20) AS m, ema(close, 26) AS e FROM bars ORDER BY instrument, session"
    )
    for (name,), part in rows.sort("instrument", "session").partition_by("instrument", as_dict=True).items():
        close, ours = part["close"].to_numpy(), found.filter(pl.col("instrument") == name)
        np.testing.assert_allclose(ours["m"].to_numpy(), talib.SMA(close, 20), rtol=1e-11)
        np.testing.assert_allclose(ours["e"].to_numpy(), talib.EMA(close, 26), rtol=1e-11)


def test_macros_read_files_of_nobody(lake: Lake, tmp_path: Path) -> None:
    # the cage refuses this before it is run; here the engine finds no relation of that name
    with pytest.raises(InvalidInputError):
        lake.sql(f"FROM resample('{tmp_path / 'nothing'}', '1w')")
