"""The main job on the demo market: factors, a model, its predictions, and what trading them would have earned."""

from datetime import date

from qbrain_core.specs import (
    BacktestSpec,
    DatasetSpec,
    FactorsSpec,
    JobSpec,
    ModelRef,
    ModelSpec,
    PredictSpec,
    Segment,
    StrategySpec,
    TrainSpec,
)

__all__ = ["BENCHMARK", "MODEL", "main_job"]

MODEL = "demo-lightgbm"
"""Name the demo's model is registered under."""

BENCHMARK = "DEMO300.DEMO"
"""The demo market's index."""


def main_job(*, owner: str = "local") -> list[JobSpec]:
    """Make the four linked specs of the demo's first run.

    Parameters
    ----------
    owner : str
        User they belong to.

    Returns
    -------
    list of JobSpec
        factors, train, predict, backtest; each names the one before in `after`.
    """
    model = ModelRef(name=MODEL)
    return [
        FactorsSpec(name="demo-factors", owner=owner, market="DEMO"),
        TrainSpec(
            name="demo-train", owner=owner, after=("demo-factors",), register_as=MODEL,
            model=ModelSpec(family="lightgbm", params={"num_boost_round": 400, "early_stopping_rounds": 30}),
            dataset=DatasetSpec(
                market="DEMO", universe="demo",
                segments={
                    "train": Segment(start=date(2018, 1, 2), end=date(2022, 12, 30)),
                    "valid": Segment(start=date(2023, 1, 3), end=date(2023, 12, 29)),
                    "test": Segment(start=date(2024, 1, 2), end=date(2025, 12, 31)),
                },
            ),
        ),
        PredictSpec(name="demo-predict", owner=owner, after=("demo-train",), model=model),
        BacktestSpec(
            name="demo-backtest", owner=owner, after=("demo-predict",), model=model, benchmark=BENCHMARK,
            strategy=StrategySpec(topk=30, n_drop=3, stop_loss=0.08), cash=1_000_000.0,
        ),
    ]  # fmt: skip
