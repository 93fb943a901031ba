"""Predictions and backtests read back whole, decoded and in order."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from lake import Lake
from qbrain_core.errors import UnknownNameError

SESSIONS = [date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)]


def test_predictions_are_of_one_version_by_session(lake: Lake) -> None:
    keys = pl.DataFrame({"instrument": ["B.US", "A.US"]}).join(pl.DataFrame({"session": SESSIONS}), how="cross")
    with lake.commit("a", 1) as tx:
        for version, score in ((1, 0.5), (2, 0.7)):
            tx.upsert("predictions", keys.with_columns(model=pl.lit("m"), version=version, score=score))
    got = lake.predictions("m", 2, start=SESSIONS[2], instruments=["A.US", "B.US"])
    assert got["session"].to_list() == [SESSIONS[2]] * 2 + [SESSIONS[3]] * 2
    assert got["instrument"].to_list() == ["A.US", "B.US"] * 2
    assert got["score"].unique().to_list() == [0.7]
    assert lake.predictions("m", 3).is_empty()


def run_row(run_id: str, created: datetime) -> dict[str, object]:
    return {
        "run_id": run_id, "owner": "local", "visibility": "private", "created_at": created, "name": run_id,
        "market": "US", "model": "m", "version": 1, "benchmark": None, "start": SESSIONS[0], "end": SESSIONS[3],
        "spec": json.dumps({"kind": "backtest"}), "pins": json.dumps({"bars": 1}), "code_hash": "x",
        "metrics": json.dumps({"sharpe": 1.5}), "caveats": json.dumps([{"code": "survivorship", "params": {}}]),
    }  # fmt: skip


def test_runs_newest_first_and_decoded(lake: Lake) -> None:
    with lake.commit("a", 1) as tx:
        rows = [run_row("r1", datetime(2024, 1, 1, tzinfo=UTC)), run_row("r2", datetime(2024, 2, 1, tzinfo=UTC))]
        tx.upsert("backtest_runs", pl.DataFrame(rows, schema_overrides={"benchmark": pl.String}))
    assert lake.runs()["run_id"].to_list() == ["r2", "r1"]
    assert lake.runs(limit=1)["run_id"].to_list() == ["r2"]
    run = lake.run("r1")
    assert run is not None
    assert (run["metrics"], run["month"]) == ({"sharpe": 1.5}, "2024-01")
    assert run["caveats"] == [{"code": "survivorship", "params": {}}]
    assert lake.run("r3") is None


def test_run_table_gives_one_run_in_key_order(lake: Lake) -> None:
    fill = {
        "side": "sell", "reason": "halt", "phase": "open", "shares": 1.0, "price": None, "detail": "",
        "month": "2024-01", "instrument": "A.US", "session": SESSIONS[0],
    }  # fmt: skip
    rows = [fill | {"run_id": run, "order_id": n} for run in ("r1", "r2") for n in (2, 0, 1)]
    with lake.commit("a", 1) as tx:
        tx.upsert("backtest_rejections", pl.DataFrame(rows, schema_overrides={"price": pl.Float64}))
    got = lake.run_table("backtest_rejections", "r1")
    assert got["order_id"].to_list() == [0, 1, 2]
    assert set(got["run_id"]) == {"r1"}
    with pytest.raises(UnknownNameError, match="backtest_fills"):
        lake.run_table("bars", "r1")
