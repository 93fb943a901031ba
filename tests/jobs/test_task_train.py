import json
import shutil
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.tasks import train
from lake import Lake
from lake.registry import Registry
from lake.tables import factor_table
from qbrain_core.errors import InvalidInputError, JobCancelledError, JobLostError, UnknownNameError
from qbrain_core.factors import FACTOR_SETS
from qbrain_core.models.artifact import SavedModel
from qbrain_core.reporting import NULL_REPORTER, NullReporter, Reporter
from qbrain_core.settings import Settings
from qbrain_core.specs import DatasetSpec, ModelSpec, Segment, TrainSpec

FIRST = date(2023, 11, 1)
SESSIONS = [FIRST + timedelta(i) for i in range(90)]
NAMES = [f"D{i:05}.DEMO" for i in range(24)]
SET = FACTOR_SETS["alpha158"]
Made = Callable[..., TaskContext]


@pytest.fixture(scope="module")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # MLflow takes a second to make its tables: once is enough
    made = Settings(env="test", home=tmp_path_factory.mktemp("registry"))
    assert Registry(made).models() == []
    return made.home / "mlflow.db"


@pytest.fixture
def market(lake: Lake, settings: Settings, empty_registry: Path) -> Lake:
    """Twenty-four stocks over 90 sessions around a new year; KMID knows the return from t+1 to t+2, with noise."""
    shutil.copy(empty_registry, settings.home / "mlflow.db")
    rng = np.random.default_rng(4)
    returns = rng.normal(0, 0.02, (len(NAMES), len(SESSIONS)))
    close = 20 * np.exp(np.cumsum(returns, axis=1))
    known = np.full_like(returns, np.nan)
    known[:, :-2] = returns[:, 2:] + rng.normal(0, 0.02, (len(NAMES), len(SESSIONS) - 2))
    keys = pl.DataFrame({"instrument": NAMES}).join(pl.DataFrame({"session": SESSIONS}), how="cross")
    price = pl.Series(close.ravel())
    bars = keys.with_columns(
        open=price, high=price, low=price, close=price, volume=1e6, amount=price * 1e6, factor=1.0, halted=False,
        price_basis=pl.lit("raw"),
    )  # fmt: skip
    noise = rng.standard_normal((keys.height, len(SET.expressions))).astype(np.float32)
    factors = keys.with_columns(pl.Series(name, noise[:, j]) for j, name in enumerate(SET.expressions))
    factors = factors.with_columns(KMID=pl.Series(known.ravel()).fill_nan(None).cast(pl.Float32))
    spells = pl.DataFrame({"universe": "some", "instrument": NAMES[:20], "start": FIRST, "end": [None] * 20})
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("bars", bars)
        transaction.upsert("universes", spells.cast({"end": pl.Date}))
        transaction.upsert(factor_table(SET.name, SET.digest, tuple(SET.expressions)), factors)
    return lake


@pytest.fixture
def context(market: Lake, settings: Settings) -> Made:
    def make(
        job_id: str, *, reporter: Reporter = NULL_REPORTER, fence: Callable[[], None] = lambda: None
    ) -> TaskContext:
        return TaskContext(settings, market, reporter, job_id, 1, market.versions(), {}, "0.1.0+x", fence)

    return make


def make_spec(**changes: Any) -> TrainSpec:
    bounds = {"train": (0, 49), "valid": (50, 64), "test": (65, 89)}
    segments = {n: Segment(start=SESSIONS[a], end=SESSIONS[b]) for n, (a, b) in bounds.items()}
    dataset = DatasetSpec(market="DEMO", universe="some", segments=segments)  # type: ignore[arg-type]
    params = {"num_boost_round": 20, "num_leaves": 7, "lambda_l1": 0, "lambda_l2": 0}
    fields: dict[str, Any] = {"register_as": "tiny", "dataset": dataset, "model": ModelSpec(params=params)}
    return TrainSpec(**(fields | changes))


def test_train_registers_a_model_that_found_the_signal(context: Made, settings: Settings) -> None:
    made = context("train-1")
    result = train.run(make_spec(owner="ann", visibility="team"), made)
    assert (result["model"], result["version"], result["features"]) == ("tiny", 1, 158)
    assert result["metrics"]["test"]["rank_ic"] > 0.3
    # 20 members; the horizon of two is purged at the ends of train and valid
    assert [m["rows"] for m in result["metrics"].values()] == [48 * 20, 13 * 20, 25 * 20]
    assert json.loads(json.dumps(result)) == result
    registry = Registry(settings)
    found = registry.get("tiny", 1)
    assert (found.owner, found.visibility, found.job_id, found.seed) == ("ann", "team", "train-1", 7)
    assert found.pins == {t: made.versions[t] for t in (f"factors/alpha158-{SET.digest[:8]}", "bars", "universes")}
    assert found.metrics == result["metrics"]
    assert {"lightgbm", "python"} <= set(found.environment)
    model = SavedModel.from_files(registry.load("tiny", 1))
    assert model.about["factor_table"] == f"factors/alpha158-{SET.digest[:8]}"
    report = json.loads(registry.load_file("tiny", 1, train.REPORT_FILE))
    assert next(iter(report["feature_importance"])) == "KMID"
    assert len(report["history"]["valid.l2"]) == 20


def test_train_twice_registers_once(context: Made, settings: Settings) -> None:
    first = train.run(make_spec(), context("train-1"))
    assert train.run(make_spec(), context("train-1")) == first
    assert len(Registry(settings).versions("tiny")) == 1


def test_train_cancelled_midway_registers_nothing(context: Made, settings: Settings) -> None:
    class Impatient(NullReporter):
        rounds = 0

        def metric(self, step: int, values: Mapping[str, float], *, total: int | None = None) -> None:
            self.rounds += 1

        def check(self) -> None:
            if self.rounds >= 2:
                raise JobCancelledError("stop")

    reporter = Impatient()
    with pytest.raises(JobCancelledError):
        train.run(make_spec(), context("train-1", reporter=reporter))
    assert reporter.rounds == 2
    assert Registry(settings).models() == []


def test_train_lost_job_registers_nothing(context: Made, settings: Settings) -> None:
    def lost() -> None:
        raise JobLostError("a newer attempt owns the job")

    with pytest.raises(JobLostError):
        train.run(make_spec(), context("train-1", fence=lost))
    assert Registry(settings).models() == []


def test_train_wrong_input_is_named(context: Made) -> None:
    dataset = make_spec().dataset
    with pytest.raises(InvalidInputError, match=r"dataset\.universe is 'nobody'"):
        train.run(make_spec(dataset=dataset.model_copy(update={"universe": "nobody"})), context("a"))
    with pytest.raises(UnknownNameError, match="alpha158"):
        train.run(make_spec(dataset=dataset.model_copy(update={"factor_set": "alpha185"})), context("b"))
    with pytest.raises(UnknownNameError, match="num_leaves"):
        train.run(make_spec(model=ModelSpec(params={"num_leafs": 3})), context("c"))
