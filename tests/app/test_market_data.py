from datetime import date

import polars as pl
import pytest

from app import market_data
from lake.demo import DEMO_BENCHMARK, demo_market


@pytest.fixture(scope="module")
def frames():
    return demo_market(n_instruments=60, start=date(2022, 6, 1))


@pytest.fixture
def filled(lake, frames):
    with lake.commit("demo", 1) as transaction:
        for name, frame in frames.items():
            transaction.upsert(name, frame)
    return lake


def test_markets_counts_rows_and_sessions(filled, frames):
    row = market_data.markets(filled, filled.versions()).row(0, named=True)
    bars = frames["bars"]
    assert row["market"] == "DEMO"
    assert row["n_rows"] == bars.height
    assert row["last"] == bars["session"].max()


def test_moves_agree_with_the_bars(filled, frames):
    bars = frames["bars"].sort("instrument", "session").filter(pl.col("close").is_not_null())
    session = bars["session"].max()
    moves = market_data.moves(filled, filled.versions(), market="DEMO", session=session)
    assert DEMO_BENCHMARK not in moves["instrument"].to_list()
    for row in moves.filter(~pl.col("halted")).head(5).iter_rows(named=True):
        own = bars.filter((pl.col("instrument") == row["instrument"]) & (pl.col("session") <= session)).tail(2)
        adjusted = (own["close"] * own["factor"]).to_list()
        assert row["change"] == pytest.approx(adjusted[1] / adjusted[0] - 1)


def test_recent_closes_gives_one_line_per_instrument(filled, frames):
    code = frames["instruments"]["instrument"][0]
    found = market_data.recent_closes(filled, filled.versions(), instruments=(code, "NOT.DEMO"), sessions=20)
    assert found["instrument"].to_list() == [code]
    assert len(found["line"][0]) == 20
    last = frames["bars"].filter(pl.col("instrument") == code).sort("session").row(-1, named=True)
    assert found["close"][0] == pytest.approx(last["close"])


def test_index_lines_holds_the_benchmark_only(filled):
    lines = market_data.index_lines(filled, filled.versions(), market="DEMO", session=date(2025, 6, 30), sessions=30)
    assert lines["instrument"].unique().to_list() == [DEMO_BENCHMARK]
    assert lines.height == 30
    assert lines["session"].is_sorted()
    assert lines["session"][-1] == "2025-06-30"


def test_markets_last_session_is_that_of_the_stocks(filled, frames):
    later = frames["bars"].filter(pl.col("instrument") == DEMO_BENCHMARK).sort("session").tail(1)
    last = later["session"][0]
    ahead = later.with_columns(session=pl.lit(date(2026, 1, 5)), year=pl.lit(2026, dtype=pl.Int32))
    with filled.commit("later", 1) as transaction:
        transaction.upsert("bars", ahead)
    assert market_data.markets(filled, filled.versions())["last"].to_list() == [last]


def test_loaders_of_an_empty_lake_are_empty(lake):
    as_of = lake.versions()
    assert market_data.markets(lake, as_of).is_empty()
    assert market_data.moves(lake, as_of, market="US", session=date(2025, 1, 2)).is_empty()
    assert market_data.facets(lake, as_of) == {"market": [], "kind": [], "sector": []}


@pytest.mark.parametrize(
    ("row", "language", "name"),
    [
        ({"instrument": "A.US", "name_en": "Apple", "name_zh": "苹果"}, "zh", "苹果"),
        ({"instrument": "A.US", "name_en": "Apple", "name_zh": None}, "zh", "Apple"),
        ({"instrument": "A.US", "name_en": None, "name_zh": None}, "en", "A.US"),
    ],
)
def test_name_of_falls_back(row, language, name):
    assert market_data.name_of(row, language) == name
