"""The report of a backtest over the demo lake."""

import json
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import expect

from lake import open_lake
from qbrain_core.backtest import replay_scores
from qbrain_core.markets import MARKETS
from qbrain_core.specs import BacktestSpec, ModelRef, StrategySpec, dump_spec
from qbrain_core.trust import caveats_of_run

RUN = "e2e-run"


@pytest.fixture(scope="module")
def report(stack) -> str:
    lake = open_lake(stack.settings)
    sessions = lake.sessions("DEMO")[-300:]
    stocks = lake.instruments(market="DEMO", kind="stock")["instrument"].to_list()
    bars = lake.bars(instruments=stocks, start=sessions[0], end=sessions[-1])
    noise = pl.Series("score", np.random.default_rng(1).normal(size=bars.height))
    scores = bars.select("instrument", "session").with_columns(noise)
    spec = BacktestSpec(
        name="noise", model=ModelRef(name="noise"), benchmark="DEMO300.DEMO", cash=400_000.0,
        strategy=StrategySpec(topk=10, n_drop=2, stop_loss=0.05),
    )  # fmt: skip
    bench = lake.bars(instruments=["DEMO300.DEMO"], start=sessions[0] - timedelta(days=30), end=sessions[-1])
    result = replay_scores(
        bars, scores, sessions=sessions, market=MARKETS["DEMO"], strategy=spec.strategy, execution=spec.execution,
        cash=spec.cash, benchmark=bench.select("session", "close", "factor"),
    )  # fmt: skip
    caveats = caveats_of_run(
        bars, sessions[1:], market=MARKETS["DEMO"], benchmark=spec.benchmark, benchmark_kind="index",
        last_score=sessions[-1],
    )  # fmt: skip
    now = datetime.now(UTC)
    stamp = {"run_id": pl.lit(RUN), "month": pl.lit(f"{now:%Y-%m}")}
    head = {
        "run_id": RUN, "month": f"{now:%Y-%m}", "owner": "local", "visibility": "private", "created_at": now,
        "name": "noise", "market": "DEMO", "model": "noise", "version": 1, "benchmark": spec.benchmark,
        "start": sessions[1], "end": sessions[-1], "spec": json.dumps(dump_spec(spec)), "pins": '{"bars": 1}',
        "code_hash": "0.1.0+e2e", "metrics": json.dumps(result.metrics), "caveats": json.dumps(caveats),
    }  # fmt: skip
    with lake.commit(RUN, 1) as transaction:
        for table in ("equity", "positions", "fills", "rejections"):
            frame = getattr(result, table).with_columns(**stamp)
            transaction.replace(f"backtest_{table}", frame, where={"run_id": RUN})
        transaction.replace("backtest_runs", pl.DataFrame([head]), where={"run_id": RUN})
    return f"/backtest?run={RUN}"


def test_backtest_report_shows_figures_pictures_and_caveats(visit, report):
    page = visit(report)
    expect(page.get_by_text("What the data cannot support")).to_be_visible()
    expect(page.get_by_text("Prices are generated, not observed.")).to_be_visible()
    for label in ("Sharpe", "Max drawdown", "Information ratio", "Annual turnover"):
        expect(page.locator(".qb-kpi .qb-label", has_text=re.compile(f"^{label}$"))).to_be_visible()
    expect(page.get_by_test_id("stEChartsChart").locator("canvas").first).to_be_visible()
    expect(page.get_by_test_id("stEChartsChart")).to_have_count(5)
    page.get_by_text("Logarithmic scale").click()
    page.wait_for_url(re.compile("log=true"))


def test_backtest_parts_stand_in_the_url_in_either_language(visit, report):
    page = visit(report)
    page.get_by_role("button", name="Rejections").or_(page.get_by_role("radio", name="Rejections")).click()
    page.wait_for_url(re.compile("tab=rejections"))
    expect(page.get_by_text("Rejection ledger")).to_be_visible()
    chinese = visit(f"{report}&tab=rejections", language="zh-CN", dark=True)
    expect(chinese.get_by_text("未成交台账")).to_be_visible()


def test_backtest_exports_its_tables(visit, report):
    page = visit(f"{report}&tab=files")
    with page.expect_download() as waiting:
        page.locator(".st-key-csv_backtest_equity button").click()
    text = waiting.value.path().read_text()
    assert text.startswith("session,equity,cash,positions_value")
    assert text.count("\n") == 300


def test_backtests_list_opens_a_report(visit, report):
    page = visit("/backtests")
    table = page.locator("[data-testid=stDataFrame]")
    expect(table).to_be_visible()
    table.click(position={"x": 60, "y": 55})
    page.wait_for_url(re.compile(f"/backtest\\?run={RUN}"))
