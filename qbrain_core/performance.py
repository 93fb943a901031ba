"""Key figures of a run, each with its convention in its docstring; no figure is defined twice.

Returns are simple (not log), one per session, as decimal fractions. Undefined figures (no data, no variance) are NaN.
Annualising multiplies a mean by `sessions_per_year` and a standard deviation by its root; a standard deviation divides
by n - 1; the risk-free rate is 0.
"""

import math

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from qbrain_core.drawdowns import max_drawdown, max_drawdown_sessions

__all__ = [
    "alpha_beta",
    "cagr",
    "calmar",
    "information_ratio",
    "key_figures",
    "monthly_returns",
    "sharpe",
    "sortino",
    "total_return",
    "tracking_error",
    "volatility",
]

Floats = NDArray[np.float64]


def total_return(returns: ArrayLike) -> float:
    """Compound the returns.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)

    Returns
    -------
    float
        Fraction; 0 for no sessions.
    """
    return float(np.prod(1 + _array(returns)) - 1)


def cagr(returns: ArrayLike, *, sessions_per_year: int) -> float:
    """Compound annual growth rate: (1 + total return) ^ (sessions per year ÷ sessions) - 1.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)
    sessions_per_year : int

    Returns
    -------
    float
        Fraction a year; NaN for no sessions.
    """
    r = _array(returns)
    return float((1 + total_return(r)) ** (sessions_per_year / len(r)) - 1) if len(r) else math.nan


def volatility(returns: ArrayLike, *, sessions_per_year: int) -> float:
    """Annualised standard deviation.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)
    sessions_per_year : int

    Returns
    -------
    float
        Fraction a year; NaN below two sessions.
    """
    return _deviation(_array(returns)) * math.sqrt(sessions_per_year)


def sharpe(returns: ArrayLike, *, sessions_per_year: int) -> float:
    """Annualised mean ÷ annualised standard deviation, risk-free rate 0, arithmetic mean [1]_.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)
    sessions_per_year : int

    Returns
    -------
    float
        NaN where the returns do not vary.

    References
    ----------
    .. [1] Sharpe, *The Sharpe Ratio*, Journal of Portfolio Management, 1994.
    """
    r = _array(returns)
    return _ratio(_mean(r), _deviation(r)) * math.sqrt(sessions_per_year)


def sortino(returns: ArrayLike, *, sessions_per_year: int) -> float:
    """Annualised mean ÷ annualised downside deviation; target 0, every session counts in the denominator [1]_.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)
    sessions_per_year : int

    Returns
    -------
    float
        NaN where no return is negative.

    References
    ----------
    .. [1] Sortino & Price, *Performance Measurement in a Downside Risk Framework*, Journal of Investing, 1994.
    """
    r = _array(returns)
    downside = math.sqrt(_mean(np.minimum(r, 0) ** 2)) if len(r) else math.nan
    return _ratio(_mean(r), downside) * math.sqrt(sessions_per_year)


def calmar(returns: ArrayLike, *, sessions_per_year: int) -> float:
    """CAGR ÷ |deepest drawdown|, over the whole period.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)
    sessions_per_year : int

    Returns
    -------
    float
        NaN without a drawdown.
    """
    return _ratio(cagr(returns, sessions_per_year=sessions_per_year), -max_drawdown(returns))


def tracking_error(returns: ArrayLike, benchmark: ArrayLike, *, sessions_per_year: int) -> float:
    """Annualised standard deviation of the difference to the benchmark.

    Parameters
    ----------
    returns, benchmark : array_like, shape (n_sessions,)
        Sessions where either is NaN are left out.
    sessions_per_year : int

    Returns
    -------
    float
        Fraction a year; NaN below two sessions.
    """
    r, b = _pairs(returns, benchmark)
    return volatility(r - b, sessions_per_year=sessions_per_year)


def information_ratio(returns: ArrayLike, benchmark: ArrayLike, *, sessions_per_year: int) -> float:
    """Annualised mean of the difference to the benchmark ÷ tracking error; arithmetic difference per session.

    Parameters
    ----------
    returns, benchmark : array_like, shape (n_sessions,)
        Sessions where either is NaN are left out.
    sessions_per_year : int

    Returns
    -------
    float
        NaN where the difference does not vary.
    """
    r, b = _pairs(returns, benchmark)
    return sharpe(r - b, sessions_per_year=sessions_per_year)


