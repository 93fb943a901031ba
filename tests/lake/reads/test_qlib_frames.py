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
from lake.tables import factor_table
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors.fields import FIELDS, expression_fields

NAN = float("nan")
COMPUTED = {
    "RET": "$close/Ref($close, 1) - 1",
    "MEAN": "Mean($close, 5)/$close",
    "CORR": "Corr($close, Log($volume + 1), 20)",
}
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
    texts = {name: f"${name}" for name in FIELDS} | COMPUTED
    (tmp_path / "fields.json").write_text(json.dumps(texts))
    arguments = [tmp_path / "bars.parquet", tmp_path / "fields.json", tmp_path / "out.parquet"]
    subprocess.run([sys.executable, str(ENGINE), *map(str, arguments)], check=True, cwd=tmp_path, capture_output=True)
    theirs = pl.read_parquet(tmp_path / "out.parquet").to_pandas().set_index(["session", "instrument"]).sort_index()
    ours = lake.pandas(texts, market="CN")
    assert ours.index.names == ["datetime", "instrument"]
    assert ours.index.is_monotonic_increasing
    assert (ours.dtypes == np.float32).all()
    assert ours.shape[0] == theirs.shape[0] > 5_000
    assert ours.index.get_level_values(1).tolist() == theirs.index.get_level_values(1).tolist()
    assert (ours.index.get_level_values(0) == pd.DatetimeIndex(theirs.index.get_level_values(0))).all()
    for name in FIELDS:
        np.testing.assert_array_equal(ours[name].to_numpy(), theirs[name].to_numpy(), err_msg=name)
    for name in COMPUTED:
        a, b = ours[name].to_numpy(float), theirs[name].to_numpy(float)
        assert 0 < np.isnan(b).sum() < len(b) / 10
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * float(np.nanstd(b)), err_msg=name)
    plain = lake.pandas([f"${name}" for name in FIELDS], market="CN")
    pd.testing.assert_frame_equal(plain, ours[list(FIELDS)].set_axis(plain.columns, axis=1))
    for threads, start in ((1, date(2024, 1, 8)), (2, date(2024, 3, 1))):
        late = lake.pandas(COMPUTED, market="CN", start=start, threads=threads)
        whole = ours.loc[ours.index.get_level_values(0) >= pd.Timestamp(start), list(COMPUTED)]
        assert late.index.equals(whole.index)
        np.testing.assert_array_equal(late.to_numpy(), whole.to_numpy())


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


def test_pandas_computes_what_the_rows_say(filled: Lake) -> None:
    frame = filled.pandas(["Ref($close, 1)", "$close", "Mean($close, 3)"], market="US")
    assert list(frame.columns) == ["Ref($close, 1)", "$close", "Mean($close, 3)"]
    assert frame.index.get_level_values(1).tolist() == ["A.US", "A.US", "B.US", "A.US"]
    np.testing.assert_array_equal(frame.to_numpy(), np.float32([[NAN, 6, 6], [6, NAN, 6], [NAN] * 3, [NAN, 12, 9]]))
    ahead = filled.pandas({"label": "Ref($close, -2)"}, market="US", allow_future=True)
    np.testing.assert_array_equal(ahead["label"].to_numpy(), np.float32([12, NAN, NAN, NAN]))
    assert filled.pandas({"x": "$close + 1"}, market="HK").shape == (0, 1)
    assert filled.pandas({"x": "$close + 1"}, market="US", start=date(2025, 1, 1)).shape == (0, 1)
    for text, words in (("Ref($close, -1)", "looks ahead"), ("$close + $pe", r"\$pe"), ("P($$roe_q)", r"\$\$roe_q")):
        with pytest.raises(InvalidInputError, match=words):
            filled.pandas([text], market="US")


def test_dataset_gives_the_rows_of_a_table_by_session(lake: Lake) -> None:
    table = factor_table("tiny", "0" * 64, ("A", "B"))
    days = [date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)]
    rows = [("X.US", days[0], 1.0, None), ("X.US", days[1], 2.0, 20.0), ("W.US", days[1], 3.0, 30.0),
            ("X.US", days[2], None, 50.0), ("V.HK", days[2], 6.0, 60.0)]  # fmt: skip
    with lake.commit("factors", 1) as transaction:
        transaction.upsert(table, pl.DataFrame(rows, ["instrument", "session", "A", "B"], orient="row"))
    fresh = lake.dataset(table.name, market="US")
    frame = lake.dataset(table.name, market="US")  # from what the first has kept
    pd.testing.assert_frame_equal(fresh, frame)
    frame.iloc[0, 1] = 7  # and is one's own
    frame = lake.dataset(table.name, market="US")
    assert list(frame.columns) == ["A", "B"]
    assert (frame.dtypes == np.float32).all()
    assert frame.index.tolist() == [
        (pd.Timestamp(d), n) for d, n in ((days[0], "X.US"), (days[1], "W.US"), (days[1], "X.US"), (days[2], "X.US"))
    ]
    np.testing.assert_array_equal(frame["A"], np.float32([1, 3, 2, NAN]))
    np.testing.assert_array_equal(frame["B"], np.float32([NAN, 30, 20, 50]))
    later = lake.dataset("tiny", ["B"], instruments=["X.US", "V.HK"], start=days[2])
    np.testing.assert_array_equal(later.to_numpy(), np.float32([[60], [50]]))
    assert lake.dataset(table.name, market="US", start=date(2025, 1, 1)).shape == (0, 2)
    between = lake.dataset(table.name, instruments=["X.US", "U.US"], start=days[1], end=days[1])
    assert between.index.tolist() == [(pd.Timestamp(days[1]), "X.US")]
    assert between.to_numpy().tolist() == [[2, 20]]
    with lake.commit("more", 1) as transaction:
        transaction.upsert(
            table, pl.DataFrame(rows[:1], ["instrument", "session", "A", "B"], orient="row").with_columns(A=9)
        )
    assert lake.dataset(table.name, market="US")["A"].iloc[0] == 9
    with pytest.raises(UnknownNameError, match="tiny"):
        lake.dataset(table.name, ["C"], market="US")
