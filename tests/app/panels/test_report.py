"""Figures, curves and notes of the backtest report."""

import math
from datetime import date, timedelta
from typing import get_args

import numpy as np
import polars as pl
import pytest

from app.i18n import catalogue
from app.panels.report_returns import curves, rolling_sharpe
from app.panels.run_table import KEY_FIGURES, runs_frame
from app.panels.wording import FIGURES, FILL_REASONS, REJECTION_REASONS
from qbrain_core.execution.orders import Reason, Refusal
from qbrain_core.performance import key_figures, sharpe, total_return
from qbrain_core.trust import CAVEATS


@pytest.fixture
def sessions() -> pl.DataFrame:
    rng = np.random.default_rng(11)
    n = 300
    return pl.DataFrame(
        {
            "session": [date(2023, 1, 1) + timedelta(days=i) for i in range(n)],
            "net_return": rng.normal(0.001, 0.01, n), "gross_return": rng.normal(0.0012, 0.01, n),
            "benchmark_return": rng.normal(0.0, 0.01, n), "turnover": np.full(n, 0.1), "fees": np.ones(n),
            "slippage": np.ones(n),
        }
    )  # fmt: skip


def test_curves_end_at_the_total_return(sessions):
    found = curves(sessions)
    for column, source in (("net", "net_return"), ("gross", "gross_return"), ("benchmark", "benchmark_return")):
        assert found[column][-1] == pytest.approx(1 + total_return(sessions[source].to_numpy()))
    peak = np.maximum.accumulate(np.r_[1.0, found["net"].to_numpy()])[1:]
    assert found["drawdown"].to_numpy() == pytest.approx(found["net"].to_numpy() / peak - 1)


def test_curves_without_a_benchmark_leave_it_null(sessions):
    found = curves(sessions.with_columns(benchmark_return=pl.lit(None, pl.Float64)))
    assert found["benchmark"].null_count() == found["benchmark_drawdown"].null_count() == found.height


def test_rolling_sharpe_of_the_last_window_is_the_sharpe_of_its_returns(sessions):
    found = rolling_sharpe(sessions, window=60, sessions_per_year=243)
    expected = sharpe(sessions["net_return"].tail(60).to_numpy(), sessions_per_year=243)
    assert found["net"][-1] == pytest.approx(expected, rel=1e-9)
    assert found["net"].null_count() == 59
    assert not math.isnan(found["benchmark"][-1])


def test_every_figure_shown_is_one_the_core_computes(sessions):
    trips = pl.DataFrame({"pnl": [1.0, -1.0]})
    known = set(key_figures(sessions, trips, sessions_per_year=243)) | {"n_fills", "n_rejections"}
    assert set(FIGURES) <= known
    assert set(KEY_FIGURES) <= known


def test_every_reason_and_caveat_has_words_in_both_languages():
    assert set(get_args(Refusal)) == set(REJECTION_REASONS)
    assert set(get_args(Reason)) == set(FILL_REASONS)
    assert [text for text in CAVEATS.values() if text not in catalogue("zh")] == []


def test_runs_frame_spreads_the_figures():
    runs = pl.DataFrame(
        {"run_id": ["a", "b"], "spec": ["{}"] * 2, "pins": ["{}"] * 2, "caveats": ["[]"] * 2,
         "metrics": ['{"sharpe": 1.5, "n_rejections": 3}', '{"sharpe": null}']}
    )  # fmt: skip
    found = runs_frame(runs)
    assert found["sharpe"].to_list() == [1.5, None]
    assert found["n_rejections"].to_list() == [3, None]
    assert found["cagr"].null_count() == 2
