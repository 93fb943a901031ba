"""How each operator is computed on stacked instruments.

Rolling statistics are pandas' own, run once over all instruments of a block through an indexer whose windows never
cross into the previous instrument. Qlib calls the same kernels one instrument at a time, so values are equal to the
bit; only `Slope`, `Rsquare` and `Resi` differ, in the last digits, because Qlib has running sums of its own there.
Operators without a reference below follow `qlib.data.ops` 0.9.7.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.indexers import BaseIndexer

__all__ = ["KERNELS", "Array", "Stack"]

Array: TypeAlias = NDArray[Any]
Kernel: TypeAlias = Callable[..., Array]

_FLAT = 2e-5  # a standard deviation up to this counts as none, in Rsquare and Corr


class _Windows(BaseIndexer):
    # up to `window_size` rows ending at each row (0: all), never before `first`
    first: NDArray[np.int64]
    window_size: int

    def get_window_bounds(
        self,
        num_values: int = 0,
        min_periods: int | None = None,
        center: bool | None = None,
        closed: str | None = None,
        step: int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        end = np.arange(1, num_values + 1, dtype=np.int64)
        start = np.maximum(end - self.window_size, self.first) if self.window_size else self.first
        return start, end


class Stack:
    """Instruments one after another in one column, each on consecutive sessions.

    Parameters
    ----------
    lengths : ndarray of int, shape (n_instruments,)
        Rows of each instrument.
    """

    def __init__(self, lengths: NDArray[np.int64]) -> None:
        starts = np.cumsum(lengths) - lengths
        self.first = np.repeat(starts, lengths)
        self._last = np.repeat(starts + lengths - 1, lengths)
        self._rows = np.arange(len(self.first))

    @cached_property
    def age(self) -> NDArray[np.int64]:
        """Rows since the instrument's first, shape (n_rows,)."""
        return self._rows - self.first

    def rolling(self, x: Array, window: float) -> Any:
        """Open pandas windows over a column.

        Parameters
        ----------
        x : ndarray, shape (n_rows,)
        window : float
            Rows; 0: all since the instrument's first.

        Returns
        -------
        pandas.api.typing.Rolling
            One value suffices (`min_periods=1`).
        """
        indexer = _Windows(window_size=int(window), first=self.first)
        return pd.Series(x).rolling(indexer, min_periods=1)

    def shift(self, x: Array, rows: float) -> Array:
        """Take each value from earlier (or, if negative, later) in the same instrument.

        Parameters
        ----------
        x : ndarray, shape (n_rows,)
        rows : float
            0 takes the instrument's first value.

        Returns
        -------
        ndarray, shape (n_rows,)
            NaN where the instrument has no such row.
        """
        x = _numbers(x)
        source = self._rows - int(rows) if rows else self.first
        inside = (source >= self.first) & (source <= self._last)
        return np.where(inside, x[np.where(inside, source, 0)], np.array(np.nan, x.dtype))


