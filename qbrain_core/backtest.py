"""Replay a strategy over stored scores: bars and scores in, books and key figures out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.accounting import account
from qbrain_core.errors import InvalidInputError
from qbrain_core.execution import Costs, Panel, build_panel, simulate
from qbrain_core.markets import Market
from qbrain_core.performance import key_figures
from qbrain_core.reporting import NULL_REPORTER, Reporter
from qbrain_core.specs import ExecutionSpec, StrategySpec
from qbrain_core.trades import round_trips

__all__ = ["BacktestResult", "benchmark_returns", "replay_scores"]


@dataclass(frozen=True)
class BacktestResult:
    """Everything a run leaves behind.

    Attributes
    ----------
    equity, positions, fills, rejections : DataFrame
        Columns of the tables `backtest_…` without run_id and month.
    metrics : dict
        Key figures by name (`qbrain_core.performance.key_figures`), with n_fills and n_rejections.
    """

    equity: pl.DataFrame
    positions: pl.DataFrame
    fills: pl.DataFrame
    rejections: pl.DataFrame
    metrics: dict[str, float | int | None]


def replay_scores(
    bars: pl.DataFrame,
    scores: pl.DataFrame,
    *,
    sessions: Sequence[date],
    market: Market,
    strategy: StrategySpec,
    execution: ExecutionSpec,
    cash: float,
    lots: Mapping[str, int] | None = None,
    last_bars: Mapping[str, date] | None = None,
    benchmark: pl.DataFrame | None = None,
    reporter: Reporter = NULL_REPORTER,
) -> BacktestResult:
    """Trade scores at the next session's open and keep the books.

    Parameters
    ----------
    bars : DataFrame, columns of the table `bars`
        Bars of every scored instrument on `sessions`, stored basis.
    scores : DataFrame, columns (instrument: str, session: date, score: f64)
        Known at the close of `session`, traded at the next session's open, never at or before the close.
        At most one row per instrument and session; nulls and NaN are no score.
    sessions : sequence of date
        The market's sessions, ascending: the one before the first traded, then every traded one.
    market : Market
    strategy : StrategySpec
    execution : ExecutionSpec
    cash : float
        Start capital, in the market's currency.
    lots : mapping of str to int, optional
        Shares in a board lot by instrument; the market's lot for the rest.
    last_bars : mapping of str to date, optional
        Session of each instrument's last bar ever (see `build_panel`).
    benchmark : DataFrame, columns (session: date, close: f64, factor: f64), optional
        The benchmark's bars, from some session before the first traded one on.
    reporter : Reporter

    Returns
    -------
    BacktestResult

    Raises
    ------
    InvalidInputError
        If no score falls on a session that can be traded, or bars repeat a key.
    AccountingError
        If the books do not balance.
    """
    reporter.stage("panel")
    panel = build_panel(bars, sessions, market=market, lots=lots, last_bars=last_bars)
    matrix = _score_matrix(scores, panel)
    costs = Costs.of(execution, market)
    simulation = simulate(panel, matrix, strategy=strategy, costs=costs, cash=cash, reporter=reporter)
    reporter.stage("account")
    accounts = account(simulation, cash=cash)
    against = benchmark_returns(benchmark, sessions) if benchmark is not None else [None] * (len(sessions) - 1)
    equity = accounts.equity.with_columns(pl.Series("benchmark_return", against, dtype=pl.Float64))
    fills, rejections = simulation.fill_frame(), simulation.rejection_frame()
    metrics = key_figures(equity, round_trips(fills), sessions_per_year=market.sessions_per_year)
    metrics |= {"n_fills": fills.height, "n_rejections": rejections.height}
    return BacktestResult(equity, accounts.positions, fills, rejections, metrics)


def benchmark_returns(benchmark: pl.DataFrame, sessions: Sequence[date]) -> list[float | None]:
    """Compute a benchmark's adjusted close-to-close returns on the sessions of a run.

    Parameters
    ----------
    benchmark : DataFrame, columns (session: date, close: f64, factor: f64)
        A session without a bar counts as unchanged.
    sessions : sequence of date
        Ascending; the first is the session before the first traded one.

    Returns
    -------
    list of float or None, one per session but the first
        None until the benchmark has two closes.
    """
    closes = benchmark.drop_nulls("close").sort("session")
    prices = closes.select("session", price=pl.col("close") * pl.col("factor"))
    asked = pl.DataFrame({"session": list(sessions)}, schema={"session": pl.Date})
    at = asked.join_asof(prices, on="session", strategy="backward")
    return at.select(pl.col("price") / pl.col("price").shift(1) - 1).to_series()[1:].to_list()


def _score_matrix(scores: pl.DataFrame, panel: Panel) -> NDArray[np.float64]:
    rows = pl.DataFrame({"session": panel.sessions, "row": range(len(panel.sessions))})
    columns = pl.DataFrame({"instrument": panel.instruments, "column": range(len(panel.instruments))})
    known = scores.drop_nulls("score").filter(pl.col("score").is_finite())
    cells = known.join(rows, on="session").join(columns, on="instrument")
    if cells.filter(pl.col("row") < len(panel.sessions) - 1).is_empty():
        raise InvalidInputError("scores", scores.height, "none of them falls on a session that could be traded after")
    matrix = np.full((len(panel.sessions), len(panel.instruments)), np.nan)
    matrix[cells["row"].to_numpy(), cells["column"].to_numpy()] = cells["score"].to_numpy()
    return matrix
