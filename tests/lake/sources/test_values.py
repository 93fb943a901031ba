"""Values as sources write them, and what is none."""

from datetime import datetime

import polars as pl
import pytest

from lake.sources.values import Conversion, may_fail, typed

NOW = datetime(2024, 1, 2, 14, 31)


def value(given: object, wanted: pl.DataType, *, name: str = "x", how: Conversion = Conversion()) -> object:  # noqa: B008
    frame = pl.DataFrame({"theirs": [given]})
    return frame.select(typed(name, "theirs", wanted, frame.schema, how)).item()


@pytest.mark.parametrize(
    "text", ["2024-01-02 14:31:00", "2024-01-02T14:31:00.000", "20240102 14:31", "01/02/2024 14:31",
             "2024-01-02 14:31:00.000000", "2024-01-02T14:31:00Z", "2024-01-02 15:31:00+01:00"]
)  # fmt: skip
def test_instants_in_their_usual_forms(text: str) -> None:
    assert value(text, pl.Datetime("us")) == NOW


@pytest.mark.parametrize(("unit", "number"), [("s", 1704205860), ("ms", 1704205860000), ("us", 1704205860000000)])
def test_instants_since_1970(unit: str, number: int) -> None:
    assert value(number, pl.Datetime("us"), how=Conversion(unit=unit)) == NOW
    assert value(str(number), pl.Datetime("us"), how=Conversion(unit=unit)) == NOW


def test_clocks_of_a_zone() -> None:
    new_york = Conversion(zone="America/New_York")
    assert value("2024-01-02 09:31:00", pl.Datetime("us"), how=new_york) == NOW
    assert value(datetime(2024, 7, 2, 10, 31), pl.Datetime("us"), how=new_york) == datetime(2024, 7, 2, 14, 31)
    # the hour that the clock skips in March was never shown; of the one it shows twice in November the first is meant
    assert value("2024-03-10 02:30:00", pl.Datetime("us"), how=new_york) is None
    assert value("2024-11-03 01:30:00", pl.Datetime("us"), how=new_york) == datetime(2024, 11, 3, 5, 30)
    # a time that names its zone is left alone by the other
    assert value("2024-01-02 15:31:00+01:00", pl.Datetime("us"), how=new_york) == NOW


def test_scaled_prices_are_the_nearest_doubles() -> None:
    how = Conversion({"price": 0.0001, "turnover": 0.01, "rate": 2.5})
    assert [value(n, pl.Float64(), name="close", how=how) for n in (549000, "6455700", 1)] == [54.9, 645.57, 0.0001]
    assert value(7, pl.Float64(), name="volume", how=how) == 7
    assert value(0.1837, pl.Float64(), name="turnover", how=how) == 0.1837 / 100
    assert value(2, pl.Float64(), name="rate", how=how) == 5
    assert value(None, pl.Float64(), name="close", how=how) is None


def test_what_is_no_value_is_null() -> None:
    assert value("abc", pl.Float64()) is None
    assert value(float("inf"), pl.Float64()) is None
    assert value("2024-13-45", pl.Date()) is None
    assert value("maybe", pl.Boolean()) is None
    assert value("3.0", pl.Int32()) == 3
    assert value(" x ", pl.String()) == "x"


def test_where_a_value_can_be_there_and_unreadable() -> None:
    assert may_fail(pl.String(), pl.Float64())
    assert may_fail(pl.String(), pl.Date())
    assert not may_fail(pl.Float32(), pl.Float64())
    assert not may_fail(pl.Date(), pl.Date())
