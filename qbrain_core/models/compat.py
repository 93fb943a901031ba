"""Repairs that pyqlib 0.9.7 needs on the libraries of today; each says why, and has a test that fails without it."""

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import qlib.contrib
import qlib.data.dataset.processor as qlib_processors

__all__ = ["NoRecorder", "import_model", "repair_processors"]


def import_model(module: str) -> ModuleType:
    """Import one of Qlib's model modules without its siblings.

    The `__init__` of `qlib.contrib.model` imports torch, XGBoost and CatBoost where they are installed (3 s and 240 MiB
    that a LightGBM training does not need) and prints a line for each one that is not.

    Parameters
    ----------
    module : str
        Name within `qlib.contrib.model`, such as `gbdt`.

    Returns
    -------
    module
    """
    os.environ.setdefault(
        "MLFLOW_DISABLE_TELEMETRY", "true"
    )  # Qlib imports MLflow, which reports its use when imported
    package = "qlib.contrib.model"
    if package not in sys.modules:
        bare = ModuleType(package, "Qlib's models, imported one by one.")
        bare.__path__ = [f"{folder}/model" for folder in qlib.contrib.__path__]
        sys.modules[package] = bare
    return import_module(f"{package}.{module}")


class NoRecorder:
    """Stands in for Qlib's experiment recorder, which `LGBModel.fit` logs to and which fails unless Qlib is set up."""

    def log_metrics(self, *_: Any, **__: Any) -> None:
        """Drop the metrics; live progress has them already."""


def repair_processors() -> None:
    """Replace four of Qlib's processors by ones of equal values; safe to call again.

    `ProcessInf` loops over days and columns in worker processes (80 s for 23,000 rows of 159 columns) and `CSZFillna`
    applies a Python function per day (58 s). `ZScoreNorm` and `MinMaxNorm` write float64 into float32 columns, which
    pandas 3 refuses.
    """
    qlib_processors.ProcessInf.__call__ = _process_inf
    qlib_processors.CSZFillna.__call__ = _fill_with_session_mean
    qlib_processors.ZScoreNorm.__call__ = _z_score
    qlib_processors.MinMaxNorm.__call__ = _min_max


def _process_inf(_: Any, frame: pd.DataFrame) -> pd.DataFrame:
    for column in frame.columns:
        values = frame[column]
        infinite = np.isinf(values.to_numpy())
        if infinite.any():
            finite = values.mask(infinite)
            frame[column] = finite.where(~infinite, finite.groupby(level="datetime").transform("mean"))
    return frame.sort_index()


def _fill_with_session_mean(processor: Any, frame: pd.DataFrame) -> pd.DataFrame:
    columns = qlib_processors.get_group_columns(frame, processor.fields_group)
    chosen = frame[columns]
    frame[columns] = chosen.fillna(chosen.groupby(level="datetime").transform("mean"))
    return frame


def _z_score(processor: Any, frame: pd.DataFrame) -> pd.DataFrame:
    return _rescale(frame, processor.cols, processor.mean_train, processor.std_train)


def _min_max(processor: Any, frame: pd.DataFrame) -> pd.DataFrame:
    return _rescale(frame, processor.cols, processor.min_val, processor.max_val - processor.min_val)


def _rescale(frame: pd.DataFrame, columns: Any, offset: Any, unit: Any) -> pd.DataFrame:
    values = frame[columns]
    frame[columns] = ((values - offset) / unit).astype(values.dtypes.to_dict())
    return frame
