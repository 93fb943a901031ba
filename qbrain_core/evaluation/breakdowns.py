"""Break a factor's figures down by quantile and by time, and sum its portfolios up."""

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.drawdowns import max_drawdown
from qbrain_core.evaluation.details import Details
from qbrain_core.evaluation.inference import mean_test
from qbrain_core.evaluation.portfolios import Portfolios, quantile_turnover
from qbrain_core.evaluation.rules import Rules
from qbrain_core.evaluation.yardstick import Label
from qbrain_core.performance import sharpe
from qbrain_core.sections import RowOrder, average, correlate

__all__ = ["by_quantile", "by_time", "earned", "mean"]

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]


def by_quantile(codes: Groups, held: Label, rules: Rules, details: Details) -> float:
    """Average the returns of each quantile, with Newey-West errors, and find how much of it is new each time.

    Parameters
    ----------
    codes : ndarray of int, shape (n_signals, n_instruments)
        Quantile of each cell, -1 for none.
    held : Label
        Return over the holding period.
    rules : Rules
    details : Details
        Gets the section `quantile`.

    Returns
    -------
    float
        Monotonicity: Spearman's correlation of the quantiles' numbers with their mean returns; NaN where undefined.
    """
    quantiles, horizon = rules.quantiles, rules.horizon
    counted = held.known & (codes >= 0)
    means, counts = average(held.values, counted, groups=codes, n_groups=quantiles)
    every, _ = average(held.values, counted)
    turnover = quantile_turnover(codes, quantiles=quantiles, horizon=horizon)
    found = []
    for k in range(quantiles):
        own, over = mean_test(means[:, k], horizon=horizon), mean_test(means[:, k] - every[:, 0], horizon=horizon)
        found.append(own.mean)
        values = {"return": own.mean, "error": own.error, "excess": over.mean, "excess_error": over.error}
        names = mean(counts[np.isfinite(means[:, k]), k])
        details.add("quantile", k + 1, values | {"turnover": mean(turnover[:, k]), "names": names})
    return _monotonicity(np.array(found))


def earned(books: Portfolios, persistence: Floats, rules: Rules) -> dict[str, float]:
    """Sum portfolios up.

    Parameters
    ----------
    books : Portfolios
    persistence : ndarray, shape (n_signals,)
        Rank autocorrelation of each session.
    rules : Rules

    Returns
    -------
    dict of str to float
        NaN where undefined; units stand with the columns of the table `evaluation_factors`.
    """
    year = rules.sessions_per_year
    gross, net = (r[np.isfinite(r)] for r in (books.gross, books.net))
    per_session = mean(books.traded[np.isfinite(books.net)])
    in_all = per_session * len(net)
    return {
        "turnover": per_session / 4,  # two legs, two sides
        "rank_autocorrelation": mean(persistence),
        "break_even_bps": abs(float(gross.sum())) / in_all * 1e4 if in_all > 0 else math.nan,
        "gross_return": mean(gross) * year,
        "net_return": mean(net) * year,
        "gross_sharpe": sharpe(gross, sessions_per_year=year),
        "net_sharpe": sharpe(net, sessions_per_year=year),
        "gross_t": mean_test(gross).t,
        "net_max_drawdown": max_drawdown(net) if len(net) else math.nan,
        "top_excess": mean(books.quantiles[:, -1] - books.universe) * year,
    }


def by_time(sessions: pl.DataFrame, rules: Rules, details: Details) -> None:
    """Look at each year and each month by itself.

    Parameters
    ----------
    sessions : DataFrame, columns (session: date, ic, rank_ic, gross, net, turnover: f64)
        Null where there is no value.
    rules : Rules
    details : Details
        Gets the sections `year` and `month`; gross and net are sums.
    """
    by = pl.col("session")
    for (year,), rows in sessions.group_by(by.dt.year(), maintain_order=True):
        test = mean_test(rows["rank_ic"].to_numpy(), horizon=rules.horizon)
        values = {
            "rank_ic": test.mean, "rank_ic_std": test.std, "rank_icir": test.ratio, "rank_ic_t": test.t,
            "positive": test.positive, "ic": mean_test(rows["ic"].to_numpy()).mean,
            "gross": _total(rows["gross"]), "net": _total(rows["net"]),
            "turnover": mean(rows["turnover"].to_numpy()), "sessions": test.n,
        }  # fmt: skip
        details.add("year", year, values)
    for (month,), rows in sessions.group_by(by.dt.strftime("%Y-%m"), maintain_order=True):
        rank_ic, ic = (mean_test(rows[name].to_numpy()) for name in ("rank_ic", "ic"))
        details.add("month", month, {"rank_ic": rank_ic.mean, "ic": ic.mean, "sessions": rank_ic.n})


def mean(values: NDArray[np.generic]) -> float:
    """Average what is finite.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    float
        NaN where nothing is.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    return float(x.mean()) if len(x) else math.nan


def _monotonicity(returns: Floats) -> float:
    # Spearman's correlation of the quantiles' numbers with their mean returns
    there = np.isfinite(returns)
    if there.sum() < 2:
        return math.nan
    ranks = RowOrder.of(returns[None]).ranks(there[None])
    place = np.arange(len(returns), dtype=np.float64)[None]
    return float(correlate(place, ranks, there[None])[0][0, 0])


def _total(values: pl.Series) -> float:
    return float(values.sum()) if values.count() else math.nan
