import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fsspec
import lightgbm
import numpy as np
import polars as pl
import pytest

from jobs.context import TaskContext
from jobs.tasks import predict
from lake import Lake
from lake.registry import ModelFilesError, Registry
from lake.s3 import S3Access
from lake.tables import factor_table
from qbrain_core.errors import InsufficientDataError, JobCancelledError, UnknownNameError
from qbrain_core.models.artifact import SavedModel
from qbrain_core.reporting import NULL_REPORTER, NullReporter, Reporter
from qbrain_core.settings import Settings
from qbrain_core.specs import DatasetSpec, ModelRef, PredictSpec, Segment

FIRST = date(2023, 11, 1)
SESSIONS = [FIRST + timedelta(i) for i in range(90)]
NAMES = [f"D{i:05}.DEMO" for i in range(8)]
FEATURES = ("F0", "F1", "F2")
TABLE = factor_table("tiny", "0123456789", FEATURES)
Made = Callable[..., TaskContext]


@pytest.fixture(scope="module")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # MLflow takes a second to make its tables: once is enough
    made = Settings(env="test", home=tmp_path_factory.mktemp("registry"))
    assert Registry(made).models() == []
    return made.home / "mlflow.db"


@pytest.fixture
def market(lake: Lake, settings: Settings, empty_registry: Path) -> Lake:
    """Factors of eight stocks over 90 sessions around a new year; six are in the universe."""
    shutil.copy(empty_registry, settings.home / "mlflow.db")
    rng = np.random.default_rng(4)
    keys = pl.DataFrame({"instrument": NAMES}).join(pl.DataFrame({"session": SESSIONS}), how="cross")
    values = rng.standard_normal((keys.height, 3)).astype(np.float32)
    spells = pl.DataFrame({"universe": "some", "instrument": NAMES[:6], "start": FIRST, "end": [None] * 6})
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("universes", spells.cast({"end": pl.Date}))
        transaction.upsert(TABLE, keys.with_columns(pl.Series(name, values[:, j]) for j, name in enumerate(FEATURES)))
    return lake


@pytest.fixture
def register(market: Lake, settings: Settings) -> Callable[..., dict[str, Any]]:
    def make(job_id: str, weight: float = 1.0, table: str = TABLE.name) -> dict[str, Any]:
        x = np.random.default_rng(1).standard_normal((200, 3))
        params = {"verbosity": -1, "num_leaves": 4, "num_threads": 1}
        booster = lightgbm.train(params, lightgbm.Dataset(x, label=weight * x[:, 0]), num_boost_round=5)
        bounds = {"train": (0, 49), "valid": (50, 64), "test": (65, 89)}
        segments = {n: Segment(start=SESSIONS[a], end=SESSIONS[b]) for n, (a, b) in bounds.items()}
        dataset = DatasetSpec(market="DEMO", universe="some", segments=segments)  # type: ignore[arg-type]
        model = SavedModel(
            family="lightgbm", booster=booster.model_to_string(), features=FEATURES, label=dataset.label,
            dataset=dataset.model_dump(mode="json"), processors=(), params={}, seed=7, num_threads=1, best_iteration=5,
            segments={n: (str(s.start), str(s.end)) for n, s in segments.items()}, about={"factor_table": table},
        )  # fmt: skip
        made = Registry(settings).register(
            "tiny", model.to_files(), job_id=job_id, owner="local", visibility="private", metrics={}, params={},
            pins={}, code_hash="", environment={}, seed=7,
        )  # fmt: skip
        return {"model": "tiny", "version": made.version, "best_iteration": 5}

    return make


@pytest.fixture
def context(market: Lake, settings: Settings) -> Made:
    def make(job_id: str, *, reporter: Reporter = NULL_REPORTER, **upstream: dict[str, Any]) -> TaskContext:
        versions = market.versions()
        return TaskContext(settings, market, reporter, job_id, 1, versions, upstream, "0.1.0+x", lambda: None)

    return make


Register = Callable[..., dict[str, Any]]
NEWEST = PredictSpec(model=ModelRef(name="tiny"))


def test_predict_scores_members_from_the_test_segment_on(context: Made, register: Register, market: Lake) -> None:
    register("train-1")
    result = predict.run(NEWEST, context("predict-1"))
    assert {k: result[k] for k in ("model", "version", "table", "rows", "sessions", "start", "end")} == {
        "model": "tiny", "version": 1, "table": "predictions", "rows": 25 * 6, "sessions": 25,
        "start": SESSIONS[65].isoformat(), "end": SESSIONS[89].isoformat(),
    }  # fmt: skip
    scores = market.predictions("tiny", 1)
    assert scores.get_column("instrument").unique().sort().to_list() == NAMES[:6]
    seen = scores.join(market.factors(TABLE.name), on=["instrument", "session"])
    assert seen.select(pl.corr("score", "F0", method="spearman")).item() > 0.8


