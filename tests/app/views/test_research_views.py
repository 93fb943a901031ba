"""Pages of research and jobs, run by Streamlit's own test runner over a real lake, records and Valkey."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from jobs import submit
from lake import Lake
from qbrain_core.settings import Settings
from qbrain_core.specs import BacktestSpec, ModelRef, dump_spec

RUN, MONTH = "run-1", "2026-05"
DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(30)]


def draw(view: str) -> None:
    from importlib import import_module

    from app.page import guarded
    from app.routes import navigation

    navigation()
    guarded(import_module(f"app.views.{view}").render)()


@pytest.fixture
def visit(settings: Settings) -> Callable[..., AppTest]:
    # each test has a home of its own, while the caches are the process's
    st.cache_data.clear()
    st.cache_resource.clear()

    def run(view: str, **query: str) -> AppTest:
        page = AppTest.from_function(draw, kwargs={"view": view}, default_timeout=30)
        for name, value in query.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        assert "This could not be shown" not in html(page)
        return page

    return run


def html(page: AppTest) -> str:
    return "\n".join(str(item.proto.body) for item in page.get("html"))


@pytest.fixture
def finished_run(lake: Lake) -> str:
    n = len(DAYS)
    spec = BacktestSpec(name="my run", model=ModelRef(name="m"), benchmark="DEMO300.DEMO")
    stamp = {"run_id": RUN, "month": MONTH}
    equity = pl.DataFrame(
        {
            **stamp, "session": DAYS, "equity": 100.0, "cash": 5.0, "positions_value": 95.0,
            "n_positions": pl.Series([2] * n, dtype=pl.Int32), "fees": 0.1, "slippage": 0.1, "turnover": 0.2,
            "net_return": [0.01, -0.02] * (n // 2), "gross_return": [0.011, -0.019] * (n // 2),
            "benchmark_return": [0.0] * n,
        }
    )  # fmt: skip
    order = {**stamp, "order_id": [1], "session": DAYS[:1], "instrument": ["D00001.DEMO"], "phase": ["open"]}
    fills = pl.DataFrame(
        {**order, "side": ["buy"], "reason": ["enter"], "shares": [100.0], "price": [1.0], "factor": [1.0],
         "value": [100.0], "fees": [5.0], "slippage": [0.1]}
    )  # fmt: skip
    rejections = pl.DataFrame(
        {**order, "side": ["buy"], "reason": ["lot"], "shares": [9.0], "price": [1.0], "detail": ["9 of a lot of 100"]}
    )
    positions = pl.DataFrame(
        {**stamp, "session": DAYS[-1:], "instrument": ["D00001.DEMO"], "shares": [100.0], "price": [1.0],
         "value": [100.0], "weight": [0.95]}
    )  # fmt: skip
    caveats = [{"code": "synthetic", "params": {}}, {"code": "short_sample", "params": {"sessions": n}}]
    metrics = {
        "total_return": -0.14,
        "sharpe": -5.2,
        "benchmark_total_return": 0.0,
        "sessions_per_year": 243,
        "sessions": n,
    }
    head = pl.DataFrame(
        {
            **stamp, "owner": "local", "visibility": "private", "created_at": [datetime(2026, 5, 1, tzinfo=UTC)],
            "name": "my run", "market": "DEMO", "model": "m", "version": pl.Series([1], dtype=pl.Int32),
            "benchmark": "DEMO300.DEMO", "start": DAYS[0], "end": DAYS[-1], "spec": json.dumps(dump_spec(spec)),
            "pins": '{"bars": 4}', "code_hash": "0.1.0+abc", "metrics": json.dumps(metrics),
            "caveats": json.dumps(caveats),
        }
    )  # fmt: skip
    with lake.commit(RUN, 1) as transaction:
        for table, frame in (
            ("backtest_equity", equity), ("backtest_positions", positions), ("backtest_fills", fills),
            ("backtest_rejections", rejections), ("backtest_runs", head),
        ):  # fmt: skip
            transaction.upsert(table, frame)
    return RUN


def test_backtests_without_a_run_says_what_to_do(visit, lake):
    assert "No backtest has finished yet." in html(visit("backtests"))


def test_backtests_lists_a_run(visit, finished_run):
    table = visit("backtests").dataframe[0].value
    assert table["name"].tolist() == ["my run"]
    assert table["sharpe"].tolist() == [-5.2]


def test_backtest_that_does_not_exist_is_an_empty_state(visit, lake):
    assert "There is no finished backtest nope." in html(visit("backtest", run="nope"))


def test_backtest_says_what_was_run_and_draws_every_part(visit, finished_run):
    text = html(visit("backtest", run=finished_run))
    for words in (
        "my run", "Synthetic data", "Prices are generated, not observed.", "30 sessions are less than a year.",
        "bars=4", "0.1.0+abc", "-14.00%", "simple returns, compounded; 243 sessions a year", "Worst drawdowns",
    ):  # fmt: skip
        assert words in text
    assert visit("backtest", run=finished_run, tab="positions").dataframe[0].value["weight"].tolist() == [0.95]
    assert visit("backtest", run=finished_run, tab="trades").dataframe[0].value["reason"].tolist() == [
        "Entered the top"
    ]
    ledger = visit("backtest", run=finished_run, tab="rejections").dataframe[0].value
    assert ledger["detail"].tolist() == ["9 of a lot of 100"]
    assert "benchmark: DEMO300.DEMO" in visit("backtest", run=finished_run, tab="files").code[0].value


def test_jobs_page_counts_and_lists(visit, valkey, lake, tmp_path):
    assert "No job has been submitted yet." in html(visit("jobs"))
    source = tmp_path / "bars.csv"
    source.write_text("instrument,session,open,high,low,close,volume\nA.US,2024-01-02,1,1,1,1,10\n")
    made = submit({"kind": "ingest", "path": str(source), "market": "US", "name": "one bar"})
    page = visit("jobs")
    assert page.dataframe[0].value["name"].tolist() == ["one bar"]
    assert visit("jobs", status="failed").dataframe == []
    text = html(visit("job", id=made.id))
    assert "one bar" in text
    assert "queued" in text


def test_job_that_does_not_exist_is_an_empty_state(visit, valkey, lake):
    assert "There is no job nope." in html(visit("job", id="nope"))


def test_training_without_bars_says_what_to_do(visit, valkey, lake):
    assert "No model has been trained yet." in html(visit("training"))
    assert "There are no bars to learn from." in html(visit("training", new="1"))


def test_model_that_does_not_exist_is_an_empty_state(visit, lake):
    assert "There is no such model or version." in html(visit("model", name="nope"))
