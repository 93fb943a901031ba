"""Finished backtests with their key figures as columns."""

import json

import polars as pl

__all__ = ["KEY_FIGURES", "runs_frame"]

KEY_FIGURES = ("total_return", "cagr", "sharpe", "max_drawdown", "information_ratio", "turnover")
"""Figures a list of runs shows."""


def runs_frame(runs: pl.DataFrame) -> pl.DataFrame:
    """Spread the key figures of runs over columns.

    Parameters
    ----------
    runs : DataFrame, columns of the table `backtest_runs`

    Returns
    -------
    DataFrame
        In the same order, with one f64 column per key figure and `n_rejections`, null where a run lacks it.
    """
    figures = [json.loads(text) for text in runs["metrics"]]
    spread = [
        pl.Series(name, [f.get(name) for f in figures], dtype=pl.Float64) for name in (*KEY_FIGURES, "n_rejections")
    ]
    return runs.drop("spec", "pins", "metrics", "caveats").with_columns(spread)
