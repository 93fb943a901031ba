"""What expressions read: only what they name, in Qlib's meaning, and nothing that was known later."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from lake import Lake
from lake.reads.factor_inputs import INPUT_FIELDS, input_tables
from qbrain_core.errors import InvalidInputError, UnknownNameError

DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(6)]
NAMES = ["A.US", "B.US"]
NULLS: list[Any] = [None] * 6


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """Two stocks and an index over six days: B splits on the fourth and halts on the fifth."""
    names = pl.DataFrame({"instrument": [*NAMES, "I.US"], "close": [10.0, 20.0, 100.0]})
    day = pl.col("session").rank("dense") - 1
    b = pl.col("instrument") == "B.US"
    bars = names.join(pl.DataFrame({"session": DAYS}), how="cross").with_columns(
        close=pl.col("close") + day, volume=pl.lit(100.0), amount=pl.lit(1500.0), turnover=pl.lit(0.01),
        factor=pl.when(b & (day >= 3)).then(2.0).otherwise(1.0), halted=b & (day == 4), price_basis=pl.lit("raw"),
    )  # fmt: skip
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("bars", bars)
        transaction.upsert(
            "valuation",
            pl.DataFrame(
                {"instrument": ["A.US", "A.US"], "session": DAYS[1:3], "pe_ttm": [8.0, 9.0], "market_cap": 5e9}
            ),
        )
        transaction.upsert("industries", _spells())
    return lake


def _spells() -> pl.DataFrame:
    rows = [
        ("gics", 1, "A.US", DAYS[0], DAYS[2], "Energy"),
        ("gics", 1, "A.US", DAYS[3], None, "Tech"),
        ("gics", 1, "B.US", DAYS[1], None, "Energy"),
        ("gics", 2, "A.US", DAYS[0], None, "Oil"),
        ("zoo", 1, "B.US", DAYS[0], None, "Fish"),
    ]
    return pl.DataFrame(rows, schema=["scheme", "level", "instrument", "start", "end", "industry"], orient="row")


def read(lake: Lake, *fields: str, **more: Any) -> pl.DataFrame:
    return lake.factor_inputs(fields, market="US", **{"instruments": NAMES, **more}).bars


def column(frame: pl.DataFrame, name: str, field: str) -> list[Any]:
    return frame.filter(pl.col("instrument") == name)[field].to_list()


def test_only_the_tables_and_columns_named_are_read() -> None:
    assert input_tables(["close"], []) == {"bars": ("close", "factor", "halted")}
    assert set(input_tables(["close", "pe"], [])) == {"bars", "valuation"}
    assert set(input_tables(["industry"], ["revenue"])) == {"bars", "industries", "fundamentals"}
    assert input_tables(["benchmark_return"], []) == {"bars": ("close", "factor", "halted")}
    with pytest.raises(UnknownNameError, match="close"):
        input_tables(["closed"], [])
    with pytest.raises(UnknownNameError, match="revenue"):
        input_tables([], ["revenu"])


def test_every_field_can_be_read(filled: Lake) -> None:
    frame = read(filled, *INPUT_FIELDS, benchmark="I.US")
    assert frame.columns == ["instrument", "session", *INPUT_FIELDS]
    assert set(frame.dtypes[2:]) == {pl.Float32}
    assert frame.select("instrument", "session").equals(frame.select("instrument", "session").sort(pl.all()))


def test_bars_have_the_meaning_of_expressions(filled: Lake) -> None:
    frame = read(filled, "close", "volume", "vwap", "turnover")
    assert column(frame, "B.US", "close") == [20, 21, 22, 46, None, 50]
    assert column(frame, "B.US", "volume") == [100, 100, 100, 50, None, 50]
    assert column(frame, "B.US", "vwap") == [15, 15, 15, 30, None, 30]
    assert column(frame, "A.US", "turnover") == pytest.approx([0.01] * 6)
    assert column(read(filled, "close", start=DAYS[1], end=DAYS[2]), "A.US", "close") == [11, 12]


def test_valuation_and_benchmark_stand_beside_the_bars(filled: Lake) -> None:
    frame = read(filled, "pe", "market_cap", "benchmark_close", "benchmark_return", benchmark="I.US", start=DAYS[1])
    assert column(frame, "A.US", "pe") == [8, 9, None, None, None]
    assert column(frame, "B.US", "market_cap") == [None] * 5
    assert column(frame, "B.US", "benchmark_close") == [101, 102, 103, 104, 105]
    # the first one looks back on a session that was not asked for
    assert column(frame, "A.US", "benchmark_return")[0] == pytest.approx(0.01)
    with pytest.raises(InvalidInputError, match="benchmark"):
        read(filled, "benchmark_close")


def test_groups_are_those_of_the_day(filled: Lake) -> None:
    frame = read(filled, "sector", "industry", "subindustry")
    energy, tech = column(frame, "A.US", "sector")[0], column(frame, "A.US", "sector")[-1]
    assert energy != tech
    assert column(frame, "A.US", "sector") == [energy] * 3 + [tech] * 3
    assert column(frame, "B.US", "sector") == [None] + [energy] * 5
    assert len(set(column(frame, "A.US", "industry"))) == 1
    assert column(frame, "B.US", "industry") == NULLS  # the scheme knows no finer class of it
    assert column(frame, "A.US", "subindustry") == column(frame, "A.US", "industry")
    # whoever is asked for, a class keeps its code
    assert column(read(filled, "sector", instruments=["B.US"]), "B.US", "sector")[1] == energy


def test_what_the_lake_has_nothing_of_is_null_and_named(lake: Lake) -> None:
    bars = pl.DataFrame({"instrument": ["A.US"], "session": [DAYS[0]], "close": [1.0], "factor": [1.0]}).with_columns(
        halted=False, price_basis=pl.lit("raw")
    )
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("bars", bars)
    found = lake.factor_inputs(["close", "pe", "industry"], market="US", instruments=["A.US"])
    assert found.missing == ("pe", "industry")
    assert found.bars.row(0) == ("A.US", DAYS[0], 1.0, None, None)
    assert lake.factor_inputs(["close"], market="US", instruments=[]).bars.is_empty()


def _filing(period_end: date, known_at: date, fiscal: tuple[int, str], revenue: float, assets: float) -> dict[str, Any]:
    return {
        "instrument": "A.US", "item_set": "quarterly", "period_end": period_end, "known_at": known_at,
        "fiscal_year": fiscal[0], "fiscal_period": fiscal[1], "revenue": revenue, "assets": assets,
    }  # fmt: skip


def test_statements_are_dated_and_the_last_quarter_is_what_the_year_leaves(lake: Lake) -> None:
    filings = [
        _filing(date(2023, 3, 31), date(2023, 5, 1), (2023, "Q1"), 10.0, 1.0),
        _filing(date(2023, 6, 30), date(2023, 8, 1), (2023, "Q2"), 11.0, 2.0),
        _filing(date(2023, 9, 30), date(2023, 11, 1), (2023, "Q3"), 12.0, 3.0),
        _filing(date(2023, 6, 30), date(2023, 12, 1), (2023, "Q2"), 11.5, 2.0),  # restated before the year's report
        _filing(date(2023, 12, 31), date(2024, 2, 1), (2023, "FY"), 50.0, 4.0),
        _filing(date(2023, 9, 30), date(2024, 3, 1), (2023, "Q3"), 99.0, 3.0),  # and after it
    ]
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("fundamentals", pl.DataFrame(filings))

    def rows(item: str, end: date | None = None) -> list[tuple[Any, ...]]:
        found = lake.factor_inputs([], market="US", instruments=["A.US"], items=[item], end=end).statements
        assert found is not None
        assert found["field"].unique().to_list() == [item]
        return found.select("period", "known_at", "value").rows()

    assert (202304, date(2024, 2, 1), 50.0 - 10.0 - 11.5 - 12.0) in rows("revenue")
    assert len(rows("revenue_q")) == 6
    assert (202304, date(2024, 2, 1), 4.0) in rows("assets")
    assert [r[1] for r in rows("assets", date(2023, 8, 1))] == [date(2023, 5, 1), date(2023, 8, 1)]
