"""Typed reads of markets: the right rows, in the stated order, typed also when empty."""

from datetime import date

import polars as pl
import pytest

from lake import Lake
from lake.tables import TABLES, factor_table
from qbrain_core.errors import InvalidInputError, UnknownNameError

SESSIONS = [date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)]


@pytest.fixture
def filled(lake: Lake) -> Lake:
    keys = pl.DataFrame({"instrument": ["B.US", "A.US", "1.SH"]}).join(pl.DataFrame({"session": SESSIONS}), how="cross")
    bars = keys.with_row_index("n").select(
        "instrument", "session", close=pl.col("n") + 1.0, factor=1.0, halted=False, price_basis=pl.lit("raw")
    )
    with lake.commit("fill", 1) as tx:
        tx.upsert("bars", bars)
        tx.upsert(factor_table("tiny", "0" * 8, ("x", "y")), keys.with_columns(x=1.0, y=None))
    return lake


def test_bars_are_sorted_and_whole(filled: Lake) -> None:
    bars = filled.bars()
    assert bars.columns == TABLES["bars"].schema.names
    assert bars.height == 12
    assert bars.select("instrument", "session").equals(bars.select("instrument", "session").sort(pl.all()))


def test_bars_take_market_instruments_range_and_columns(filled: Lake) -> None:
    assert set(filled.bars(market="CN")["instrument"]) == {"1.SH"}
    got = filled.bars(instruments=["B.US", "1.SH"], start=SESSIONS[1], end=SESSIONS[2], columns=["close"])
    assert got.rows() == [
        ("1.SH", SESSIONS[1], 10.0),
        ("1.SH", SESSIONS[2], 11.0),
        ("B.US", SESSIONS[1], 2.0),
        ("B.US", SESSIONS[2], 3.0),
    ]
    assert filled.bars(market="CN", instruments=["A.US"]).is_empty()
    assert filled.bars(columns=["session", "close", "close"]).columns == ["instrument", "session", "close"]


@pytest.mark.parametrize("instruments", [[], ["NONE.US"], ["odd"]])
def test_bars_of_nothing_are_typed_and_empty(filled: Lake, instruments: list[str]) -> None:
    bars = filled.bars(instruments=instruments)
    assert bars.is_empty()
    assert bars.schema == filled.bars().schema


def test_bars_refuse_a_bare_name_and_an_unknown_column(filled: Lake) -> None:
    with pytest.raises(InvalidInputError, match="list of instrument ids"):
        filled.bars(instruments="A.US")
    with pytest.raises(UnknownNameError, match="did you mean 'close'"):
        filled.bars(columns=["clsoe"])


def test_bars_open_only_files_that_can_hold_rows(filled: Lake, settings: object) -> None:
    doomed = [f.path for f in filled.snapshot("bars").files if f.partition["year"] == 2023]
    filled.catalog.storage.discard("bars", doomed)
    assert filled.bars(start=date(2024, 1, 1)).height == 6


def test_sessions_are_those_of_the_market(filled: Lake) -> None:
    assert filled.sessions("US") == SESSIONS
    assert filled.sessions("US", start=SESSIONS[1], end=SESSIONS[2]) == SESSIONS[1:3]
    assert filled.sessions("HK") == []


def test_factors_by_set_or_table(filled: Lake) -> None:
    assert filled.factor_sets() == ["factors/tiny-00000000"]
    assert filled.factor_sets(as_of="2000-01-01") == []
    got = filled.factors("tiny", market="US", start=SESSIONS[3], columns=["x"])
    assert got.rows() == [("A.US", SESSIONS[3], 1.0), ("B.US", SESSIONS[3], 1.0)]
    assert got["x"].dtype == pl.Float32
    assert filled.factors("factors/tiny-00000000")["y"].null_count() == 12


def test_bars_are_adjusted_on_reading(lake: Lake) -> None:
    rows = [("A.US", SESSIONS[0], 10.0, 1.0), ("A.US", SESSIONS[1], 5.0, 2.0), ("A.US", SESSIONS[2], 6.0, 2.0)]
    frame = pl.DataFrame(rows, schema=["instrument", "session", "close", "factor"], orient="row")
    with lake.commit("a", 1) as tx:
        tx.upsert("bars", frame.with_columns(volume=3.0, halted=False, price_basis=pl.lit("raw")))
    assert lake.bars(columns=["close"], adjust="backward")["close"].to_list() == [10, 10, 12]
    assert lake.bars(columns=["close"], adjust="forward")["close"].to_list() == [5, 5, 6]
    assert lake.bars(columns=["close"], adjust="forward", end=SESSIONS[0])["close"].to_list() == [10]
    assert lake.bars(columns=["close"], adjust="forward").columns == ["instrument", "session", "close"]
    assert lake.bars(columns=["close", "factor"], adjust="forward")["factor"].to_list() == [1, 2, 2]
    assert lake.bars(adjust="backward")["volume"].to_list() == [3, 3, 3]
    with pytest.raises(InvalidInputError, match="none, forward, backward"):
        lake.bars(adjust="sideways")


def test_valuation_is_read_like_bars(lake: Lake) -> None:
    frame = pl.DataFrame({"instrument": ["B.US", "A.US"], "session": SESSIONS[:2], "pe_ttm": [1.0, 2.0]})
    with lake.commit("a", 1) as tx:
        tx.upsert("valuation", frame)
    assert lake.valuation(columns=["pe_ttm"]).rows() == [("A.US", SESSIONS[1], 2.0), ("B.US", SESSIONS[0], 1.0)]
    assert lake.valuation(market="CN").is_empty()


def test_sessions_are_remembered_until_there_is_a_new_one(filled: Lake) -> None:
    assert filled.sessions("US") == SESSIONS
    new = date(2024, 1, 4)
    row = {"instrument": "A.US", "session": new, "close": 1.0, "factor": 1.0, "halted": False, "price_basis": "raw"}
    with filled.commit("day", 1) as tx:
        tx.upsert("bars", pl.DataFrame([row]))
    assert filled.sessions("US") == [*SESSIONS, new]
    assert filled.sessions("US", as_of={"bars": 1}) == SESSIONS
