"""Live metrics and cancellation of a training that runs inside a library."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import lightgbm

from qbrain_core.models.compat import NoRecorder
from qbrain_core.reporting import Reporter

__all__ = ["lightgbm_progress"]

lightgbm.register_logger(logging.getLogger("lightgbm"))  # else it prints

_AFTER_RECORDING = 25  # LightGBM runs callbacks by order: record_evaluation is 20, early_stopping 30


@contextmanager
def lightgbm_progress(model_module: ModuleType, reporter: Reporter) -> Iterator[dict[str, list[float]]]:
    """Report every boosting round of `lightgbm.train` while the block runs.

    Qlib's models leave no room for a callback of ours, so `lightgbm.train` itself is wrapped, for the whole process,
    until the block ends: one training per process.

    Parameters
    ----------
    model_module : module
        Qlib module whose recorder is silenced meanwhile.
    reporter : Reporter
        Gets `metric` and `check` after every round; an error it raises ends the training between two rounds.

    Yields
    ------
    dict
        Metrics by name (`train.l2`, `valid.l2`), one value per round, filled as the training runs.
    """
    history: dict[str, list[float]] = {}

    def report(env: Any) -> None:
        values = {f"{entry[0]}.{entry[1]}": float(entry[2]) for entry in env.evaluation_result_list or ()}
        for name, value in values.items():
            history.setdefault(name, []).append(value)
        reporter.metric(env.iteration, values, total=env.end_iteration)
        reporter.check()

    report.order = _AFTER_RECORDING  # type: ignore[attr-defined]
    train, recorder = lightgbm.train, model_module.R

    def train_reported(*args: Any, **kwargs: Any) -> Any:
        return train(*args, **{**kwargs, "callbacks": [*(kwargs.get("callbacks") or ()), report]})

    lightgbm.train, model_module.R = train_reported, NoRecorder()  # type: ignore[attr-defined]
    try:
        yield history
    finally:
        lightgbm.train, model_module.R = train, recorder  # type: ignore[attr-defined]