def _numbers(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype == np.bool_ else x


def _statistic(name: str, **arguments: Any) -> Kernel:
    def kernel(stack: Stack, x: Array, window: float) -> Array:
        return np.asarray(getattr(stack.rolling(x, window), name)(**arguments))

    return kernel


def _applied(function: Callable[[Array], float]) -> Kernel:
    def kernel(stack: Stack, x: Array, window: float) -> Array:
        return np.asarray(stack.rolling(x, window).apply(function, raw=True))

    return kernel


def _quantile(stack: Stack, x: Array, window: float, fraction: float) -> Array:
    return np.asarray(stack.rolling(x, window).quantile(fraction))


def _cov(stack: Stack, x: Array, y: Array, window: float) -> Array:
    return np.asarray(stack.rolling(x, window).cov(pd.Series(y)))


def _corr(stack: Stack, x: Array, y: Array, window: float) -> Array:
    result = np.array(stack.rolling(x, window).corr(pd.Series(y)))
    for side in (x, y):
        result[np.asarray(stack.rolling(side, window).std()) <= _FLAT] = np.nan
    return result


def _mad(window: Array) -> float:
    values = window[~np.isnan(window)]
    return float(np.mean(np.abs(values - values.mean())))


def _linearly_weighted(window: Array) -> float:
    weights = np.arange(len(window)) + 1
    return float(np.nanmean(weights / weights.sum() * window))


def _exponentially_weighted(window: Array) -> float:
    weights = (1 - 2 / (1 + len(window))) ** np.arange(len(window))[::-1]
    return float(np.nansum(weights / weights.sum() * window))


def _ema(stack: Stack, x: Array, span: float) -> Array:
    if span == 0:
        return _applied(_exponentially_weighted)(stack, x, 0)
    grouped = pd.Series(x).groupby(stack.first)
    average = grouped.ewm(alpha=span, min_periods=1) if span < 1 else grouped.ewm(span=span, min_periods=1)
    return np.asarray(average.mean())


def _argument_of(extreme: Callable[..., Array], filler: float) -> Kernel:
    # position of the extreme in the window, from 1; a NaN in the window wins, as numpy's argmax has it
    def kernel(stack: Stack, x: Array, window: float) -> Array:
        if window == 0:
            return _applied(lambda w: float(extreme(w)) + 1)(stack, x, 0)
        size = min(int(window), int(stack.age.max()) + 1)
        values = np.where(np.isfinite(x), x, np.nan).astype(np.float64)
        place = np.arange(len(x)) + np.cumsum(stack.age == 0) * (size - 1)  # size - 1 fillers before each instrument
        padded = np.full(place[-1] + 1, filler)
        padded[place] = values
        windows = np.lib.stride_tricks.sliding_window_view(padded, size)
        position: Array = extreme(windows, axis=1)[place - size + 1] + 1.0
        position -= np.maximum(size - 1 - stack.age, 0)  # windows still growing start later
        position[np.asarray(stack.rolling(values, window).count()) == 0] = np.nan
        return position

    return kernel


def _trend(stack: Stack, y: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # x = row number where y has a value; slopes and fits do not depend on where x starts. An infinity counts as no
    # value (in Qlib it spoils every later row)
    values = _numbers(y).astype(np.float64)
    x = np.where(np.isfinite(values), stack.age, np.nan)
    return x, values


def _slope(stack: Stack, y: Array, window: float) -> Array:
    x, values = _trend(stack, y)
    variance: Array = np.asarray(stack.rolling(x, window).var())
    return _cov(stack, x, values, window) / variance


def _rsquare(stack: Stack, y: Array, window: float) -> Array:
    x, values = _trend(stack, y)
    result = np.array(stack.rolling(x, window).corr(pd.Series(values))) ** 2
    if window:
        result[np.asarray(stack.rolling(values, window).std()) <= _FLAT] = np.nan
    return result


def _resi(stack: Stack, y: Array, window: float) -> Array:
    x, values = _trend(stack, y)
    mean_x, mean_y = (np.asarray(stack.rolling(v, window).mean()) for v in (x, values))
    fitted: Array = mean_y + _slope(stack, y, window) * (x - mean_x)
    return values - fitted


def _elementwise(function: Callable[..., Any]) -> Kernel:
    return lambda _stack, *arguments: np.asarray(function(*arguments))


KERNELS: dict[str, Kernel] = {
    "Add": _elementwise(np.add), "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply), "Div": _elementwise(np.divide), "Power": _elementwise(np.power),
    "Gt": _elementwise(np.greater), "Ge": _elementwise(np.greater_equal),
    "Lt": _elementwise(np.less), "Le": _elementwise(np.less_equal),
    "Eq": _elementwise(np.equal), "Ne": _elementwise(np.not_equal),
    "And": _elementwise(np.logical_and), "Or": _elementwise(np.logical_or), "Not": _elementwise(np.logical_not),
    "Greater": _elementwise(np.maximum), "Less": _elementwise(np.minimum),
    "If": lambda _stack, *arguments: _numbers(np.where(*arguments)),
    "Abs": _elementwise(np.abs), "Log": _elementwise(np.log),
    "Sign": _elementwise(lambda x: np.sign(x.astype(np.float32))),
    "Ref": Stack.shift,
    "Delta": lambda stack, x, rows: _numbers(x) - stack.shift(x, rows),
    "Mean": _statistic("mean"), "Sum": _statistic("sum"), "Std": _statistic("std"), "Var": _statistic("var"),
    "Skew": _statistic("skew"), "Kurt": _statistic("kurt"), "Max": _statistic("max"), "Min": _statistic("min"),
    "Med": _statistic("median"), "Count": _statistic("count"), "Rank": _statistic("rank", pct=True),
    "Quantile": _quantile, "Mad": _applied(_mad), "WMA": _applied(_linearly_weighted), "EMA": _ema,
    "IdxMax": _argument_of(np.argmax, -np.inf), "IdxMin": _argument_of(np.argmin, np.inf),
    "Slope": _slope, "Rsquare": _rsquare, "Resi": _resi, "Corr": _corr, "Cov": _cov,
}  # fmt: skip
"""Computation of each operator: `(stack, *arguments)` → array of shape (n_rows,); constants come as floats."""
