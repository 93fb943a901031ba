"""Instruments found by what people type, in the order they expect, fast."""

import time
from datetime import date

import polars as pl
import pytest

from lake import Lake

ROWS = [
    ("600519.SH", "600519", "stock", "Kweichow Moutai", "贵州茅台", "GZMT", "Staples"),
    ("000002.SZ", "000002", "stock", "China Vanke", "万科Ａ", "WKA", "Real Estate"),
    ("000300.SH", "000300", "index", "CSI 300", "沪深300", "HS300", None),
    ("A.US", "A", "stock", "Agilent Technologies", None, None, "Health Care"),
    ("AA.US", "AA", "stock", "Alcoa", None, None, "Materials"),
    ("AAPL.US", "AAPL", "stock", "Apple Inc.", None, None, "Technology"),
    ("BAC.US", "BAC", "stock", "Bank of America", None, None, "Financials"),
    ("BRK.B.US", "BRK.B", "stock", "Berkshire Hathaway", None, None, "Financials"),
    ("PNC.US", "PNC", "stock", "PNC Bank", None, None, "Financials"),
]


@pytest.fixture
def listed(lake: Lake) -> Lake:
    names = ["instrument", "ticker", "kind", "name_en", "name_zh", "pinyin", "sector"]
    frame = pl.DataFrame(ROWS, schema=names, orient="row").with_columns(currency=pl.lit("USD"), lot=1)
    with lake.commit("a", 1) as tx:
        tx.upsert("instruments", frame)
    return lake


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ["A.US", "AA.US", "AAPL.US"]),
        ("AAPL", ["AAPL.US"]),
        ("aapl.us", ["AAPL.US"]),
        ("600519", ["600519.SH"]),
        ("SH600519", ["600519.SH"]),
        ("茅台", ["600519.SH"]),
        ("贵州", ["600519.SH"]),
        ("gzmt", ["600519.SH"]),
        ("ＧＺ", ["600519.SH"]),
        ("万科a", ["000002.SZ"]),
        ("bank", ["BAC.US", "PNC.US"]),
        ("BANK  of america", ["BAC.US"]),
        ("brk-b", ["BRK.B.US"]),
        ("300", ["000300.SH"]),
        ("zzz", []),
        ("%", []),
        (".*", []),
    ],
)
def test_search_finds_in_order(listed: Lake, text: str, expected: list[str]) -> None:
    assert listed.search(text)["instrument"].to_list()[: len(expected) or None] == expected


def test_search_ranks_code_before_name_before_substring(listed: Lake) -> None:
    found = listed.search("a")["instrument"].to_list()
    assert found.index("A.US") < found.index("AA.US") < found.index("AAPL.US") < found.index("BAC.US")


def test_search_filters_and_limits(listed: Lake) -> None:
    assert listed.search("", limit=2).height == 2
    assert listed.search("", sector="Financials")["ticker"].to_list() == ["BAC", "BRK.B", "PNC"]
    assert listed.search("300", kind="index")["instrument"].to_list() == ["000300.SH"]
    assert set(listed.search("", market="CN")["market"]) == {"CN"}
    assert listed.search("a").columns == listed.instruments().columns


def test_search_sees_a_new_name_at_once(listed: Lake) -> None:
    assert listed.search("nvda").is_empty()
    new = pl.DataFrame({"instrument": ["NVDA.US"], "ticker": "NVDA", "kind": "stock", "currency": "USD", "lot": 1})
    with listed.commit("b", 1) as tx:
        tx.upsert("instruments", new.with_columns(listed=pl.lit(date(1999, 1, 22))))
    assert listed.search("nvda")["listed"].to_list() == [date(1999, 1, 22)]
    assert listed.search("nvda", as_of={"instruments": 1}).is_empty()


def test_search_over_15000_names_takes_milliseconds(lake: Lake) -> None:
    frame = pl.DataFrame({"n": range(15_000)}).select(
        instrument=pl.format("T{}.US", "n"), ticker=pl.format("T{}", "n"), kind=pl.lit("stock"),
        name_en=pl.format("Company number {} Incorporated", "n"), name_zh=pl.format("公司{}股份", "n"),
        pinyin=pl.format("GS{}GF", "n"), currency=pl.lit("USD"), lot=1,
    )  # fmt: skip
    with lake.commit("a", 1) as tx:
        tx.upsert("instruments", frame)
    assert lake.search("t14999")["instrument"].to_list() == ["T14999.US"]
    times = []
    for text in ("t1", "company number 77", "公司99", "gs12", "umber 5"):
        start = time.perf_counter()
        assert lake.search(text).height == 50 or text == "公司99"
        times.append(time.perf_counter() - start)
    assert sorted(times)[2] < 0.03, times
