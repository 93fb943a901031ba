from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.tasks.factors import run
from lake import Lake
from qbrain_core.errors import InsufficientDataError, JobCancelledError, UnknownNameError
from qbrain_core.factors import FACTOR_SETS, compute, expression_fields
from qbrain_core.reporting import NULL_REPORTER, NullReporter, Reporter
from qbrain_core.settings import Settings
from qbrain_core.specs import FactorsSpec

STOCKS = ("AAA.US", "BBB.US")


@pytest.fixture
def market(lake: Lake) -> Lake:
    """Two stocks and an index over 90 sessions around a new year; the second stock splits and halts once."""
    random = np.random.default_rng(2)
    days = pl.date_range(date(2022, 11, 1), date(2023, 1, 29), eager=True)
    frames = []
    for name in (*STOCKS, "IDX.US"):
        close = 30 * np.exp(np.cumsum(random.normal(0, 0.02, len(days))))
        frame = pl.DataFrame(
            {
                "session": days, "open": close * 0.99, "high": close * 1.02, "low": close * 0.97, "close": close,
                "volume": random.random(len(days)) * 1e6,
            }
        )  # fmt: skip
        frames.append(
            frame.with_columns(
                instrument=pl.lit(name), amount=pl.col("close") * pl.col("volume"), price_basis=pl.lit("raw"),
                factor=pl.when((pl.col("session") > date(2022, 12, 1)) & (name == "BBB.US")).then(2.0).otherwise(1.0),
                halted=(pl.col("session") == date(2022, 12, 20)) & (name == "BBB.US"),
            )
        )  # fmt: skip
    listed = pl.DataFrame({"instrument": [*STOCKS, "IDX.US"], "ticker": ["AAA", "BBB", "IDX"]}).with_columns(
        kind=pl.when(pl.col("ticker") == "IDX").then(pl.lit("index")).otherwise(pl.lit("stock")),
        currency=pl.lit("USD"), lot=1,
    )  # fmt: skip
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("bars", pl.concat(frames))
        transaction.upsert("instruments", listed)
    return lake


def _run(
    settings: Settings, lake: Lake, spec: FactorsSpec, *, job: str = "job", reporter: Reporter = NULL_REPORTER
) -> dict[str, Any]:
    context = TaskContext(settings, lake, reporter, job, 1, lake.versions(), {}, "code", lambda: None)
    return run(spec, context)


def test_factors_market_computed_is_stored_for_its_stocks(settings: Settings, market: Lake) -> None:
    result = _run(settings, market, FactorsSpec(market="US"))
    digest = FACTOR_SETS["alpha158"].digest[:8]
    assert {k: v for k, v in result.items() if k != "leakage"} | {"version": 0} == {
        "table": f"factors/alpha158-{digest}", "version": 0, "mode": "full", "rows": 180, "rows_computed": 180,
        "rows_written": 180, "rows_deleted": 0, "columns": 158, "instruments": 2, "start": "2022-11-01",
        "end": "2023-01-29", "missing": [],
    }  # fmt: skip
    assert result["version"] == market.versions()[result["table"]]
    stored = market.factors(result["table"], market="US", columns=["MA5", "CORD20", "VWAP0"])
    texts = {name: FACTOR_SETS["alpha158"].expressions[name] for name in ("MA5", "CORD20", "VWAP0")}
    bars = market.bars(market="US", instruments=STOCKS)
    assert stored.select("instrument", "session", *texts).equals(compute(texts, expression_fields(bars)))
    assert stored["MA5"].null_count() == 1  # the halt: no close to divide by


def test_factors_run_again_changes_nothing(settings: Settings, market: Lake) -> None:
    first = _run(settings, market, FactorsSpec(market="US"))
    again = _run(settings, market, FactorsSpec(market="US"), job="another")
    assert again == first | {"mode": "none", "rows_computed": 0, "rows_written": 0, **_leakage(again)}
    anew = _run(settings, market, FactorsSpec(market="US", rebuild=True), job="anew")
    assert anew["rows_written"] == 0
    assert market.snapshot(first["table"], as_of={first["table"]: first["version"]}).files == (
        market.snapshot(first["table"]).files
    )


def _leakage(result: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in result.items() if k == "leakage"}


def test_factors_span_given_stores_that_span_with_the_same_values(settings: Settings, market: Lake) -> None:
    spec = FactorsSpec(market="US", start=date(2023, 1, 1), end=date(2023, 1, 10))
    part = _run(settings, market, spec)
    assert (part["rows"], part["start"], part["end"]) == (20, "2023-01-01", "2023-01-10")
    whole = _run(settings, market, FactorsSpec(market="US"), job="whole")
    assert whole["rows_written"] == 160


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"market": "CN"}, InsufficientDataError, "CN has no stock"),
        ({"market": "US", "end": date(2000, 1, 1)}, InsufficientDataError, "2000-01-01"),
        ({"market": "US", "factor_set": "alpha185"}, UnknownNameError, "alpha158"),
    ],
)
def test_factors_impossible_spec_is_refused_and_writes_nothing(
    settings: Settings, market: Lake, fields: dict[str, Any], error: type[Exception], words: str
) -> None:
    before = market.versions()
    with pytest.raises(error, match=words):
        _run(settings, market, FactorsSpec(**fields))
    assert market.versions() == before


class _Cancelled(NullReporter):
    def check(self) -> None:
        raise JobCancelledError("stop")


def test_factors_cancelled_writes_nothing(settings: Settings, market: Lake) -> None:
    before = market.versions()
    with pytest.raises(JobCancelledError):
        _run(settings, market, FactorsSpec(market="US"), reporter=_Cancelled())
    assert market.versions() == before
