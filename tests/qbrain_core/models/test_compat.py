import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import qlib.data.dataset.processor as qlib_processors

from qbrain_core.models.compat import repair_processors

STOCK_FILL = qlib_processors.CSZFillna.__call__


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    index = pd.MultiIndex.from_product(
        [pd.date_range("2024-01-30", periods=4), list("ABCDE")], names=["datetime", "instrument"]
    )
    values = rng.standard_normal((20, 3))
    values[rng.random(values.shape) < 0.2] = np.nan
    return pd.DataFrame(values, index=index, columns=pd.MultiIndex.from_product([["feature"], ["x", "y", "z"]]))


def test_fill_with_session_mean_gives_qlibs_values(frame: pd.DataFrame) -> None:
    repair_processors()
    assert qlib_processors.CSZFillna.__call__ is not STOCK_FILL
    processor = qlib_processors.CSZFillna(fields_group="feature")
    pd.testing.assert_frame_equal(processor(frame.copy()), STOCK_FILL(processor, frame.copy()), check_freq=False)


def test_process_inf_takes_the_mean_of_the_finite(frame: pd.DataFrame) -> None:
    repair_processors()
    frame.iloc[0, 0], frame.iloc[1, 0], frame.iloc[2, 0], frame.iloc[3, 0], frame.iloc[4, 0] = (
        np.inf,
        1.0,
        2.0,
        np.nan,
        -np.inf,
    )
    found = qlib_processors.ProcessInf()(frame.copy())
    np.testing.assert_array_equal(found.iloc[:5, 0], [1.5, 1.0, 2.0, np.nan, 1.5])
    pd.testing.assert_frame_equal(found.iloc[5:], frame.iloc[5:], check_freq=False)


_LONELY = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "xgboost", "catboost"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from datetime import date, timedelta
import numpy as np, polars as pl
from qbrain_core.dataset import build_dataset
from qbrain_core.models.training import train
from qbrain_core.specs import DatasetSpec, ModelSpec, Segment
first = date(2024, 1, 1)
keys = pl.DataFrame({"instrument": [f"D{i}.DEMO" for i in range(20)]}).join(
    pl.DataFrame({"session": [first + timedelta(i) for i in range(30)]}), how="cross")
x = np.random.default_rng(0).standard_normal(keys.height)
bounds = {"train": (0, 14), "valid": (15, 20), "test": (21, 29)}
spec = DatasetSpec(market="DEMO", segments={
    n: Segment(start=first + timedelta(a), end=first + timedelta(b)) for n, (a, b) in bounds.items()})
dataset = build_dataset(keys.with_columns(F0=pl.Series(x)), keys.with_columns(label=pl.Series(x)), spec)
params = {"num_boost_round": 5, "lambda_l1": 0, "lambda_l2": 0}
result = train(dataset, ModelSpec(params=params), spec=spec)
assert result.metrics["test"]["rank_ic"] > 0.5, result.metrics
import os
assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
assert not os.path.exists("mlruns"), os.listdir()
"""


def test_training_needs_no_torch_and_leaves_nothing_behind(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LONELY], capture_output=True, text=True, timeout=120, cwd=str(tmp_path), check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""  # neither Qlib nor LightGBM prints


def test_import_model_brings_no_siblings() -> None:
    code = (
        "import sys; from qbrain_core.models.compat import import_model; import_model('gbdt');"
        "assert not {'torch', 'xgboost', 'catboost'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
