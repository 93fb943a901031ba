"""How far a curve of returns fell below its peak, and for how long.

Returns are simple, one per session, as decimal fractions. The curve starts at 1 before the first session, so a loss in
the first session is a drawdown.
"""

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

__all__ = ["drawdown", "max_drawdown", "max_drawdown_sessions", "worst_drawdowns"]


def drawdown(returns: ArrayLike) -> NDArray[np.float64]:
    """Measure the fall of the compounded curve from its highest point so far.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)

    Returns
    -------
    array, shape (n_sessions,)
        Fractions, at most 0.
    """
    curve = np.concatenate([[1.0], np.cumprod(1 + np.asarray(returns, dtype=np.float64))])
    return np.asarray(curve / np.maximum.accumulate(curve) - 1, dtype=np.float64)[1:]


def max_drawdown(returns: ArrayLike) -> float:
    """Deepest drawdown.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)

    Returns
    -------
    float
        Fraction, at most 0; 0 for no sessions.
    """
    return float(drawdown(returns).min(initial=0.0))


def max_drawdown_sessions(returns: ArrayLike) -> int:
    """Length of the deepest drawdown: sessions in a row that closed below the peak it fell from.

    Parameters
    ----------
    returns : array_like, shape (n_sessions,)

    Returns
    -------
    int
        Sessions; to the last one where the peak was not reached again; 0 without a drawdown.
    """
    depth = drawdown(returns)
    if not (depth < 0).any():
        return 0
    peaks = np.flatnonzero(np.concatenate([[True], depth >= 0, [True]]))
    trough = int(np.argmin(depth)) + 1
    after = int(np.searchsorted(peaks, trough))
    return int(peaks[after] - peaks[after - 1] - 1)


def worst_drawdowns(curve: pl.DataFrame, *, n: int = 10, column: str = "net_return") -> pl.DataFrame:
    """List the deepest drawdowns, each from its peak until the peak is reached again.

    Parameters
    ----------
    curve : DataFrame, columns (session: date, `column`: f64)
        One row per session, ascending.
    n : int
        Rows at most.
    column : str

    Returns
    -------
    DataFrame, columns (start: date, trough: date, recovery: date, depth: f64, sessions: i32)
        Deepest first. `start` is the first session below the peak; `recovery` is null while it lasts; `sessions` counts
        from start to the last session below the peak.
    """
    sessions = curve["session"].to_list()
    depth = drawdown(curve[column].fill_null(0).to_numpy())
    spans, first = [], None
    for i, below in enumerate([*(depth < 0), False]):
        if below and first is None:
            first = i
        elif not below and first is not None:
            trough = first + int(np.argmin(depth[first:i]))
            recovery = sessions[i] if i < len(sessions) else None
            spans.append((sessions[first], sessions[trough], recovery, float(depth[trough]), i - first))
            first = None
    names = {"start": pl.Date, "trough": pl.Date, "recovery": pl.Date, "depth": pl.Float64, "sessions": pl.Int32}
    return pl.DataFrame(spans, schema=names, orient="row").sort("depth", "start").head(n)
