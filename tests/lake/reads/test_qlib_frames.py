"""Frames for people who know Qlib: the values of `D.features` over the same rows."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lake import Lake
from qbrain_core.errors import UnknownNameError
from qbrain_core.factors.fields import FIELDS, expression_fields

ENGINE = Path(__file__).resolve().parents[2] / "support" / "qlib_engine.py"


def write(lake: Lake, bars: pl.DataFrame) -> None:
    with lake.commit("bars", 1) as tx:
        tx.upsert("bars", bars)


@pytest.mark.real
def test_pandas_equals_what_qlib_gives(lake: Lake, cn_bars: pl.DataFrame, tmp_path: Path) -> None:
    codes = cn_bars["instrument"].unique().sort().gather_every(20)
    bars = cn_bars.filter(pl.col("instrument").is_in(codes.implode()) & (pl.col("session") >= date(2023, 6, 1)))
    # a session that one lacks in the middle, and one that lists late
    bars = bars.filter(~((pl.col("instrument") == codes[0]) & (pl.col("session") == date(2024, 1, 5))))
    bars = bars.filter(~((pl.col("instrument") == codes[1]) & (pl.col("session") < date(2024, 1, 5))))
    write(lake, bars)
    expression_fields(lake.bars()).write_parquet(tmp_path / "bars.parquet")
    fields = [f"${name}" for name in FIELDS]
    (tmp_path / "fields.json").write_text(json.dumps({name: f"${name}" for name in FIELDS}))
    arguments = [tmp_path / "bars.parquet", tmp_path / "fields.json", tmp_path / "out.parquet"]
    subprocess.run([sys.executable, str(ENGINE), *map(str, arguments)], check=True, cwd=tmp_path, capture_output=True)
    theirs = pl.read_parquet(tmp_path / "out.parquet").to_pandas().set_index(["session", "instrument"]).sort_index()
    ours = lake.pandas(fields, market="CN")
    assert ours.index.names == ["datetime", "instrument"]
    assert ours.index.is_monotonic_increasing
    assert (ours.dtypes == np.float32).all()
    assert ours.shape[0] == theirs.shape[0] > 5_000
    assert ours.index.get_level_values(1).tolist() == theirs.index.get_level_values(1).tolist()
    assert (ours.index.get_level_values(0) == pd.DatetimeIndex(theirs.index.get_level_values(0))).all()
    for field in fields:
        np.testing.assert_array_equal(ours[field].to_numpy(), theirs[field[1:]].to_numpy(), err_msg=field)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    days = [date(2024, 1, d) for d in (2, 3, 4)]
    rows = [("A.US", days[0], 2.0, False), ("A.US", days[2], 4.0, False), ("B.US", days[1], 5.0, True)]
    frame = pl.DataFrame(rows, schema=["instrument", "session", "close", "halted"], orient="row")
    write(lake, frame.with_columns(factor=3.0, volume=6.0, price_basis=pl.lit("raw")))
    return lake


def test_pandas_fills_gaps_and_halts_with_nan(filled: Lake) -> None:
    frame = filled.pandas(["$close", "$volume", "$factor"], market="US").reset_index()
    assert frame["instrument"].tolist() == ["A.US", "A.US", "B.US", "A.US"]
    np.testing.assert_array_equal(frame["$close"], [6, np.nan, np.nan, 12])
    np.testing.assert_array_equal(frame["$volume"], [2, np.nan, np.nan, 2])
    np.testing.assert_array_equal(frame["$factor"], [3, np.nan, 3, 3])


def test_pandas_takes_names_and_range(filled: Lake) -> None:
    assert filled.pandas(["close"], instruments=["B.US"]).shape == (1, 1)
    assert filled.pandas(market="US", start=date(2024, 1, 4))["$close"].tolist() == [12]
    empty = filled.pandas(market="HK")
    assert empty.shape == (0, 6)
    assert empty.index.names == ["datetime", "instrument"]
    with pytest.raises(UnknownNameError, match=r"did you mean '\$close'"):
        filled.pandas(["$clsoe"], market="US")
