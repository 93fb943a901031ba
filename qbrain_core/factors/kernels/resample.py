"""Statistics of the calendar's week, month, quarter or year so far.

What pandas' `resample` gives for a span is only known when the span has ended. On each row stands what it would give
were that row the last: on the last session of a span, the two are equal.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qbrain_core.factors.kernels.extremes import extreme
from qbrain_core.factors.kernels.moments import moments
from qbrain_core.factors.kernels.order import quantiles
from qbrain_core.factors.kernels.products import product
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["FUNCTIONS", "SPANS", "resample"]


def _months(days: NDArray[np.int32], length: int) -> NDArray[np.int64]:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // length


SPANS: dict[str, Callable[[NDArray[np.int32]], NDArray[np.int64]]] = {
    "D": lambda days: days.astype(np.int64),
    "W": lambda days: (days.astype(np.int64) + 3) // 7,  # 1970-01-01 was a Thursday, weeks begin on Monday
    "M": lambda days: _months(days, 1),
    "Q": lambda days: _months(days, 3),
    "Y": lambda days: _months(days, 12),
}
"""Number of the span that a day (counted from 1970-01-01) lies in, by the span's name; weeks end on Sunday."""


def _first(stack: Stack, x: Array) -> Array:
    valid = np.isfinite(x)
    rows = np.arange(stack.rows)
    starts = np.repeat(stack.edges[:-1], np.diff(stack.edges))
    # where a span has had a value, its first one stands at the least row number among them
    found = np.where(valid, rows, stack.rows)
    found = np.minimum.reduceat(found, stack.edges[:-1]) if stack.rows else found
    first = np.repeat(found, np.diff(stack.edges))
    result = np.full(stack.rows, np.nan)
    shown = (first <= rows) & (first >= starts)
    result[shown] = x[first[shown]]
    return result


def _last(stack: Stack, x: Array) -> Array:
    rows = np.arange(stack.rows)
    starts = np.repeat(stack.edges[:-1], np.diff(stack.edges))
    found = np.maximum.accumulate(np.where(np.isfinite(x), rows, -1)) if stack.rows else rows
    shown = found >= starts
    result = np.full(stack.rows, np.nan)
    result[shown] = x[found[shown]]
    return result


def _moment(name: str) -> Callable[[Stack, Array], Array]:
    return lambda stack, x: moments(stack, x, 0, wanted=(name,))[0]


FUNCTIONS: dict[str, Callable[[Stack, Array], Array]] = {
    "first": _first, "last": _last,
    "max": lambda stack, x: extreme(stack, x, 0, sign=1.0), "min": lambda stack, x: extreme(stack, x, 0, sign=-1.0),
    "sum": _moment("Sum"), "mean": _moment("Mean"), "std": _moment("Std"), "var": _moment("Var"),
    "count": _moment("Count"), "median": lambda stack, x: quantiles(stack, x, 0, wanted=(0.5,))[0],
    "prod": lambda stack, x: product(stack, x, 0),
}  # fmt: skip
"""Statistics by pandas' names: `(stack of spans, values)` → array, over the rows of each span so far."""


def resample(stack: Stack, x: Array, span: str, function: str) -> Array:
    """Compute a statistic of the calendar's span so far.

    Parameters
    ----------
    stack : Stack
        Knows the `days` of its rows.
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    span : str
        One of `SPANS`.
    function : str
        One of `FUNCTIONS`.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where the span has had no value yet (count: 0), for std and var with fewer than two.
    """
    x = as_numbers(x).astype(np.float64)
    spans = SPANS[span](stack.days)
    fresh = np.ones(stack.rows, np.bool_)
    fresh[1:] = spans[1:] != spans[:-1]
    fresh[stack.edges[:-1][np.diff(stack.edges) > 0]] = True
    starts = np.flatnonzero(fresh)
    return FUNCTIONS[function](Stack(np.diff(np.append(starts, stack.rows))), x)
