"""Against Qlib's own point-in-time storage and provider."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import compute
from qbrain_core.factors.kernels.statements import Statements, quarter_of

EXPRESSIONS = {
    "latest": "P($$roe_q)",
    "mean": "P(Mean($$roe_q, 4))",
    "growth": "P($$sales_q/Ref($$sales_q, 4)-1)",
    "trailing": "P(Sum($$sales_q, 4))/$close",
    "two": "P($$roe_q*$$sales_q)",
    "condition": "P(If($$roe_q > Mean($$roe_q, 3), 2*$$roe_q, -1))",
    "ema": "P(EMA($$roe_q, 3))",
    "alpha": "P(EMA($$roe_q, 0.7))",
    "slope": "P(Slope($$sales_q, 5))",
    "wma": "P(WMA($$sales_q, 5))",
    "std": "P(Std($$sales_q - $$roe_q, 4))",
    "corr": "P(Corr($$sales_q, Abs($$sales_q - 50), 6))",
    "rank": "P(Rank($$sales_q, 4)) + P(IdxMax($$sales_q, 4)) + P(Quantile($$sales_q, 4, 0.3))",
    "nested": "P(Mean(Ref($$sales_q, 1), 3))",
    "annual": "P($$debt_a) + P($$debt_a - Ref($$debt_a, 1))",
    "daily": "Mean(P($$roe_q), 5) + Ref(P($$roe_q), 3)",
    "one": "PRef($$roe_q, 201903)",
    "one_year": "PRef($$debt_a, 2018)",
    "one_of_two": "PRef($$roe_q - $$sales_q, 201902)",
    "one_mean": "PRef(Mean($$roe_q, 3), 201902)",
}


def _drawn(instruments: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    # sessions every fortnight; reports late, restated, missing, out of order, one field later than another
    random = np.random.default_rng(seed)
    days = [date(2019, 1, 4) + timedelta(14 * n) for n in range(50)]
    bars, rows = [], []
    for number in range(instruments):
        name = f"X{number}"
        traded = random.random(len(days)) > 0.1
        traded[0] = traded[-1] = True
        bars.append(
            pl.DataFrame({"instrument": name, "session": days, "close": random.uniform(5, 9, len(days))}).filter(traded)
        )
        for field, lag in (("roe_q", 30), ("sales_q", 45)):
            for quarter in range(2017 * 4, 2020 * 4 + 4):
                if random.random() < 0.12:
                    continue
                known = date(quarter // 4, quarter % 4 * 3 + 1, 1) + timedelta(int(90 + lag + random.integers(0, 90)))
                period = quarter // 4 * 100 + quarter % 4 + 1
                for _ in range(random.integers(1, 4)):
                    value = random.normal(50, 20) if random.random() > 0.05 else np.nan
                    rows.append((name, period, known, field, value))
                    known += timedelta(int(random.integers(0, 3)) * 50)
        for year in range(2016, 2021):
            rows.append((name, year, date(year + 1, 4, int(random.integers(1, 28))), "debt_a", random.normal()))
    schema = ("instrument", "period", "known_at", "field", "value")
    return pl.concat(bars), pl.DataFrame(rows, schema=schema, orient="row")


def test_periods_late_restated_and_missing_reports_equal_qlib(assert_parity: Callable[..., None]) -> None:
    bars, statements = _drawn(2, seed=3)
    assert_parity(EXPRESSIONS, bars, statements=statements)


@pytest.mark.real
@pytest.mark.soak
def test_periods_real_reports_equal_qlib(assert_parity: Callable[..., None], real_data: Path) -> None:
    reports = pl.read_parquet(real_data / "us_fundamentals" / "us_quarterly_pit.parquet")
    some = reports.filter(pl.col("symbol").is_in(["AAPL", "MSFT", "JPM", "NKE"])).sort("batch_date", "symbol")
    statements = some.select(
        instrument="symbol", period=quarter_of(pl.col("end_date").cast(pl.Date)), known_at=pl.col("batch_date"),
        roe_q=pl.col("net_income") / pl.col("equity"), sales_q=pl.col("revenues") / 1e9,
    ).unpivot(index=["instrument", "period", "known_at"], variable_name="field")  # fmt: skip
    days = pl.date_range(date(2015, 3, 2), date(2017, 4, 3), "7d", eager=True)
    names = pl.DataFrame({"instrument": statements["instrument"].unique().sort()})
    bars = names.join(pl.DataFrame({"session": days, "close": 1.0}), how="cross")
    quarterly = {n: t for n, t in EXPRESSIONS.items() if "_a" not in t}
    assert_parity(quarterly, bars, statements=statements.cast({"known_at": pl.Date}))


def test_periods_later_reports_change_nothing_before(synthetic_fields: pl.DataFrame) -> None:
    bars, statements = _drawn(3, seed=8)
    cut = date(2019, 12, 30)
    known = statements.filter(pl.col("known_at") <= cut)
    past = pl.col("session") <= cut
    whole = compute(EXPRESSIONS, bars, statements=statements).filter(past)
    assert whole.equals(compute(EXPRESSIONS, bars.filter(past), statements=known))
    assert whole["latest"].n_unique() > 10


def test_periods_rows_of_other_instruments_change_nothing() -> None:
    bars, statements = _drawn(3, seed=8)
    one = pl.col("instrument") == "X1"
    whole = compute(EXPRESSIONS, bars, statements=statements).filter(one)
    days = bars["session"].unique()
    alone = compute(EXPRESSIONS, bars.filter(one), statements=statements.filter(one), calendar=days)
    assert whole.equals(alone)


def _statements(*rows: tuple[object, ...], period: pl.DataType | None = None) -> pl.DataFrame:
    frame = pl.DataFrame(rows, ["instrument", "period", "known_at", "field", "value"], orient="row")
    return frame if period is None else frame.cast({"period": period})


def _bars(*days: date) -> pl.DataFrame:
    return pl.DataFrame({"instrument": ["A"] * len(days), "session": days, "close": [1.0] * len(days)})


MAY, JUNE, JULY = date(2020, 5, 4), date(2020, 6, 1), date(2020, 7, 1)


def test_periods_report_counts_on_the_day_it_becomes_known_and_restatement_from_its_own() -> None:
    statements = _statements(("A", 202001, JUNE, "roe", 1.0), ("A", 202001, JULY, "roe", 2.0))
    result = compute({"V": "$$roe"}, _bars(MAY, JUNE, JULY), statements=statements)
    assert result["V"].to_list() == [None, 1.0, 2.0]


def test_periods_late_report_of_an_older_period_is_not_the_latest() -> None:
    statements = _statements(("A", 202001, MAY, "roe", 1.0), ("A", 201904, JUNE, "roe", 2.0))
    texts = {"V": "P($$roe)", "M": "P(Mean($$roe, 2))", "F": "P(Ref($$roe, 0))"}
    result = compute(texts, _bars(MAY, JUNE), statements=statements)
    assert [result[n].to_list() for n in texts] == [[1.0, 1.0], [1.0, 1.5], [1.0, 2.0]]


def test_periods_dates_count_as_the_quarter_they_end() -> None:
    ends = [date(2016, 9, 24), date(2016, 12, 31), date(2017, 4, 1), date(2017, 7, 1), date(2017, 9, 30)]
    rows = [("A", end, end + timedelta(30), "sales", float(i)) for i, end in enumerate(ends)]
    result = compute({"S": "P(Sum($$sales, 4))"}, _bars(date(2017, 12, 1)), statements=_statements(*rows))
    assert result["S"].to_list() == [10.0]
    named = pl.DataFrame({"end": ends}).select(quarter_of(pl.col("end")))["end"].to_list()
    assert named == [201603, 201604, 201701, 201702, 201703]


def test_periods_nothing_known_is_null() -> None:
    statements = _statements(("B", 202001, MAY, "roe", 1.0))
    texts = {"V": "$$roe", "U": "$$never_heard_of", "C": "P($$roe > 0)"}
    result = compute(texts, _bars(MAY, JUNE), statements=statements)
    assert result.select(list(texts)).null_count().row(0) == (2, 2, 2)
    assert compute(texts, _bars(MAY), statements=statements.clear())["V"].to_list() == [None]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (_statements(("A", 202005, MAY, "roe", 1.0)), "such as 202003"),
        (_statements(("A", 1, MAY, "roe", 1.0)), "such as 202003"),
        (_statements(("A", 202001, "2020-05-04", "roe", 1.0)), "known_at"),
        (_statements(("A", "202001", MAY, "roe", 1.0)), "whole numbers or dates"),
        (_statements(("A", 202001, MAY, "roe", "x")), "it is a number"),
        (_statements(("A", None, MAY, "roe", 1.0), period=pl.Int64()), "only the value"),
        (_statements(("A", 202001, MAY, "roe", 1.0)).drop("field"), "'field'"),
    ],
)
def test_statements_that_are_none_are_refused(frame: pl.DataFrame, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Statements(frame)


@pytest.mark.parametrize("text", ["P($$roe + $$debt)", "PRef($$roe, 2020)"])
def test_periods_quarters_and_years_joined_are_refused(text: str) -> None:
    statements = _statements(("A", 202001, MAY, "roe", 1.0), ("A", 2019, MAY, "debt", 1.0))
    with pytest.raises(InvalidInputError, match="quarters and years"):
        compute({"V": text}, _bars(MAY), statements=statements)


def test_periods_without_statements_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="statements"):
        compute({"V": "$$roe"}, _bars(MAY))
