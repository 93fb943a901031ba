"""Typed reads: the right rows, in the stated order, typed also when empty."""

from datetime import date
from pathlib import Path

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
    doomed = [f.uri for f in filled.snapshot("bars").files if f.partition["year"] == 2023]
    for uri in doomed:
        Path(uri).write_bytes(b"")
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


def test_instrument_is_a_dict_or_none(lake: Lake) -> None:
    row = {"instrument": "A.US", "ticker": "A", "kind": "stock", "currency": "USD", "lot": 1, "name_en": "Agilent"}
    with lake.commit("a", 1) as tx:
        tx.upsert("instruments", pl.DataFrame([row]))
    found = lake.instrument("A.US")
    assert found is not None
    assert list(found) == TABLES["instruments"].schema.names
    assert found["name_en"] == "Agilent"
    assert lake.instrument("B.US") is None
    assert lake.instruments(market="US", kind="stock").height == 1
    assert lake.instruments(kind="index").is_empty()


def test_members_follow_spells_inclusive(lake: Lake) -> None:
    spells = [("u", "A.US", date(2024, 1, 1), date(2024, 1, 31)), ("u", "A.US", date(2024, 3, 1), None),
              ("u", "B.US", date(2024, 2, 1), None), ("v", "C.US", date(2024, 1, 1), None)]  # fmt: skip
    schema = ["universe", "instrument", "start", "end"]
    with lake.commit("a", 1) as tx:
        tx.upsert("universes", pl.DataFrame(spells, schema=schema, orient="row"))
    assert lake.universe("u").height == 3
    assert lake.members("u", date(2024, 1, 31)) == ["A.US"]
    assert lake.members("u", date(2024, 2, 1)) == ["B.US"]
    assert lake.members("u", date(2024, 3, 1)) == ["A.US", "B.US"]
    assert lake.members("none", date(2024, 3, 1)) == []


def test_fundamentals_know_only_what_was_published(lake: Lake) -> None:
    filings = [
        ("A.US", date(2023, 12, 31), date(2024, 2, 10), 1.0),
        ("A.US", date(2023, 12, 31), date(2025, 1, 5), 1.1),
        ("A.US", date(2024, 3, 31), date(2024, 5, 1), 2.0),
    ]
    frame = pl.DataFrame(filings, schema=["instrument", "period_end", "known_at", "eps"], orient="row")
    with lake.commit("a", 1) as tx:
        tx.upsert("fundamentals", frame.with_columns(item_set=pl.lit("quarterly")))
    assert lake.fundamentals("A.US")["eps"].to_list() == [1.0, 1.1, 2.0]
    assert lake.fundamentals("A.US", known_at=date(2024, 2, 9)).is_empty()
    assert lake.fundamentals("A.US", known_at=date(2024, 5, 1))["eps"].to_list() == [1.0, 2.0]
    assert lake.fundamentals("A.US", known_at=date(2025, 1, 5))["eps"].to_list() == [1.1, 2.0]
