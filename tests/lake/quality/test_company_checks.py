"""Checks of universes, fundamentals, names and symbols: each finds its case and is silent beside it."""

from datetime import date

import polars as pl
import pytest
from check_case import assert_finds

from lake.quality import CHECKS, SUBJECTS, Surroundings
from qbrain_core.markets import MARKETS

US = MARKETS["US"]
DAY = date(2024, 1, 2)


def spells(*rows: tuple[str, date | None, date | None], universe: str = "u") -> pl.DataFrame:
    schema = {"instrument": pl.String, "start": pl.Date, "end": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(universe=pl.lit(universe))


def members(n: int, until: date | None = None, universe: str = "top20") -> pl.DataFrame:
    return spells(*[(f"N{i:03}.US", DAY, until) for i in range(n)], universe=universe)


def spans(*names: str, last: date = date(2024, 6, 28)) -> pl.DataFrame:
    return pl.DataFrame({"instrument": names, "first": DAY, "last": last})


def filing(**change: object) -> dict[str, object]:
    return {
        "instrument": "A.US", "item_set": "quarterly", "period_end": date(2024, 3, 31), "known_at": date(2024, 5, 2),
        "fiscal_period": "Q1", "fiscal_year": 2024, "form": "10-Q", "amended": False, "assets": 5e9, "cash": 1e9,
        "revenue": 1e9, "operating_cash_flow": 1e8, "operating_income": 1e8,
    } | change  # fmt: skip


def filings(*changes: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([filing(**c) for c in changes])


def year(*flows: float) -> pl.DataFrame:
    ends = (date(2024, 3, 31), date(2024, 6, 30), date(2024, 9, 30))
    return filings(
        *({"period_end": e, "known_at": e.replace(month=e.month + 2, day=2), "fiscal_period": f"Q{i + 1}",
           "operating_cash_flow": flow} for i, (e, flow) in enumerate(zip(ends, flows, strict=True)))
    )  # fmt: skip


def names(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["instrument", "name_zh", "industry"], orient="row")
    return frame.with_columns(kind=pl.lit("stock"), listed=pl.lit(DAY), delisted=pl.lit(None, pl.Date))


def symbols(*rows: tuple[str, str, date, date | None]) -> pl.DataFrame:
    schema = {"symbol": pl.String, "instrument": pl.String, "start": pl.Date, "end": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(market=pl.lit("US"))


def closes(*rows: tuple[date, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["session", "close"], orient="row").with_columns(instrument=pl.lit("FB.US"))


LATER = filings({}, {"known_at": date(2024, 5, 3)})
ENDED = pl.concat([spans(*[f"N{i:03}.US" for i in range(10, 30)]), spans("N030.US", last=date(2024, 2, 1))])
EIGHT = [f"60000{i}.SH" for i in range(8)]
CASES: dict[str, tuple[pl.DataFrame, pl.DataFrame, int, Surroundings]] = {
    "null_date": (spells(("A.US", None, None)), spells(("A.US", DAY, None)), 1, Surroundings(US)),
    "end_before_start": (spells(("A.US", DAY, date(2023, 1, 1))), spells(("A.US", DAY, DAY)), 1, Surroundings(US)),
    "membership_overlap": (
        spells(("A.US", DAY, None), ("A.US", date(2024, 2, 1), None)),
        spells(("A.US", DAY, date(2024, 1, 31)), ("A.US", date(2024, 2, 1), None), ("B.US", DAY, None)), 1,
        Surroundings(US),
    ),
    "membership_count": (members(18), members(20), 1, Surroundings(US)),
    "no_prices": (
        members(20), members(20).tail(10), 10,
        Surroundings(US).with_tables({"bar_spans": spans(*[f"N{i:03}.US" for i in range(10, 30)])}),
    ),
    "survivorship": (
        members(40), members(40).slice(10, 20), 20,
        Surroundings(US).with_tables({"bar_spans": spans(*[f"N{i:03}.US" for i in range(10, 30)])}),
    ),
    "null_period": (filings({"period_end": None}, {}), filings({}), 1, Surroundings(US)),
    "null_known_at": (filings({"known_at": None}, {}), filings({}), 1, Surroundings(US)),
    "known_before_period_end": (filings({"known_at": DAY}), filings({}), 1, Surroundings(US)),
    "assumed_known_at": (
        filings(*[{"instrument": f"{i}.US", "known_at": date(2024, 6, 29)} for i in range(20)]),
        filings(*[{"instrument": f"{i}.US", "known_at": date(2024, 6, 1 + i)} for i in range(20)]), 20,
        Surroundings(US),
    ),
    "repeated_filing": (LATER, filings({}, {"known_at": date(2024, 5, 3), "revenue": 2e9}), 1, Surroundings(US)),
    "amended_filing": (filings({"amended": True}), filings({}), 1, Surroundings(US)),
    "full_year_row": (filings({"fiscal_period": "FY", "form": "10-K"}), filings({}), 1, Surroundings(US)),
    "form_period_mismatch": (
        filings({"fiscal_period": "FY"}, {"form": "10-K"}), filings({}, {"form": "10-K", "fiscal_period": "FY"}), 2,
        Surroundings(US),
    ),
    "missing_period": (year(1.0, 1.0, 1.0).filter(pl.col("fiscal_period") != "Q2"), year(1.0, 1.0, 1.0), 1,
        Surroundings(US)),
    "year_to_date_flow": (year(1e8, 2.1e8, 3.2e8), year(1e8, 1.1e8, 0.9e8), 1, Surroundings(US)),
    "null_figures": (
        filings({"operating_income": None}, {}, {}), filings({}, {}), 1, Surroundings(US),
    ),
    "no_ratio": (
        pl.DataFrame({"instrument": "A.US", "session": [DAY, DAY, DAY], "pb": [1.0, None, 1.0]}),
        pl.DataFrame({"instrument": "A.US", "session": [DAY, DAY, DAY], "pb": [1.0, 1.1, 1.0]}), 1, Surroundings(US),
    ),
    "unit_jump": (
        filings({}, {"period_end": date(2024, 6, 30), "assets": 5.1e12}), filings({}, {"assets": 7e9}), 1,
        Surroundings(US),
    ),
    "balance_contradiction": (filings({"cash": 6e9}), filings({}), 1, Surroundings(US)),
    "unknown_kind": (
        names(("A.US", "A", "x")).with_columns(kind=pl.lit("fund")), names(("A.US", "A", "x")), 1, Surroundings(US),
    ),
    "delisted_before_listed": (
        names(("A.US", "A", "x")).with_columns(delisted=pl.lit(date(2020, 1, 1))),
        names(("A.US", "A", "x")).with_columns(delisted=pl.lit(date(2025, 1, 1))), 1, Surroundings(US),
    ),
    "full_width_name": (names(("000002.SZ", "万科Ａ", "x")), names(("000002.SZ", "万科A", "x")), 1, Surroundings(US)),
    "st_name": (names(("000004.SZ", "*ST国华", "x")), names(("000001.SZ", "平安银行", "x")), 1, Surroundings(US)),
    "no_industry": (
        names(*[(n, n, "银行") for n in EIGHT], ("1.SH", "一", None)), names(*[(n, n, "银行") for n in EIGHT]), 1,
        Surroundings(US),
    ),
    "instrument_without_bars": (
        names(("A.US", "A", "x"), ("B.US", "B", "x")), names(("A.US", "A", "x")), 1,
        Surroundings(US).with_tables({"bar_spans": spans("A.US")}),
    ),
    "same_name": (
        names(("A.US", "x", "x"), ("B.US", "x", "x")), names(("A.US", "x", "x"), ("B.US", "y", "x")), 2,
        Surroundings(US),
    ),
    "symbol_reuse": (
        closes((date(2003, 3, 28), 33.0), (date(2012, 5, 18), 38.0)), closes((date(2004, 11, 29), 39.0), (date(2011, 3,
        23), 57.0)), 1,
        Surroundings(US),
    ),
    "reused_symbol": (
        symbols(("FB", "FB.1.US", date(1999, 9, 29), date(2003, 3, 28)), ("FB", "FB.US", date(2012, 5, 18), None)),
        symbols(("A", "A.US", DAY, None), ("B", "B.US", DAY, None)), 2, Surroundings(US),
    ),
    "symbol_overlap": (
        symbols(("A", "A.US", DAY, None), ("A", "B.US", date(2024, 2, 1), None)),
        symbols(("A", "A.US", DAY, date(2024, 1, 31)), ("A", "B.US", date(2024, 2, 1), None)), 1, Surroundings(US),
    ),
    "renamed_symbol": (
        symbols(("UW", "WM.US", date(1998, 1, 2), DAY), ("WM", "WM.US", date(2024, 1, 3), None)),
        symbols(("WM", "WM.US", DAY, None)), 2, Surroundings(US),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_check_finds_its_case_and_nothing_beside_it(name: str) -> None:
    assert_finds(name, *CASES[name])


def test_every_check_of_companies_has_a_case() -> None:
    subjects = ("membership", "fundamentals", "reference")
    assert set(CASES) == {c.name for subject in subjects for c in SUBJECTS[subject]}


def test_casualties_with_prices_are_no_survivorship() -> None:
    around = Surroundings(US).with_tables({"bar_spans": ENDED})
    assert CHECKS["survivorship"].find(members(40), around).is_empty()


def test_counts_of_snapshots_are_judged_by_the_commonest() -> None:
    seen = pl.DataFrame(
        {
            "instrument": [f"{i}.US" for i in range(10)] * 3,
            "as_of": [date(2024, m, 1) for m in (1, 2, 3) for _ in range(10)],
        }
    )
    assert CHECKS["membership_count"].find(seen, Surroundings(US)).is_empty()
    found = CHECKS["membership_count"].find(seen.head(28), Surroundings(US))
    assert found["members"].to_list() == [8]
