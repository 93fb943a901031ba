"""The task on a small lake of real bars: what it stores, what it refuses, and that a second attempt changes nothing."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.identity import resolve_inputs
from jobs.tasks.evaluate import run
from jobs.validate import check_spec
from lake import Lake, open_lake
from lake.alphalens import factor_data
from lake.tables import TABLES, factor_table
from lake.tables.evaluations import FACTOR_FIGURES
from qbrain_core.errors import InsufficientDataError, InvalidInputError, JobCancelledError, UnknownNameError
from qbrain_core.evaluation import forward_returns, rank_ic
from qbrain_core.evaluation.conventions import CONVENTIONS
from qbrain_core.factors import FACTOR_SETS, compute, expression_fields
from qbrain_core.reporting import NULL_REPORTER, NullReporter
from qbrain_core.settings import Settings
from qbrain_core.specs import EvaluateSpec, dump_spec, parse_spec

START, END = date(2024, 1, 2), date(2024, 9, 30)
FACTORS = ("ROC5", "STD20", "KMID")
REVERSAL = "-($close/Ref($close, 5) - 1)"


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory, cn_bars: pl.DataFrame,
    place: Callable[[], AbstractContextManager[dict[str, str]]],
) -> Iterator[Lake]:  # fmt: skip
    with place() as fields:
        settings = Settings(env="test", home=tmp_path_factory.mktemp("evaluate"), **fields)
        settings.make_home()
        lake = open_lake(settings)
        names = cn_bars["instrument"].unique().sort().gather_every(10).to_list()
        bars = cn_bars.filter(pl.col("instrument").is_in(names), pl.col("session").is_between(START, END))
        listed = pl.DataFrame({"instrument": names}).with_columns(
            ticker=pl.col("instrument").str.slice(0, 6), kind=pl.lit("stock"), currency=pl.lit("CNY"), lot=100,
            sector=pl.lit("S") + (pl.int_range(pl.len()) % 2).cast(pl.String),
        )  # fmt: skip
        first = pl.DataFrame(
            {"universe": ["half"] * 15, "instrument": names[:15], "start": [START] * 15, "end": [None] * 15},
            schema_overrides={"end": pl.Date},
        )
        known = FACTOR_SETS["alpha158"]
        values = compute(known.expressions, expression_fields(bars))
        with lake.commit("fill", 1) as transaction:
            transaction.upsert("bars", bars)
            transaction.upsert("instruments", listed)
            transaction.upsert("universes", first)
            transaction.upsert(factor_table("alpha158", known.digest, tuple(known.expressions)), values)
        yield lake


@pytest.fixture
def context(filled: Lake, request: pytest.FixtureRequest) -> TaskContext:
    return TaskContext(
        settings=filled.settings, lake=filled, reporter=NULL_REPORTER, job_id=request.node.name, attempt=1,
        versions={}, upstream={}, code_hash="0.1.0+test", fence=lambda: None,
    )  # fmt: skip


def spec(**changes: Any) -> EvaluateSpec:
    fields: dict[str, Any] = {"kind": "evaluate", "market": "CN", "factor_set": "alpha158", "factors": FACTORS}
    if "expressions" in changes:
        fields = {"kind": "evaluate", "market": "CN"}
    made = parse_spec(fields | changes)
    assert isinstance(made, EvaluateSpec)
    return made


def test_run_stores_a_report_that_agrees_with_its_result(context: TaskContext) -> None:
    lake = context.lake
    result = run(spec(name="first", horizon=2), context)
    stored = lake.evaluation(context.job_id)
    assert stored is not None
    assert (stored["name"], stored["market"], stored["horizon"], stored["n_factors"]) == ("first", "CN", 2, 3)
    assert (stored["start"], stored["end"]) == (START, END)
    assert parse_spec(stored["spec"]) == spec(name="first", horizon=2)
    table = f"factors/alpha158-{FACTOR_SETS['alpha158'].digest[:8]}"
    assert stored["pins"][table] == lake.versions()[table]
    assert {c["code"] for c in stored["conventions"]} >= {"signal", "market", "overlapping", "relations", "size_amount"}
    for said in stored["conventions"]:
        CONVENTIONS[said["code"]].format(**said["params"])
    counts = stored["counts"]
    gone = counts["halted"] + counts["locked"] + counts["no_close_after"]
    assert counts["members"] == gone + counts["evaluated"]
    figures = lake.evaluation_factors(context.job_id)
    assert figures["factor"].to_list() == sorted(FACTORS)
    assert figures["expression"][0] == FACTOR_SETS["alpha158"].expressions["KMID"]
    best = figures.sort(pl.col("rank_ic_t").abs()).row(-1, named=True)
    assert result["best"] == {"factor": best["factor"], "rank_ic": best["rank_ic_mean"], "t": best["rank_ic_t"]}
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert set(figures["nearest"]) <= set(FACTORS)
    assert lake.evaluations(factor_set="alpha158", factor="KMID", market="CN")["run_id"].to_list()[0] == context.job_id
    assert lake.evaluations(factor="no such").is_empty()


def test_run_rank_ic_equals_the_long_form(context: TaskContext) -> None:
    lake = context.lake
    run(spec(locked="keep"), context)
    bars = lake.bars(market="CN")
    labels = forward_returns(expression_fields(bars, ["close"]))
    table = f"factors/alpha158-{FACTOR_SETS['alpha158'].digest[:8]}"
    scores = lake.factors(table, market="CN", columns=["STD20"]).rename({"STD20": "score"})
    traded = bars.filter(~pl.col("halted")).select("instrument", "session")
    expected = rank_ic(scores.join(labels, on=["instrument", "session"]).join(traded, on=["instrument", "session"]))
    halts = bars.filter("halted")["session"].to_list()
    found = lake.evaluation_sessions(context.job_id, "STD20").select("session", "rank_ic").drop_nulls()
    both = expected.join(found, on="session", how="inner")
    assert both.height == expected.height == found.height
    # a name that is halted when it should be sold counts here, and has no label there
    apart = [
        d for d, e in zip(both["session"], (both["ic"] - both["rank_ic"]).abs(), strict=True) if e > 5e-3
    ]  # the other has float32 labels
    sessions = bars["session"].unique().sort().to_list()
    assert all(any(sessions[sessions.index(day) + k] in halts for k in (1, 2)) for day in apart)
    assert len(apart) < 10


def test_run_expressions_beside_a_set_are_compared_with_it(context: TaskContext) -> None:
    lake = context.lake
    steps = {
        "winsorise": "mad",
        "standardise": "zscore",
        "neutralise": ["sector", "size", "Std($close/Ref($close,1), 20)"],
    }
    run(spec(expressions={"reversal": REVERSAL}, against="alpha158", universe="half", preprocess=steps), context)
    (row,) = lake.evaluation_factors(context.job_id).to_dicts()
    assert (row["factor"], row["expression"]) == ("reversal", REVERSAL)
    correlations = lake.evaluation_details(context.job_id, "reversal", "correlation")
    assert correlations.height == 158
    assert correlations["rank_correlation"].abs().is_sorted(descending=True)
    assert row["nearest"] == correlations["item"][0]
    assert row["nearest"].startswith("alpha158/")
    assert abs(row["marginal_ic"]) < 1
    stored = lake.evaluation(context.job_id)
    assert stored is not None
    assert stored["factor_set"] is None
    assert {"code": "universe", "params": {"universe": "half"}} in stored["conventions"]
    sessions = lake.evaluation_sessions(context.job_id, "reversal")
    assert sessions["n_members"].max() <= 15
    assert {"quantile_5", "rank_ic_mean_20", "rank_ic_cumulative"} <= set(sessions.columns)
    assert "quantile_6" not in sessions.columns
    assert sessions["rank_ic_cumulative"][-1] == pytest.approx(sessions["rank_ic"].sum())
    for section in ("histogram_raw", "histogram_neutralised", "sector", "year", "ic_qq"):
        assert lake.evaluation_details(context.job_id, "reversal", section).height > 0


def test_run_second_attempt_changes_nothing(context: TaskContext) -> None:
    tables = [name for name in TABLES if name.startswith("evaluation")]
    first = run(spec(), context)
    before = {name: context.lake.sql(f"SELECT count(*) FROM {name}").item() for name in tables}
    assert run(spec(), dataclasses.replace(context, attempt=2)) == first
    assert {name: context.lake.sql(f"SELECT count(*) FROM {name}").item() for name in tables} == before


def test_run_label_of_ones_own_is_said_and_used(context: TaskContext) -> None:
    run(spec(expressions={"r": REVERSAL}, label="Ref($close, -3)/Ref($close, -1) - 1", locked="keep"), context)
    sessions = context.lake.evaluation_sessions(context.job_id, "r")
    run(spec(expressions={"r": REVERSAL}, horizon=2, locked="keep"), dataclasses.replace(context, job_id="other"))
    other = context.lake.evaluation_sessions("other", "r")
    close = (sessions["rank_ic"] - other["rank_ic"]).abs()
    assert close.drop_nulls().quantile(0.8) == pytest.approx(0, abs=1e-6)
    stored = context.lake.evaluation(context.job_id)
    assert stored is not None
    assert [c["code"] for c in stored["conventions"]].count("label_expression") == 1


def test_factor_data_is_made_anew_from_the_run(context: TaskContext) -> None:
    run(spec(), context)
    frame = factor_data(context.lake, context.job_id, "STD20", periods=(1, 5))
    ranked = frame.groupby(level="date")[["factor", "1D"]].apply(lambda day: day.corr("spearman").iloc[0, 1])
    sessions = context.lake.evaluation_sessions(context.job_id, "STD20").drop_nulls("rank_ic").to_pandas()
    expected = sessions.set_index(pd.DatetimeIndex(sessions["session"]))["rank_ic"].reindex(ranked.index)
    assert ranked.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-12)
    with pytest.raises(UnknownNameError, match="STD20"):
        factor_data(context.lake, context.job_id, "STD2")
    with pytest.raises(UnknownNameError, match="run_id"):
        factor_data(context.lake, "nothing", "STD20")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"factors": ["ROC6"]}, UnknownNameError, "ROC60"),
        ({"universe": "no such"}, InvalidInputError, "no member"),
        ({"start": date(2030, 1, 1)}, InsufficientDataError, "no session"),
        ({"factor_set": "alpha360", "factors": ()}, InvalidInputError, "has not been computed"),
    ],
)
def test_run_what_cannot_be_judged_is_refused_and_nothing_is_written(
    context: TaskContext, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(spec(**changes), context)
    assert context.lake.evaluation(context.job_id) is None


def test_run_cancelled_writes_nothing(context: TaskContext) -> None:
    class Cancelled(NullReporter):
        def check(self) -> None:
            raise JobCancelledError("asked to stop")

    with pytest.raises(JobCancelledError):
        run(spec(), dataclasses.replace(context, reporter=Cancelled()))
    assert context.lake.evaluation(context.job_id) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factor_set": "alpha15"}, "alpha158"),
        ({"against": "alpha158"}, "compared within itself"),
        ({"expressions": {"x": "$close"}, "factor_set": "alpha158"}, "only one of them"),
        ({"expressions": {"x": "Ref($close, -1)"}}, "looks ahead"),
        ({"expressions": {"x": "Mean($close"}}, "expressions.x"),
        ({"preprocess": {"neutralise": ["Ref($close, -1)"]}}, "looks ahead"),
        ({"preprocess": {"winsorise": "percentile", "limit": 3}}, "below 0.5"),
        ({"horizons": [5, 1]}, "ascend"),
        ({"quantiles": 11}, "quantiles"),
        ({"universe": "hal"}, "half"),
        ({"start": date(2030, 1, 1), "end": date(2031, 1, 1)}, "has bars from"),
        ({"market": "US"}, "ingest some first"),
    ],
)
def test_spec_that_could_only_fail_is_refused_before_it_is_queued(
    filled: Lake, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        check_spec(spec(**changes), (), lake=filled)


def test_spec_right_passes_and_reads_the_sets_it_names(filled: Lake) -> None:
    wanted = spec(expressions={"x": REVERSAL}, against="alpha158", universe="half", label="Ref($close, -2)/$close - 1")
    check_spec(wanted, (), lake=filled)
    versions = resolve_inputs(wanted, (), lake=filled, registry=None).versions  # type: ignore[arg-type]
    assert {"bars", "universes", "industries", "valuation"} < set(versions)
    assert f"factors/alpha158-{FACTOR_SETS['alpha158'].digest[:8]}" in versions
    assert parse_spec(dump_spec(wanted)) == wanted


def test_figures_of_a_report_have_columns_in_the_table(context: TaskContext) -> None:
    run(spec(), context)
    row = context.lake.evaluation_factors(context.job_id).row(0, named=True)
    missing = [name for name in FACTOR_FIGURES if row[name] is None]
    assert set(missing) <= {"half_life"}
    assert np.isfinite([row[name] for name in FACTOR_FIGURES if name not in missing]).all()
