"""Typed reads of companies: the right rows, in the stated order, typed also when empty."""

from datetime import date

import polars as pl
import pytest

from lake import Lake
from qbrain_core.errors import InvalidInputError


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


@pytest.fixture
def reported(lake: Lake) -> Lake:
    filings = [
        ("A.US", "quarterly", date(2023, 12, 31), date(2024, 2, 10), 1.0),
        ("A.US", "quarterly", date(2024, 3, 31), date(2024, 5, 1), 2.0),
        ("A.US", "quarterly", date(2024, 3, 31), date(2024, 6, 1), 2.2),  # restated
        ("A.US", "quarterly", date(2023, 12, 31), date(2024, 6, 15), 1.1),  # an older period, restated later
        ("A.US", "annual", date(2023, 12, 31), date(2024, 3, 1), 9.0),
        ("1.SH", "quarterly", date(2024, 3, 31), date(2024, 4, 30), 5.0),
        ("B.US", "quarterly", date(2024, 3, 31), date(2025, 1, 1), 7.0),
    ]
    schema = ["instrument", "item_set", "period_end", "known_at", "eps"]
    with lake.commit("a", 1) as tx:
        tx.upsert("fundamentals", pl.DataFrame(filings, schema=schema, orient="row"))
    return lake


@pytest.mark.parametrize(
    ("day", "eps"),
    [
        (date(2024, 2, 9), {}),
        (date(2024, 2, 10), {"A.US": 1.0}),
        (date(2024, 5, 31), {"1.SH": 5.0, "A.US": 2.0}),
        (date(2024, 6, 1), {"1.SH": 5.0, "A.US": 2.2}),
        (date(2024, 7, 1), {"1.SH": 5.0, "A.US": 2.2}),
        (date(2025, 1, 1), {"1.SH": 5.0, "A.US": 2.2, "B.US": 7.0}),
    ],
)
def test_fundamentals_known_are_the_newest_period_of_each_as_filed_until_then(
    reported: Lake, day: date, eps: dict[str, float]
) -> None:
    known = reported.fundamentals_known(day)
    assert dict(known.select("instrument", "eps").iter_rows()) == eps
    assert known["instrument"].is_sorted()
    assert known.filter(pl.col("known_at") > day).is_empty()


def test_fundamentals_known_take_market_instruments_and_item_set(reported: Lake) -> None:
    day = date(2025, 6, 1)
    assert reported.fundamentals_known(day, market="CN")["instrument"].to_list() == ["1.SH"]
    assert reported.fundamentals_known(day, instruments=["B.US", "NONE.US"])["eps"].to_list() == [7.0]
    assert reported.fundamentals_known(day, item_set="annual")["eps"].to_list() == [9.0]
    assert reported.fundamentals_known(day, instruments=[]).schema == reported.fundamentals("A.US").schema
    with pytest.raises(InvalidInputError, match="list of instrument ids"):
        reported.fundamentals_known(day, instruments="A.US")
