"""Reports: when they became known, and which of them are only said again."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.rows import polars_schema
from lake.sources.company import dated_fundamentals, first_filings
from lake.tables import table
from qbrain_core.errors import InvalidInputError

NOTHING = pl.DataFrame(schema=polars_schema(table("fundamentals")))
END = date(2015, 3, 31)


def filings(*rows: tuple[date, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"row": range(1, len(rows) + 1), "instrument": ["A.US"] * len(rows), "item_set": ["quarterly"] * len(rows),
         "period_end": [END] * len(rows), "known_at": [d for d, _ in rows], "revenue": [r for _, r in rows]},
        schema_overrides={"row": pl.UInt32},
    )  # fmt: skip


def test_the_set_follows_from_the_period() -> None:
    rows = pl.DataFrame({"period_end": [END] * 3, "known_at": [END] * 3, "fiscal_period": ["Q1", "FY", None]})
    assert dated_fundamentals(rows, known_after_days=None)["item_set"].to_list() == ["quarterly", "annual", "quarterly"]


def test_without_a_filing_date_an_assumption_is_asked_for() -> None:
    rows = pl.DataFrame({"period_end": [END], "item_set": ["annual"]})
    with pytest.raises(InvalidInputError, match=r"known_after_days.*must not be used before"):
        dated_fundamentals(rows, known_after_days=None)
    assert dated_fundamentals(rows, known_after_days=90)["known_at"].to_list() == [date(2015, 6, 29)]


def test_what_the_figures_are_of_must_be_said() -> None:
    with pytest.raises(InvalidInputError, match="quarterly or annual"):
        dated_fundamentals(pl.DataFrame({"period_end": [END], "known_at": [END]}), known_after_days=None)


def test_the_same_figures_later_are_no_news() -> None:
    days = [date(2015, 5, d) for d in (7, 8, 9, 10)]
    kept, repeats = first_filings(filings((days[1], 1.0), (days[0], 1.0), (days[2], 2.0), (days[3], 2.0)), NOTHING)
    assert kept.select("known_at", "revenue").rows() == [(days[0], 1.0), (days[2], 2.0)]  # in the file's order
    assert repeats["row"].to_list() == [1, 4]


def test_an_amendment_taken_back_is_news() -> None:
    days = [date(2015, 5, d) for d in (7, 8, 9)]
    kept, repeats = first_filings(filings(*zip(days, (1.0, 2.0, 1.0), strict=True)), NOTHING)
    assert kept["revenue"].to_list() == [1.0, 2.0, 1.0]
    assert repeats.is_empty()


def test_a_batch_that_holds_the_old_and_the_new_brings_the_new() -> None:
    days = [date(2015, 5, d) for d in (7, 8)]
    kept, repeats = first_filings(filings((days[0], 1.0), (days[1], 1.0), (days[1], 2.0)), NOTHING)
    assert kept["row"].to_list() == [1, 3]
    assert repeats["row"].to_list() == [2]


def test_what_is_stored_is_no_news_either_and_itself_stays_itself() -> None:
    stored = pl.concat([NOTHING, filings((date(2015, 5, 7), 1.0)).drop("row")], how="diagonal")
    kept, repeats = first_filings(filings((date(2015, 5, 7), 1.0), (date(2015, 5, 8), 1.0)), stored)
    assert kept["row"].to_list() == [1]
    assert repeats["row"].to_list() == [2]


@pytest.mark.real
def test_every_filing_of_the_crawler_is_kept_once(real_data: Path) -> None:
    raw = pl.read_parquet(real_data / "us_fundamentals" / "us_quarterly_pit.parquet").with_row_index("row")
    rows = raw.select(
        "row", instrument="symbol", period_end="end_date", known_at="batch_date", fiscal_period="period_focus",
        amended="amend", form="doc_type", revenue="revenues", net_income="net_income", assets="assets",
        operating_income="op_income", eps="eps_basic", eps_diluted="eps_diluted", dividend_per_share="dividend",
        cash="cash", equity="equity", current_assets="cur_assets", current_liabilities="cur_liab",
        operating_cash_flow="cash_flow_op", investing_cash_flow="cash_flow_inv", financing_cash_flow="cash_flow_fin",
        fiscal_year="fiscal_year",
    )  # fmt: skip
    kept, repeats = first_filings(dated_fundamentals(rows, known_after_days=None), NOTHING)
    filings = raw.drop("row", "batch_date").unique().height
    assert filings <= kept.drop("row").unique().height < filings * 1.002  # but for figures that came back
    assert repeats.height == raw.height - kept.height > 30_000
