"""Bars after a day are shuffled: factors, fit, predictions and backtest before it stay as they are, to the bit."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.tasks import backtest, factors, predict, train
from lake import Lake, open_lake
from lake.demo import demo_market
from lake.registry import Registry
from qbrain_core.reporting import NULL_REPORTER
from qbrain_core.settings import Settings
from qbrain_core.specs import JobSpec, parse_spec

VALID, TEST = date(2020, 1, 2), date(2020, 7, 1)
MODEL = "tiny"
RESULTS = ("equity", "positions", "fills", "rejections")
TASKS = {"factors": factors, "train": train, "predict": predict, "backtest": backtest}
STEPS: tuple[dict[str, Any], ...] = (
    {"kind": "factors", "factor_set": "alpha158", "market": "DEMO"},
    {
        "kind": "train", "register_as": MODEL,
        "model": {"family": "lightgbm", "params": {"num_boost_round": 20, "num_leaves": 15}},
        "dataset": {
            "market": "DEMO", "universe": "demo",
            "segments": {
                "train": {"start": "2018-06-01", "end": "2019-12-31"},
                "valid": {"start": VALID, "end": "2020-06-30"},
                "test": {"start": TEST, "end": "2021-02-26"},
            },
            "infer_processors": [
                {"name": name, "params": {"fields_group": "feature"}} for name in ("RobustZScoreNorm", "Fillna")
            ],
        },
    },
    {"kind": "predict", "model": {"name": MODEL}},
    {"kind": "backtest", "model": {"name": MODEL}, "benchmark": "DEMO300.DEMO", "cash": 1_000_000,
     "strategy": {"topk": 8, "n_drop": 2, "stop_loss": 0.05}},
)  # fmt: skip


def research(home: Path, market: dict[str, pl.DataFrame], *kinds: str) -> tuple[Lake, dict[str, Any]]:
    settings = Settings(env="test", home=home)
    settings.make_home()
    lake = open_lake(settings)
    with lake.commit("fill", 1) as transaction:
        for table in ("instruments", "universes", "bars"):
            transaction.upsert(table, market[table])
    results: dict[str, dict[str, Any]] = {}
    for step in STEPS:
        if kinds and step["kind"] not in kinds:
            continue
        made: JobSpec = parse_spec(step)
        context = TaskContext(
            settings=settings, lake=lake, reporter=NULL_REPORTER, job_id=step["kind"], attempt=1, versions={},
            upstream=dict(results), code_hash="x", fence=lambda: None,
        )  # fmt: skip
        results[step["kind"]] = TASKS[step["kind"]].run(made, context)  # type: ignore[attr-defined]
    return lake, json.loads(Registry(settings).load_file(MODEL, 1, train.REPORT_FILE))


def shuffled_after(bars: pl.DataFrame, day: date) -> pl.DataFrame:
    keys = ("instrument", "session", "market", "year")
    later = bars.filter(pl.col("session") > day)
    values = later.select(pl.exclude(keys)).sample(fraction=1.0, shuffle=True, seed=5)
    return pl.concat([bars.filter(pl.col("session") <= day), later.select(keys).hstack(values)], how="diagonal")


@pytest.fixture(scope="module")
def market() -> dict[str, pl.DataFrame]:
    return demo_market(n_instruments=40, end=date(2021, 2, 26))


@pytest.fixture(scope="module")
def whole(market: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, Any]]:
    return research(tmp_path_factory.mktemp("whole"), market)


@pytest.mark.soak
def test_fit_shuffled_validation_changes_nothing_of_the_train_loss(
    market: dict[str, pl.DataFrame], whole: tuple[Lake, dict[str, Any]], tmp_path: Path
) -> None:
    # the last labels of the train segment would look into the shuffled sessions, were they not purged
    shuffled = market | {"bars": shuffled_after(market["bars"], VALID - timedelta(1))}
    history = research(tmp_path, shuffled, "factors", "train")[1]["history"]
    assert history["train.l2"] == whole[1]["history"]["train.l2"]
    assert history["valid.l2"] != whole[1]["history"]["valid.l2"]


def test_research_shuffled_future_changes_nothing_before(
    market: dict[str, pl.DataFrame], whole: tuple[Lake, dict[str, Any]], tmp_path: Path
) -> None:
    day = date(2020, 11, 30)
    lakes = (whole[0], research(tmp_path, market | {"bars": shuffled_after(market["bars"], day)})[0])
    table = next(t for t in lakes[0].versions() if t.startswith("factors/"))
    made = {"factors": [x.factors(table) for x in lakes], "predictions": [x.predictions(MODEL, 1) for x in lakes]}
    made |= {t: [x.run_table(f"backtest_{t}", "backtest") for x in lakes] for t in RESULTS}
    for name, frames in made.items():
        a, b = (f.filter(pl.col("session") <= day).drop("month", strict=False) for f in frames)
        assert a.height > 0, name
        assert a.equals(b), name
        assert not frames[0].equals(frames[1]), f"the shuffle never reached {name}"
