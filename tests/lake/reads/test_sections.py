"""Cross-sections: one row per instrument, fields of any table beside each other."""

from datetime import date

import polars as pl
import pytest

from lake import Lake
from lake.tables import factor_table
from qbrain_core.errors import InvalidInputError, UnknownNameError

DAY, NEXT = date(2024, 1, 2), date(2024, 1, 3)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    keys = pl.DataFrame({"instrument": ["B.US", "A.US", "1.SH", "C.US"], "session": [DAY, DAY, DAY, NEXT]})
    bars = keys.with_row_index("n").select(
        "instrument", "session", close=pl.col("n") + 1.0, factor=2.0, halted=False, price_basis=pl.lit("raw")
    )
    spells = pl.DataFrame({"universe": "u", "instrument": ["A.US", "C.US"], "start": [date(2020, 1, 1)] * 2})
    with lake.commit("fill", 1) as tx:
        tx.upsert("bars", bars)
        tx.upsert("valuation", keys.head(1).with_columns(pe_ttm=12.0))
        tx.upsert(factor_table("tiny", "0" * 8, ("close",)), keys.head(2).with_columns(close=0.5))
        tx.upsert("universes", spells)
    return lake


def test_cross_section_puts_fields_of_tables_side_by_side(filled: Lake) -> None:
    fields = ["close", "pe_ttm", "tiny.close", "halted"]
    found = filled.cross_section(DAY, market="US", fields=fields)
    assert found.columns == ["instrument", *fields]
    assert found.rows() == [("A.US", 2.0, None, 0.5, False), ("B.US", 1.0, 12.0, 0.5, False)]


def test_cross_section_of_a_universe_or_names_has_a_row_for_each(filled: Lake) -> None:
    assert filled.cross_section(DAY, universe="u", fields=["close"]).rows() == [("A.US", 2.0), ("C.US", None)]
    named = filled.cross_section(DAY, instruments=["1.SH", "X.US"], fields=["close"])
    assert named.rows() == [("1.SH", 3.0), ("X.US", None)]


def test_cross_section_without_a_session_is_empty_and_typed(filled: Lake) -> None:
    found = filled.cross_section(date(2024, 1, 1), market="US", fields=["close", "pe_ttm"])
    assert found.is_empty()
    assert found.schema == {"instrument": pl.String, "close": pl.Float64, "pe_ttm": pl.Float64}


def test_cross_section_changes_with_any_of_its_tables(filled: Lake) -> None:
    before = filled.versions()
    assert filled.cross_section(DAY, market="US", fields=["pe_ttm"])["pe_ttm"].to_list() == [None, 12.0]
    more = pl.DataFrame({"instrument": ["A.US"], "session": [DAY], "pe_ttm": [8.0]})
    with filled.commit("v", 1) as tx:
        tx.upsert("valuation", more)
    assert filled.cross_section(DAY, market="US", fields=["pe_ttm"])["pe_ttm"].to_list() == [8.0, 12.0]
    old = filled.cross_section(DAY, market="US", fields=["pe_ttm"], as_of=before)
    assert old["pe_ttm"].to_list() == [None, 12.0]


def test_cross_section_refuses_unknown_fields_and_two_choices(filled: Lake) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'close'"):
        filled.cross_section(DAY, market="US", fields=["clsoe"])
    with pytest.raises(InvalidInputError, match="only one"):
        filled.cross_section(DAY, market="US", universe="u")
