from collections.abc import Mapping

import lightgbm
import polars as pl
import pytest
from qlib.data.dataset.handler import DataHandlerLP

from qbrain_core.dataset import build_dataset
from qbrain_core.errors import JobCancelledError
from qbrain_core.evaluation import ic, ic_summary
from qbrain_core.models.artifact import SavedModel
from qbrain_core.models.compat import import_model
from qbrain_core.models.training import TrainResult, train
from qbrain_core.reporting import NullReporter
from qbrain_core.specs import DatasetSpec, ModelSpec, ProcessorSpec

Panel = tuple[pl.DataFrame, pl.DataFrame]
MODEL = ModelSpec(params={"num_boost_round": 25, "num_leaves": 7, "lambda_l1": 0.0, "colsample_bytree": 0.5})


class Witness(NullReporter):
    """Keeps what it is told, and asks to stop after so many rounds."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stages: list[str] = []
        self.metrics: list[tuple[int, dict[str, float], int | None]] = []
        self.stop_after = stop_after

    def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
        self.stages.append(name)

    def metric(self, step: int, values: Mapping[str, float], *, total: int | None = None) -> None:
        self.metrics.append((step, dict(values), total))

    def check(self) -> None:
        if self.stop_after is not None and len(self.metrics) >= self.stop_after:
            raise JobCancelledError("stop")


def fit(panel: Panel, spec: DatasetSpec, reporter: NullReporter | None = None, **options: int) -> TrainResult:
    dataset = build_dataset(*panel, spec)
    return train(dataset, MODEL, spec=spec, reporter=reporter or NullReporter(), **options)


def test_train_finds_the_planted_signal(panel: Panel, spec: DatasetSpec) -> None:
    result = fit(panel, spec)
    assert float(result.metrics["test"]["rank_ic"] or 0) > 0.4
    assert next(iter(result.feature_importance)) == "F0"
    assert sum(result.feature_importance.values()) == pytest.approx(1.0)
    assert result.metrics["train"]["n_sessions"] == 33  # 35 less the label's horizon of two
    assert 1 <= result.best_iteration <= 25


def test_train_judges_raw_labels(panel: Panel, spec: DatasetSpec) -> None:
    features, labels = panel
    result = fit(panel, spec)
    test = spec.segments["test"]
    scored = (
        result.model.predict(features).join(labels, on=["instrument", "session"]).rename({"label": "forward_return"})
    )
    judged = ic_summary(ic(scored.filter(pl.col("session").is_between(test.start, test.end))))
    assert result.metrics["test"]["ic"] == pytest.approx(judged["mean"], abs=1e-9)


def test_train_same_input_same_scores_whatever_the_threads(panel: Panel, spec: DatasetSpec) -> None:
    first, again, alone = fit(panel, spec), fit(panel, spec), fit(panel, spec, num_threads=1)
    assert first.model.to_files() == again.model.to_files()
    features = panel[0]
    assert first.model.predict(features).equals(alone.model.predict(features))
    assert not first.model.predict(features).equals(fit(panel, spec, seed=8).model.predict(features))


def test_train_reports_every_round(panel: Panel, spec: DatasetSpec) -> None:
    witness = Witness()
    result = fit(panel, spec, witness)
    assert witness.stages == ["fit", "predict", "evaluate"]
    assert [m[0] for m in witness.metrics] == list(range(len(witness.metrics)))
    assert witness.metrics[0][2] == 25
    assert result.history["valid.l2"] == [m[1]["valid.l2"] for m in witness.metrics]
    assert set(result.history) == {"train.l2", "valid.l2"}


def test_train_cancel_stops_within_a_round_and_undoes_its_hooks(panel: Panel, spec: DatasetSpec) -> None:
    gbdt = import_model("gbdt")
    before = lightgbm.train, gbdt.R
    witness = Witness(stop_after=3)
    with pytest.raises(JobCancelledError):
        fit(panel, spec, witness)
    assert len(witness.metrics) == 3
    assert (lightgbm.train, gbdt.R) == before


def test_train_constant_scores_have_no_ic(panel: Panel, spec: DatasetSpec) -> None:
    dataset = build_dataset(*panel, spec)
    result = train(dataset, ModelSpec(params={"num_boost_round": 2, "lambda_l1": 1e6}), spec=spec)
    assert result.metrics["test"]["ic"] is None
    assert result.metrics["test"]["rank_icir"] is None
    assert result.metrics["test"]["rows"] == 13 * 30


@pytest.mark.parametrize(
    "processors",
    [
        (),
        (
            ProcessorSpec(name="RobustZScoreNorm", params={"fields_group": "feature"}),
            ProcessorSpec(name="Fillna", params={"fields_group": "feature"}),
        ),
        (ProcessorSpec(name="CSRankNorm", params={"fields_group": "feature"}),),
        (ProcessorSpec(name="ZScoreNorm", params={"fields_group": "feature"}),),
        (ProcessorSpec(name="MinMaxNorm", params={"fields_group": "feature"}),),
    ],
    ids=lambda p: "+".join(x.name for x in p) or "none",
)
def test_saved_model_scores_as_qlibs_model(
    panel: Panel, spec: DatasetSpec, processors: tuple[ProcessorSpec, ...]
) -> None:
    features, labels = panel
    holed = features.with_columns(F1=pl.when(pl.col("F1") > -1.0).then("F1"))
    spec = spec.model_copy(update={"infer_processors": processors})
    dataset = build_dataset(holed, labels, spec)
    result = train(dataset, MODEL, spec=spec)
    model = SavedModel.from_files(result.model.to_files())
    test = spec.segments["test"]
    rows = holed.filter(pl.col("session").is_between(test.start, test.end)).sort("session", "instrument")
    scores = model.predict(rows)
    # Qlib's own processed rows through the same booster
    inputs = dataset.prepare("test", col_set="feature", data_key=DataHandlerLP.DK_I)
    expected = lightgbm.Booster(model_str=result.model.booster).predict(inputs.to_numpy())
    assert scores["score"].to_list() == pytest.approx(expected, abs=1e-12)
    assert scores["instrument"].to_list() == inputs.index.get_level_values("instrument").to_list()
