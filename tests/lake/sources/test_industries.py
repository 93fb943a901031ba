"""Industries: snapshots become spells, and later ones close them."""

from datetime import date

import polars as pl
import pytest

from lake.rows import polars_schema
from lake.sources.industries import industry_rows
from lake.tables import table
from qbrain_core.errors import InvalidInputError

NOTHING = pl.DataFrame(schema=polars_schema(table("industries")))


def seen(*rows: tuple[str, str]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["instrument", "industry"], orient="row")
    return frame.with_columns(scheme=pl.lit("gics"), level=pl.lit(1, pl.Int32))


def spells(rows: pl.DataFrame) -> list[tuple[object, ...]]:
    return rows.select("instrument", "industry", "start", "end").rows()


def test_the_first_snapshot_opens_spells() -> None:
    rows = industry_rows(seen(("A.US", "Energy")), NOTHING, market="US", as_of=date(2017, 1, 1))
    assert spells(rows) == [("A.US", "Energy", date(2017, 1, 1), None)]
    assert rows["market"].to_list() == ["US"]


def test_the_same_class_goes_on_and_another_ends_it() -> None:
    known = industry_rows(seen(("A.US", "Energy"), ("B.US", "Tech")), NOTHING, market="US", as_of=date(2017, 1, 1))
    later = industry_rows(seen(("A.US", "Energy"), ("B.US", "Media")), known, market="US", as_of=date(2026, 8, 1))
    assert spells(later) == [
        ("A.US", "Energy", date(2017, 1, 1), None), ("B.US", "Tech", date(2017, 1, 1), date(2026, 7, 31)),
        ("B.US", "Media", date(2026, 8, 1), None),
    ]  # fmt: skip


def test_an_older_snapshot_goes_before() -> None:
    known = industry_rows(seen(("B.US", "Media")), NOTHING, market="US", as_of=date(2026, 8, 1))
    earlier = industry_rows(seen(("B.US", "Tech")), known, market="US", as_of=date(2017, 1, 1))
    assert [row[1:] for row in spells(earlier)] == [
        ("Tech", date(2017, 1, 1), date(2026, 7, 31)), ("Media", date(2026, 8, 1), None),
    ]  # fmt: skip


def test_spells_are_taken_as_they_are_and_silence_is_refused() -> None:
    given = seen(("A.US", "Energy")).with_columns(start=date(2000, 1, 1), end=date(2001, 1, 1), code=pl.lit("10"))
    assert spells(industry_rows(given, NOTHING, market="US", as_of=None)) == [
        ("A.US", "Energy", date(2000, 1, 1), date(2001, 1, 1))
    ]
    with pytest.raises(InvalidInputError, match="the day that the file describes"):
        industry_rows(seen(("A.US", "Energy")), NOTHING, market="US", as_of=None)
