"""Technical indicators of one instrument, for its chart.

Every function takes the bars of one instrument, ascending by session, and gives a frame of the same height whose
columns align with it row by row, float64. TA-Lib computes; rows without prices (halts) are passed over and stay null,
as do the rows before the first value.
"""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import talib
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError

__all__ = ["atr", "boll", "ema", "kdj", "ma", "macd", "obv", "rsi"]

_Array = NDArray[np.float64]


def ma(bars: pl.DataFrame, *, windows: Sequence[int] = (5, 10, 20, 60)) -> pl.DataFrame:
    """Average the close over moving windows.

    Parameters
    ----------
    bars : DataFrame, columns (close)
    windows : sequence of int
        Sessions, each at least 2.

    Returns
    -------
    DataFrame, columns (ma<window>, …)
        In price.

    Raises
    ------
    InvalidInputError
        If a window is shorter than 2.
    """
    names = [f"ma{n}" for n in _windows("windows", *windows)]
    return _apply(bars, ("close",), names, lambda close: [talib.SMA(close, n) for n in windows])


def ema(bars: pl.DataFrame, *, windows: Sequence[int] = (12, 26)) -> pl.DataFrame:
    """Average the close with weights that decay, each average seeded with the simple average of its first window.

    Parameters
    ----------
    bars : DataFrame, columns (close)
    windows : sequence of int
        Sessions, each at least 2; the weight of the newest close is 2 ÷ (window + 1).

    Returns
    -------
    DataFrame, columns (ema<window>, …)
        In price.

    Raises
    ------
    InvalidInputError
        If a window is shorter than 2.
    """
    names = [f"ema{n}" for n in _windows("windows", *windows)]
    return _apply(bars, ("close",), names, lambda close: [talib.EMA(close, n) for n in windows])


def boll(bars: pl.DataFrame, *, window: int = 20, width: float = 2.0) -> pl.DataFrame:
    """Draw Bollinger bands: a moving average, and `width` population standard deviations to either side.

    Parameters
    ----------
    bars : DataFrame, columns (close)
    window : int
        Sessions, at least 2.
    width : float
        Standard deviations.

    Returns
    -------
    DataFrame, columns (boll_upper, boll_middle, boll_lower)
        In price.

    Raises
    ------
    InvalidInputError
        If the window is shorter than 2.
    """
    _windows("window", window)
    names = ("boll_upper", "boll_middle", "boll_lower")
    return _apply(bars, ("close",), names, lambda close: talib.BBANDS(close, window, width, width))


def macd(bars: pl.DataFrame, *, fast: int = 12, slow: int = 26, signal: int = 9) -> pl.DataFrame:
    """Measure how moving averages converge and diverge (MACD).

    Parameters
    ----------
    bars : DataFrame, columns (close)
    fast, slow, signal : int
        Windows of the exponential averages, in sessions, each at least 2.

    Returns
    -------
    DataFrame, columns (macd_dif, macd_dea, macd_hist)
        In price. `macd_hist` = dif − dea; charts of the Chinese market draw twice that.

    Raises
    ------
    InvalidInputError
        If a window is shorter than 2 or `fast` is not below `slow`.
    """
    _windows("fast, slow, signal", fast, slow, signal)
    if fast >= slow:
        raise InvalidInputError("fast", fast, f"it must be below slow ({slow})")
    names = ("macd_dif", "macd_dea", "macd_hist")
    return _apply(bars, ("close",), names, lambda close: talib.MACD(close, fast, slow, signal))


def rsi(bars: pl.DataFrame, *, window: int = 14) -> pl.DataFrame:
    """Compute the relative strength index (RSI) with Wilder's smoothing [1]_.

    Parameters
    ----------
    bars : DataFrame, columns (close)
    window : int
        Sessions, at least 2.

    Returns
    -------
    DataFrame, columns (rsi<window>)
        From 0 to 100.

    Raises
    ------
    InvalidInputError
        If the window is shorter than 2.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.
    """
    _windows("window", window)
    return _apply(bars, ("close",), (f"rsi{window}",), lambda close: [talib.RSI(close, window)])


def kdj(bars: pl.DataFrame, *, window: int = 9, k: int = 3, d: int = 3) -> pl.DataFrame:
    """Compute the stochastic oscillator in its Chinese form: K and D smooth with weight 1/k and 1/d, J = 3K − 2D.

    Parameters
    ----------
    bars : DataFrame, columns (high, low, close)
    window, k, d : int
        Sessions, each at least 2.

    Returns
    -------
    DataFrame, columns (kdj_k, kdj_d, kdj_j)
        K and D from 0 to 100; J may leave that range. The averages start from a simple average, not from 50.

    Raises
    ------
    InvalidInputError
        If a window is shorter than 2.
    """
    _windows("window, k, d", window, k, d)

    def stochastic(high: _Array, low: _Array, close: _Array) -> list[_Array]:
        # an exponential average over 2n − 1 gives the newest value the weight 1/n
        exponential = talib.MA_Type.EMA  # type: ignore[attr-defined]
        fast, slow = talib.STOCH(high, low, close, window, 2 * k - 1, exponential, 2 * d - 1, exponential)
        return [fast, slow, 3 * fast - 2 * slow]

    return _apply(bars, ("high", "low", "close"), ("kdj_k", "kdj_d", "kdj_j"), stochastic)


def atr(bars: pl.DataFrame, *, window: int = 14) -> pl.DataFrame:
    """Compute the average true range (ATR) with Wilder's smoothing.

    Parameters
    ----------
    bars : DataFrame, columns (high, low, close)
    window : int
        Sessions, at least 2.

    Returns
    -------
    DataFrame, columns (atr<window>)
        In price.

    Raises
    ------
    InvalidInputError
        If the window is shorter than 2.
    """
    _windows("window", window)
    names = (f"atr{window}",)
    return _apply(bars, ("high", "low", "close"), names, lambda high, low, close: [talib.ATR(high, low, close, window)])


def obv(bars: pl.DataFrame) -> pl.DataFrame:
    """Compute on-balance volume (OBV): the running sum of volume, signed by the direction of the close.

    Parameters
    ----------
    bars : DataFrame, columns (close, volume)

    Returns
    -------
    DataFrame, columns (obv)
        In shares; starts at the first session's volume.
    """
    return _apply(bars, ("close", "volume"), ("obv",), lambda close, volume: [talib.OBV(close, volume)])


def _windows(parameter: str, *values: int) -> Sequence[int]:
    for value in values:
        if value < 2:
            raise InvalidInputError(parameter, value, "a window has at least 2 sessions")
    return values


def _apply(
    bars: pl.DataFrame, columns: Sequence[str], names: Sequence[str], function: Callable[..., Sequence[_Array]]
) -> pl.DataFrame:
    # TA-Lib carries a NaN on to every later row, so it only ever sees complete rows
    inputs = [bars[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in columns]
    complete = np.all(np.isfinite(inputs), axis=0)
    result = {}
    for name, values in zip(names, function(*(np.ascontiguousarray(x[complete]) for x in inputs)), strict=True):
        column = np.full(bars.height, np.nan)
        column[complete] = values
        result[name] = pl.Series(column, nan_to_null=True)
    return pl.DataFrame(result)