def test_predict_again_changes_nothing_and_a_wider_range_adds(context: Made, register: Register, market: Lake) -> None:
    register("train-1")
    predict.run(NEWEST, context("predict-1"))
    before, version = market.predictions("tiny", 1), market.versions()["predictions"]
    predict.run(NEWEST, context("predict-2"))
    assert market.versions()["predictions"] == version
    # across the new year, that is over two partitions
    wide = PredictSpec(model=ModelRef(name="tiny"), start=SESSIONS[50], end=SESSIONS[70])
    assert predict.run(wide, context("predict-3"))["rows"] == 21 * 6
    after = market.predictions("tiny", 1)
    assert after.height == 40 * 6
    assert after.filter(pl.col("session") >= SESSIONS[65]).equals(before)


def test_predict_prefers_the_version_its_own_chain_made(context: Made, register: Register) -> None:
    first = register("train-1")
    register("train-2", weight=-1.0)
    assert predict.run(NEWEST, context("predict-1", job=first))["version"] == 1
    assert predict.run(NEWEST, context("predict-2"))["version"] == 2
    chosen = PredictSpec(model=ModelRef(name="tiny", version=2))
    assert predict.run(chosen, context("predict-3", job=first))["version"] == 2


def test_predict_future_cannot_change_earlier_scores(context: Made, register: Register, market: Lake) -> None:
    register("train-1")
    predict.run(NEWEST, context("predict-1"))
    before = market.predictions("tiny", 1)
    later = market.factors(TABLE.name, start=SESSIONS[76]).select("instrument", "session", *FEATURES)
    with market.commit("spoil", 1) as transaction:
        transaction.upsert(TABLE, later.with_columns(pl.col(FEATURES).shuffle(seed=1)))
    predict.run(NEWEST, context("predict-2"))
    after, early = market.predictions("tiny", 1), pl.col("session") <= SESSIONS[75]
    assert after.filter(early).equals(before.filter(early))
    assert not after.equals(before)


def test_predict_reads_the_pinned_version_of_the_factors(context: Made, register: Register, market: Lake) -> None:
    register("train-1")
    pinned = context("predict-1")
    later = market.factors(TABLE.name).select("instrument", "session", *FEATURES)
    with market.commit("spoil", 1) as transaction:
        transaction.upsert(TABLE, later.with_columns(pl.col(FEATURES).shuffle(seed=1)))
    predict.run(NEWEST, pinned)
    old = market.predictions("tiny", 1)
    predict.run(NEWEST, context("predict-2"))
    assert not market.predictions("tiny", 1).equals(old)


def test_predict_cancelled_writes_nothing(context: Made, register: Register, market: Lake) -> None:
    class Stopped(NullReporter):
        def check(self) -> None:
            raise JobCancelledError("stop")

    register("train-1")
    with pytest.raises(JobCancelledError):
        predict.run(NEWEST, context("predict-1", reporter=Stopped()))
    assert market.predictions("tiny", 1).is_empty()


def test_predict_wrong_input_is_named(context: Made, register: Register, settings: Settings) -> None:
    with pytest.raises(UnknownNameError, match="no such name"):
        predict.run(PredictSpec(model=ModelRef(name="absent")), context("predict-1"))
    register("train-1")
    with pytest.raises(InsufficientDataError, match="to score from 2030-01-01"):
        predict.run(PredictSpec(model=ModelRef(name="tiny"), start=date(2030, 1, 1)), context("predict-2"))
    register("train-2", table="factors/gone-00000000")
    with pytest.raises(UnknownNameError, match="gone"):
        predict.run(NEWEST, context("predict-3"))


def test_predict_with_a_changed_model_file_is_refused(context: Made, register: Register, settings: Settings) -> None:
    register("train-1")
    file = Registry(settings).get("tiny", 1).source + "/model.txt"
    files = S3Access.from_environment().file_system() if settings.lake_url else fsspec.filesystem("file")
    files.pipe_file(file, files.cat_file(file) + b" ")
    with pytest.raises(ModelFilesError):
        predict.run(NEWEST, context("predict-1"))
