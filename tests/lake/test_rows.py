"""A frame that fits is cast; one that does not is refused in one sentence."""

from datetime import date, datetime

import polars as pl
import pytest

from lake.rows import conform, polars_schema
from lake.tables import TABLES
from qbrain_core.errors import InvalidInputError

BARS = TABLES["bars"]


def good() -> pl.DataFrame:
    return pl.DataFrame({"instrument": ["600519.SH", "BRK.B.US"], "session": [date(2024, 1, 2)] * 2}).with_columns(
        close=1.5, volume=100, factor=1.0, halted=False, price_basis=pl.lit("raw")
    )


def test_frame_is_cast_ordered_and_completed() -> None:
    rows = conform(good().select(pl.all().shuffle(1)).with_columns(high=float("nan")), BARS)
    assert rows.schema == polars_schema(BARS)
    assert set(rows["market"]) == {"CN", "US"}
    assert rows["year"].to_list() == [2024, 2024]
    assert rows["high"].null_count() == 2, "NaN becomes null"
    assert rows["open"].null_count() == 2, "a column that may be null may be left out"


def test_midnights_are_dates() -> None:
    rows = conform(good().with_columns(session=pl.lit(datetime(2024, 1, 2))), BARS)
    assert (rows["session"].to_list(), rows["year"].to_list()) == ([date(2024, 1, 2)] * 2, [2024, 2024])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clsoe": pl.lit(1.0)}, "did you mean 'close'"),
        ({"close": pl.lit("n/a")}, "bars.close .* cannot be read as Float64"),
        ({"session": pl.lit("yesterday")}, "bars.session"),
        ({"session": pl.lit(datetime(2024, 1, 2, 15))}, "not every value is a whole Date"),
        ({"year": pl.lit(2024.5)}, "not every value is a whole Int32"),
        ({"halted": pl.lit(None, dtype=pl.Boolean)}, "bars.halted is None, but 2 of 2 rows have none"),
        ({"instrument": pl.lit("A.XX")}, "bars.market is None, but 2 of 2"),
        ({"instrument": pl.lit("A.US")}, r"'A.US'.* 2 rows share a key \(instrument, session\)"),
    ],
)
def test_frame_that_breaks_a_rule_is_refused(change: dict[str, pl.Expr], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        conform(good().with_columns(**change), BARS)


def test_missing_required_column_is_refused_with_its_meaning() -> None:
    with pytest.raises(InvalidInputError, match=r"bars.factor is None, but it is required: Cumulative adjustment"):
        conform(good().drop("factor"), BARS)


def test_empty_frame_is_typed() -> None:
    rows = conform(pl.DataFrame(schema=polars_schema(BARS)).drop("year", "market"), BARS)
    assert (rows.height, rows.schema) == (0, polars_schema(BARS))
