"""Figures against figures of others: vectorbt's return accessor, SciPy's regression, and hand-worked curves."""

import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from qbrain_core import drawdowns
from qbrain_core import performance as perf

YEAR = {"sessions_per_year": 252}
RETURNS = np.random.default_rng(2).normal(4e-4, 0.011, size=700)
BENCHMARK = 0.7 * RETURNS + np.random.default_rng(3).normal(1e-4, 0.006, size=700)


def curve(returns: list[float], *, start: date = date(2024, 1, 30)) -> pl.DataFrame:
    return pl.DataFrame(
        {"session": [start + timedelta(days=i) for i in range(len(returns))], "net_return": returns},
        schema={"session": pl.Date, "net_return": pl.Float64},
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (perf.total_return(RETURNS), "total"),
        (perf.cagr(RETURNS, **YEAR), "annualized"),
        (perf.volatility(RETURNS, **YEAR), "annualized_volatility"),
        (perf.sharpe(RETURNS, **YEAR), "sharpe_ratio"),
        (perf.sortino(RETURNS, **YEAR), "sortino_ratio"),
        (perf.calmar(RETURNS, **YEAR), "calmar_ratio"),
        (drawdowns.max_drawdown(RETURNS), "max_drawdown"),
    ],
)
def test_figure_agrees_with_vectorbt(ours: float, theirs: str) -> None:
    from vectorbt.returns.accessors import ReturnsAccessor

    returns = pd.Series(RETURNS, index=pd.date_range("2020-01-01", periods=len(RETURNS)))
    accessor = ReturnsAccessor(returns, freq="D", year_freq="252D", engine="rust")
    assert ours == pytest.approx(float(getattr(accessor, theirs)()), rel=1e-9)


def test_figures_against_the_benchmark_agree_with_scipy_and_vectorbt() -> None:
    from vectorbt.returns.accessors import ReturnsAccessor

    alpha, beta = perf.alpha_beta(RETURNS, BENCHMARK, **YEAR)
    line = stats.linregress(BENCHMARK, RETURNS)
    assert (alpha, beta) == pytest.approx((line.intercept * 252, line.slope), rel=1e-9)
    days = pd.date_range("2020-01-01", periods=len(RETURNS))
    accessor = ReturnsAccessor(pd.Series(RETURNS, index=days), freq="D", year_freq="252D", engine="rust")
    theirs = accessor.information_ratio(pd.Series(BENCHMARK, index=days))
    ours = perf.information_ratio(RETURNS, BENCHMARK, **YEAR)
    # vectorbt gives it per session, and so does not annualise
    assert ours == pytest.approx(float(theirs) * math.sqrt(252), rel=1e-9)
    excess = (np.mean(RETURNS) - np.mean(BENCHMARK)) * 252
    assert perf.tracking_error(RETURNS, BENCHMARK, **YEAR) == pytest.approx(excess / ours, rel=1e-9)


def test_figures_of_no_sessions_are_undefined() -> None:
    assert perf.total_return([]) == 0
    for figure in (perf.cagr, perf.volatility, perf.sharpe, perf.sortino, perf.calmar):
        assert math.isnan(figure([], **YEAR))


def test_figures_of_returns_that_do_not_vary_are_undefined() -> None:
    assert math.isnan(perf.sharpe([0.01] * 20, **YEAR))
    assert math.isnan(perf.sortino([0.01] * 20, **YEAR))
    assert math.isnan(perf.calmar([0.01] * 20, **YEAR))
    assert all(math.isnan(x) for x in perf.alpha_beta(RETURNS[:20], [0.0] * 20, **YEAR))


def test_benchmark_gaps_are_left_out() -> None:
    holes = BENCHMARK.copy()
    holes[::7] = np.nan
    kept = np.isfinite(holes)
    assert perf.alpha_beta(RETURNS, holes, **YEAR) == perf.alpha_beta(RETURNS[kept], BENCHMARK[kept], **YEAR)


def test_monthly_returns_compound_within_month_and_year() -> None:
    table = perf.monthly_returns(curve([0.1, 0.1, -0.5, 0.2]))
    assert table.rows() == [
        (2024, 0, pytest.approx(1.1 * 1.1 * 0.5 * 1.2 - 1)),
        (2024, 1, pytest.approx(1.1 * 1.1 - 1)),
        (2024, 2, pytest.approx(0.5 * 1.2 - 1)),
    ]


def test_key_figures_without_benchmark_are_none_not_nan() -> None:
    n = 5
    equity = curve([0.01, -0.02, 0.01, 0.0, 0.03]).with_columns(
        turnover=pl.lit(0.2), fees=pl.lit(1.0), slippage=pl.lit(2.0), benchmark_return=pl.lit(None, pl.Float64)
    )
    trips = pl.DataFrame({"pnl": [1.0, -1.0, 3.0, 0.0]})
    figures = perf.key_figures(equity, trips, sessions_per_year=250)
    for name in ("alpha", "beta", "information_ratio", "tracking_error", "benchmark_sharpe", "benchmark_total_return"):
        assert figures[name] is None
    assert figures["turnover"] == pytest.approx(25)
    assert (figures["win_rate"], figures["fees"], figures["slippage"], figures["sessions"]) == (0.5, n, 2 * n, n)