def alpha_beta(returns: ArrayLike, benchmark: ArrayLike, *, sessions_per_year: int) -> tuple[float, float]:
    """Least-squares line of the returns on the benchmark's.

    Parameters
    ----------
    returns, benchmark : array_like, shape (n_sessions,)
        Sessions where either is NaN are left out.
    sessions_per_year : int

    Returns
    -------
    tuple of float
        (alpha, beta): the intercept × sessions per year (not compounded) and the slope; NaN where the benchmark does
        not vary.
    """
    r, b = _pairs(returns, benchmark)
    if len(r) < 2 or _deviation(b) == 0:
        return math.nan, math.nan
    beta = float(np.cov(r, b)[0, 1] / np.var(b, ddof=1))
    return (_mean(r) - beta * _mean(b)) * sessions_per_year, beta


def monthly_returns(curve: pl.DataFrame, *, column: str = "net_return") -> pl.DataFrame:
    """Compound returns within each calendar month, and within each year.

    Parameters
    ----------
    curve : DataFrame, columns (session: date, `column`: f64)
        One row per session; nulls count as no return.
    column : str

    Returns
    -------
    DataFrame, columns (year: i32, month: i8, return: f64)
        Ascending; month 0 is the whole year.
    """
    compounded = ((1 + pl.col(column).fill_null(0)).product() - 1).alias("return")
    dated = curve.with_columns(year=pl.col("session").dt.year(), month=pl.col("session").dt.month())
    years = dated.group_by("year").agg(compounded).with_columns(month=pl.lit(0, pl.Int8))
    months = dated.group_by("year", "month").agg(compounded)
    order = ["year", "month", "return"]
    return pl.concat([years.select(order), months.select(order)]).sort("year", "month")


def key_figures(equity: pl.DataFrame, trips: pl.DataFrame, *, sessions_per_year: int) -> dict[str, float | int | None]:
    """Compute every key figure of a run.

    Parameters
    ----------
    equity : DataFrame, columns of the table `backtest_equity`
        At least net_return, turnover, fees, slippage and benchmark_return (null without a benchmark).
    trips : DataFrame
        Closed round trips (`qbrain_core.trades.round_trips`).
    sessions_per_year : int

    Returns
    -------
    dict of str to float, int or None
        Fractions; None where a figure is undefined. `turnover` is a year's, one-sided: the mean of (bought + sold) ÷
        equity, halved. `win_rate` is the share of closed round trips that earned money after all costs.
        `fees` and `slippage` are in currency.
    """
    r, b = equity["net_return"].to_numpy(), equity["benchmark_return"].cast(pl.Float64).fill_null(math.nan).to_numpy()
    year = {"sessions_per_year": sessions_per_year}
    alpha, beta = alpha_beta(r, b, **year)
    figures: dict[str, float | int] = {
        "total_return": total_return(r),
        "cagr": cagr(r, **year),
        "volatility": volatility(r, **year),
        "sharpe": sharpe(r, **year),
        "sortino": sortino(r, **year),
        "calmar": calmar(r, **year),
        "max_drawdown": max_drawdown(r),
        "max_drawdown_sessions": max_drawdown_sessions(r),
        "turnover": _mean(equity["turnover"].to_numpy()) / 2 * sessions_per_year,
        "information_ratio": information_ratio(r, b, **year),
        "tracking_error": tracking_error(r, b, **year),
        "alpha": alpha,
        "beta": beta,
        "win_rate": float((trips["pnl"] > 0).sum() / trips.height) if trips.height else math.nan,
        "n_round_trips": trips.height,
        "fees": float(equity["fees"].sum()),
        "slippage": float(equity["slippage"].sum()),
        "sessions": equity.height,
        **year,
    }
    known = b[np.isfinite(b)]
    for name, value in (
        ("total_return", total_return(known) if len(known) else math.nan),
        ("cagr", cagr(known, **year)),
        ("volatility", volatility(known, **year)),
        ("sharpe", sharpe(known, **year)),
        ("max_drawdown", max_drawdown(known) if len(known) else math.nan),
    ):
        figures[f"benchmark_{name}"] = value
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def _array(a: ArrayLike) -> Floats:
    return np.asarray(a, dtype=np.float64)


def _pairs(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    x, y = _array(a), _array(b)
    both = np.isfinite(x) & np.isfinite(y)
    return x[both], y[both]


def _mean(a: Floats) -> float:
    return float(a.mean()) if len(a) else math.nan


def _deviation(a: Floats) -> float:
    # a constant series has rounding noise for a deviation; call it none
    if len(a) < 2:
        return math.nan
    return 0.0 if np.ptp(a) == 0 else float(a.std(ddof=1))


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
