"""Instruments found by what people type, in the order they expect, fast."""

from datetime import date

import polars as pl
import pytest

from lake import Lake
from lake.search import rank, searchable

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


COLUMNS = ["instrument", "ticker", "kind", "name_en", "name_zh", "pinyin", "sector"]
LISTED = pl.DataFrame(ROWS, schema=COLUMNS, orient="row").with_columns(currency=pl.lit("USD"), lot=1)
PREPARED = searchable(LISTED)


@pytest.fixture
def listed(lake: Lake) -> Lake:
    with lake.commit("a", 1) as tx:
        tx.upsert("instruments", LISTED)
    return lake


def found(text: str) -> list[str]:
    return rank(PREPARED, text, limit=50)["instrument"].to_list()


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
        ("maotai", ["600519.SH"]),
        ("guizhou mao", ["600519.SH"]),
        ("ouzhou", []),
    ],
)
def test_search_finds_in_order(text: str, expected: list[str]) -> None:
    assert found(text)[: len(expected) or None] == expected


def test_search_ranks_code_before_name_before_substring() -> None:
    order = found("a")
    assert order.index("A.US") < order.index("AA.US") < order.index("AAPL.US") < order.index("BAC.US")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("berkshier", "BRK.B.US"),  # swapped
        ("agilant tech", "A.US"),  # wrong
        ("bank of amrica", "BAC.US"),  # missing
        ("moutaii", "600519.SH"),  # too many
        ("aalp", "AAPL.US"),
        ("600591", "600519.SH"),
        ("sh60519", "600519.SH"),
        ("贵州矛台", "600519.SH"),
        ("州茅抬", "600519.SH"),
        ("mootai", "600519.SH"),
    ],
)
def test_search_forgives_one_slip(text: str, expected: str) -> None:
    assert found(text) == [expected]


@pytest.mark.parametrize("text", ["bekrshier", "aap+", "矛台", "aplx", "(((([", "a" * 65])
def test_search_forgives_no_more_than_one_slip(text: str) -> None:
    assert found(text) == (["AAPL.US"] if text == "aap+" else [])


def test_search_puts_slips_last_and_swapped_neighbours_first_among_them() -> None:
    codes = ["600915A", "600955", "600195", "600951"]
    texts = pl.lit(None, pl.String)
    names = pl.DataFrame({"ticker": codes}).with_columns(name_en=texts, name_zh=texts, pinyin=texts)
    prepared = searchable(names.with_columns(instrument=pl.col("ticker") + ".SH"))
    assert rank(prepared, "600915", limit=9)["ticker"].to_list() == ["600915A", "600195", "600951", "600955"]
    assert rank(prepared, "600951", limit=9)["ticker"].to_list() == ["600951"], "an exact code holds no slip"


def test_search_takes_an_exact_name_at_its_word() -> None:
    names = pl.DataFrame({"ticker": ["600001", "600002", "600003"], "name_zh": ["金恒科技", "金恒科学", "新金恒科技"]})
    texts = pl.lit(None, pl.String)
    prepared = searchable(names.with_columns(name_en=texts, pinyin=texts, instrument=pl.col("ticker") + ".SH"))
    assert rank(prepared, "金恒科技", limit=9)["ticker"].to_list() == ["600001", "600003"]
    assert rank(prepared, "金恒科", limit=9)["ticker"].to_list() == ["600001", "600002", "600003"]


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


def test_search_over_15000_names_gives_the_first_fifty(lake: Lake) -> None:
    frame = pl.DataFrame({"n": range(15_000)}).select(
        instrument=pl.format("T{}.US", "n"), ticker=pl.format("T{}", "n"), kind=pl.lit("stock"),
        name_en=pl.format("Company number {} Incorporated", "n"), name_zh=pl.format("公司{}股份", "n"),
        pinyin=pl.format("GS{}GF", "n"), currency=pl.lit("USD"), lot=1,
    )  # fmt: skip
    with lake.commit("a", 1) as tx:
        tx.upsert("instruments", frame)
    assert lake.search("t14999")["instrument"].to_list() == ["T14999.US"]
    for text in ("t1", "company number 77", "gs12", "umber 5", "compayn number 7"):
        assert lake.search(text).height == 50
    assert set(lake.search("公司99")["name_zh"]) >= {"公司99股份", "公司990股份"}
