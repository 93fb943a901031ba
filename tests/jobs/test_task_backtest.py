"""The task on a small lake of real bars: what it writes, what it refuses, and that a second attempt changes nothing."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.tasks.backtest import run
from lake import Lake, open_lake
from lake.registry import Registry
from qbrain_core.errors import InvalidInputError, JobCancelledError
from qbrain_core.reporting import NULL_REPORTER, NullReporter
from qbrain_core.settings import Settings
from qbrain_core.specs import BacktestSpec, parse_spec

START, END = date(2024, 1, 2), date(2024, 6, 28)
MODEL = "noise"
TABLES = ("backtest_equity", "backtest_positions", "backtest_fills", "backtest_rejections")


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory, cn_bars: pl.DataFrame,
    place: Callable[[], AbstractContextManager[dict[str, str]]],
) -> Iterator[Lake]:  # fmt: skip
    with place() as fields:
        yield fill(Settings(env="test", home=tmp_path_factory.mktemp("backtest"), **fields), cn_bars)


def fill(settings: Settings, cn_bars: pl.DataFrame) -> Lake:
    # one lake for the module, a job id per test: the model registry takes seconds to make its tables
    settings.make_home()
    lake = open_lake(settings)
    names = cn_bars["instrument"].unique().sort().gather_every(8).to_list()
    bars = cn_bars.filter(pl.col("instrument").is_in(names), pl.col("session").is_between(date(2023, 12, 1), END))
    fund = bars.filter(instrument=names[0]).with_columns(
        instrument=pl.lit("510300.SH"), limit_up=pl.lit(None, pl.Float64), limit_down=pl.lit(None, pl.Float64)
    )
    listed = [(name, "stock") for name in names] + [("510300.SH", "etf")]
    instruments = pl.DataFrame(
        [
            {"instrument": name, "market": "CN", "ticker": name[:6], "kind": kind, "name_en": None, "name_zh": None,
             "pinyin": None, "sector": None, "industry": None, "exchange": None, "currency": "CNY", "lot": 100,
             "listed": None, "delisted": None}
            for name, kind in listed
        ],
        schema_overrides=dict.fromkeys(
            ("name_en", "name_zh", "pinyin", "sector", "industry", "exchange"), pl.String
        ) | dict.fromkeys(("listed", "delisted"), pl.Date),
    )  # fmt: skip
    rng = np.random.default_rng(4)
    scored = bars.filter(pl.col("session") >= START)
    with lake.commit("fill", 1) as transaction:
        transaction.upsert("bars", pl.concat([bars, fund.select(bars.columns)]))
        transaction.upsert("instruments", instruments)
        for version in (1, 2):
            score = pl.Series(rng.normal(size=scored.height))
            predictions = scored.select("instrument", "session", score=score, model=pl.lit(MODEL), version=version)
            transaction.upsert("predictions", predictions.with_columns(pl.col("version").cast(pl.Int32)))
    return lake


@pytest.fixture
def context(filled: Lake, request: pytest.FixtureRequest) -> TaskContext:
    return TaskContext(
        settings=filled.settings, lake=filled, reporter=NULL_REPORTER, job_id=request.node.name, attempt=1,
        versions={}, upstream={},
        code_hash="0.1.0+test", fence=lambda: None,
    )  # fmt: skip


def spec(**changes: Any) -> BacktestSpec:
    fields: dict[str, Any] = {
        "kind": "backtest", "model": {"name": MODEL}, "benchmark": "510300.SH", "cash": 2_000_000,
        "strategy": {"topk": 8, "n_drop": 2, "stop_loss": 0.05},
    }  # fmt: skip
    made = parse_spec(fields | changes)
    assert isinstance(made, BacktestSpec)
    return made


def test_run_writes_tables_that_agree_with_its_result(context: TaskContext) -> None:
    lake = context.lake
    result = run(spec(name="first"), context)
    stored = lake.run(context.job_id)
    assert stored is not None
    assert (stored["name"], stored["model"], stored["version"], stored["market"]) == ("first", MODEL, 2, "CN")
    assert (stored["start"], stored["end"]) == (date(2024, 1, 3), END)
    assert stored["metrics"] == result["metrics"]
    assert stored["caveats"] == result["caveats"]
    assert stored["pins"] == {t: lake.versions()[t] for t in ("predictions", "bars", "instruments", "universes")}
    assert parse_spec(stored["spec"]) == spec(name="first")
    equity, positions, fills, rejections = (lake.run_table(t, context.job_id) for t in TABLES)
    sessions = lake.sessions("CN", start=date(2024, 1, 3), end=END)
    assert equity["session"].to_list() == sessions
    assert ((equity["cash"] + equity["positions_value"] - equity["equity"]).abs() <= 1e-9 * equity["equity"]).all()
    assert positions.height == equity["n_positions"].sum()
    assert fills.height == result["metrics"]["n_fills"] > 100
    assert rejections.height == result["metrics"]["n_rejections"] == sum(result["rejections"].values())
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_run_benchmark_starts_from_the_session_before(context: TaskContext) -> None:
    run(spec(), context)
    equity = context.lake.run_table("backtest_equity", context.job_id)
    bars = context.lake.bars(instruments=["510300.SH"], start=START).with_columns(pl.col("close") * pl.col("factor"))
    first, second = bars["close"][:2]
    assert equity["benchmark_return"][0] == pytest.approx(second / first - 1)
    assert equity["benchmark_return"].null_count() == 0


def test_run_second_attempt_changes_nothing(context: TaskContext) -> None:
    first = run(spec(), context)
    before = {t: context.lake.run_table(t, context.job_id) for t in TABLES}
    again = run(spec(), dataclasses.replace(context, attempt=2))
    assert again == first
    assert context.lake.runs()["run_id"].to_list().count(context.job_id) == 1
    for table, frame in before.items():
        assert context.lake.run_table(table, context.job_id).equals(frame), table


def test_run_two_jobs_stand_side_by_side(context: TaskContext) -> None:
    run(spec(), context)
    before = context.lake.run_table("backtest_positions", context.job_id)
    run(spec(strategy={"topk": 4, "n_drop": 1}), dataclasses.replace(context, job_id="beside"))
    assert {context.job_id, "beside"} <= set(context.lake.runs()["run_id"])
    assert context.lake.run_table("backtest_positions", context.job_id).equals(before)
    assert context.lake.run_table("backtest_positions", "beside").height > 0


def test_run_reads_the_versions_it_was_given(context: TaskContext) -> None:
    old = context.lake.versions()["predictions"]
    first = run(spec(), context)
    with context.lake.commit("later", 1) as transaction:
        rows = context.lake.predictions(MODEL, 2).select("model", "version", "instrument", "session", -pl.col("score"))
        transaction.upsert("predictions", rows)
    pinned = run(spec(), dataclasses.replace(context, job_id="pinned", versions={"predictions": old}))
    newest = run(spec(), dataclasses.replace(context, job_id="newest"))
    assert pinned["metrics"] == first["metrics"]
    assert newest["metrics"] != first["metrics"]


def test_run_trades_the_version_an_upstream_job_made(context: TaskContext) -> None:
    upstream = {"train": {"model": MODEL, "version": 1}, "other": {"model": "else", "version": 9}}
    assert run(spec(), dataclasses.replace(context, upstream=upstream))["version"] == 1
    given = spec(model={"name": MODEL, "version": 2})
    assert run(given, dataclasses.replace(context, upstream=upstream, job_id="given"))["version"] == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": {"name": "nois"}}, "did you mean 'noise'"),
        ({"model": {"name": MODEL, "version": 7}}, "it has no predictions"),
        ({"benchmark": "000300.SH"}, "benchmark is '000300.SH', but it has no bars"),
        ({"start": "2023-12-20"}, "trades on 2024-01-03 at the earliest"),
        ({"start": "2025-01-02"}, "start is"),
        ({"end": "2024-12-31"}, "the bars end on 2024-06-28"),
        ({"start": "2024-03-01", "end": "2024-03-01"}, None),
        ({"start": "2024-03-02", "end": "2024-03-03"}, "no session lies between"),
    ],
)
def test_run_wrong_input_says_what_is_wrong(
    context: TaskContext, changes: dict[str, Any], sentence: str | None
) -> None:
    if sentence is None:
        assert run(spec(**changes), context)["metrics"]["sessions"] == 1
        return
    with pytest.raises(InvalidInputError, match=sentence):
        run(spec(**changes), context)
    assert context.lake.run(context.job_id) is None


def test_run_cancelled_writes_nothing(context: TaskContext) -> None:
    class Cancelling(NullReporter):
        def check(self) -> None:
            raise JobCancelledError("stopped")

    with pytest.raises(JobCancelledError):
        run(spec(), dataclasses.replace(context, reporter=Cancelling()))
    assert context.lake.run(context.job_id) is None


def test_run_takes_a_late_bar_for_no_delisting(context: TaskContext) -> None:
    # bars that were refused on the newest sessions, and an index that goes on without the stocks
    lake = context.lake
    held = lake.run_table("backtest_positions", run(spec(), context)["run_id"])
    sessions = lake.sessions("CN")
    name = held.filter(pl.col("session") == sessions[-3])["instrument"][0]
    bars = lake.bars(market="CN")
    index = bars.filter(instrument="510300.SH").tail(1).with_columns(session=pl.lit(date(2024, 7, 1)))
    kept = bars.filter((pl.col("instrument") != name) | (pl.col("session") < sessions[-2]))
    with lake.commit("late", 1) as transaction:
        transaction.replace("bars", pl.concat([kept, index]), where={"market": "CN"})
    try:
        late = run(spec(), dataclasses.replace(context, job_id="late"))
        codes = {c["code"] for c in late["caveats"]}
        fills = lake.run_table("backtest_fills", "late")
        last = lake.run_table("backtest_positions", "late").filter(pl.col("session") == END)
        with pytest.raises(InvalidInputError, match="the bars end on 2024-06-28"):
            run(spec(end="2024-07-01"), dataclasses.replace(context, job_id="beyond"))
    finally:
        with lake.commit("mended", 1) as transaction:
            transaction.replace("bars", bars, where={"market": "CN"})
    assert "delisted" not in fills["reason"]
    assert name in last["instrument"]
    assert "survivors_only" in codes


def test_run_names_what_the_data_cannot_support(context: TaskContext) -> None:
    codes = {c["code"] for c in run(spec(), context)["caveats"]}
    assert {"survivors_only", "short_sample", "label_horizon"} <= codes


def test_run_of_a_registered_model_counts_its_universe_and_its_training(context: TaskContext) -> None:
    lake = context.lake
    held = lake.predictions(MODEL, 1)["instrument"].unique().to_list()
    members = pl.DataFrame({"instrument": [*held[:10], "601313.SH"], "universe": "csi", "start": date(2023, 12, 1)})
    with lake.commit("universe", 1) as transaction:
        transaction.upsert("universes", members.with_columns(end=pl.lit(None, pl.Date)))
    manifest = {
        "dataset": {"universe": "csi"},
        "segments": {"train": ["2024-01-02", "2024-01-31"], "valid": ["2024-02-01", "2024-02-29"]},
    }  # fmt: skip
    made = Registry(lake.settings).register(
        MODEL, {"model.json": json.dumps(manifest).encode()}, job_id="train", owner="local", visibility="private",
        metrics={}, params={}, pins={}, code_hash="x", environment={}, seed=1,
    )  # fmt: skip
    found = run(spec(model={"name": MODEL, "version": made.version}), context)["caveats"]
    params = {c["code"]: c["params"] for c in found}
    assert (params["survivorship"]["missing"], params["survivorship"]["members"]) == (1, 11)
    assert [c["params"]["segment"] for c in found if c["code"] == "in_sample"] == ["train", "valid"]
