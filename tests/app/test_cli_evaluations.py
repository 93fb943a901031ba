from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from typer.testing import CliRunner

from app.cli.main import app
from jobs.context import TaskContext
from jobs.tasks.evaluate import run
from lake import Lake
from qbrain_core.errors import InvalidInputError
from qbrain_core.reporting import NULL_REPORTER
from qbrain_core.specs import EvaluateSpec

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(30)]
NAMES = [f"{letter}.US" for letter in "ABCDEFGH"]


@pytest.fixture
def evaluated(lake: Lake) -> Lake:
    close = 10 * np.exp(np.random.default_rng(1).normal(0, 0.02, size=(8, 30)).cumsum(axis=1)).ravel()
    bars = pl.DataFrame({"instrument": [n for n in NAMES for _ in DAYS], "session": DAYS * 8}).with_columns(
        *(pl.Series(name, close) for name in ("open", "high", "low", "close")),
        volume=1e3, factor=1.0, halted=False, price_basis=pl.lit("raw"),
    )  # fmt: skip
    listed = pl.DataFrame({"instrument": NAMES, "ticker": list("ABCDEFGH")}).with_columns(
        kind=pl.lit("stock"), currency=pl.lit("USD"), lot=1
    )
    with lake.commit("fill", 1) as transaction:
        transaction.upsert("bars", bars)
        transaction.upsert("instruments", listed)
    context = TaskContext(lake.settings, lake, NULL_REPORTER, "a-run", 1, {}, {}, "code", lambda: None)
    run(EvaluateSpec(market="US", expressions={"change": "$close/Ref($close, 1)"}), context)
    return lake


def _invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_alphalens_writes_a_file_that_pandas_gives_back_with_its_index(evaluated: Lake, tmp_path: Path) -> None:
    file = tmp_path / "change.parquet"
    result = _invoke("alphalens", "a-run", "change", file, "--periods", "1,3")
    assert result.exit_code == 0, result.output
    frame = pd.read_parquet(file)
    assert (frame.index.names, list(frame)[:2]) == (["date", "asset"], ["1D", "3D"])
    assert f"{len(frame)} rows" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-run", "change", "x.parquet"], "run_id is 'no-run'"),
        (["a-run", "chance", "x.parquet"], "did you mean 'change'"),
        (["a-run", "change", "x.parquet", "--periods", "0,5"], "whole numbers from 1"),
        (["a-run", "change", "no/such/folder/x.parquet"], "no such folder"),
    ],
)
def test_alphalens_wrong_input_is_refused(evaluated: Lake, arguments: list[str], message: str) -> None:
    result = _invoke("alphalens", *arguments)
    assert isinstance(result.exception, InvalidInputError)
    assert message in str(result.exception)
