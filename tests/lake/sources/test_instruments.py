"""Instruments: names by script, initials, and nothing known forgotten."""

from datetime import date

import polars as pl

from lake.rows import polars_schema
from lake.sources.instruments import instrument_rows, with_instruments
from lake.tables import TABLES
from qbrain_core.markets import MARKETS

NOTHING = pl.DataFrame(schema=polars_schema(TABLES["instruments"]))


def test_symbols_are_translated_and_strangers_become_null() -> None:
    frame = with_instruments(pl.DataFrame({"instrument": ["sh.600519", "SZ000001", "AAPL", None]}), MARKETS["CN"])
    assert frame["instrument"].to_list() == ["600519.SH", "000001.SZ", None, None]
    assert frame["symbol"].to_list() == ["sh.600519", "SZ000001", "AAPL", None]


def test_names_go_where_their_script_belongs() -> None:
    rows = pl.DataFrame({"instrument": ["000002.SZ", "600519.SH"], "name": ["万科Ａ", "Kweichow Moutai"]})
    made = instrument_rows(rows, NOTHING, MARKETS["CN"], kind="stock", currency="CNY")
    assert made.select("name_zh", "name_en", "pinyin", "exchange", "lot").rows() == [
        ("万科Ａ", None, "WKA", "XSHE", 100),
        (None, "Kweichow Moutai", None, "XSHG", 100),
    ]
    assert made.columns == TABLES["instruments"].schema.names


def test_what_is_known_stays_where_the_file_is_silent() -> None:
    told = {"instrument": ["A.US"], "name": ["Agilent"], "sector": ["Health Care"], "listed": [date(1999, 11, 18)]}
    first = instrument_rows(pl.DataFrame(told), NOTHING, MARKETS["US"], kind="stock", currency="USD")
    silent = pl.DataFrame(
        {"instrument": ["A.US"], "sector": [None], "industry": ["Life Sciences"]},
        schema_overrides={"sector": pl.String},
    )
    second = instrument_rows(silent, first, MARKETS["US"], kind="stock", currency="USD")
    assert second.row(0, named=True) | {"industry": None} == first.row(0, named=True)
    assert second["industry"].to_list() == ["Life Sciences"]
    replaced = instrument_rows(
        pl.DataFrame({"instrument": ["A.US"], "name": ["New"]}), first, MARKETS["US"], kind="stock", currency="USD"
    )
    assert replaced["name_en"].to_list() == ["New"]


def test_kinds_of_the_file_win_and_indices_have_no_lot() -> None:
    rows = pl.DataFrame({"instrument": ["SPY.US", "A.US"], "kind": ["etf", None]})
    assert instrument_rows(rows, NOTHING, MARKETS["US"], kind="stock", currency="USD")["kind"].to_list() == [
        "etf",
        "stock",
    ]
    index = instrument_rows(
        pl.DataFrame({"instrument": ["000300.SH"]}), NOTHING, MARKETS["CN"], kind="index", currency="CNY"
    )
    assert index.select("kind", "lot").rows() == [("index", 1)]
