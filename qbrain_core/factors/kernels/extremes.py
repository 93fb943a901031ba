"""Largest and smallest values of trailing windows, and where in the window they stand."""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.moments import reach
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["extreme", "position"]


@compiled
def _largest(x, edges, window, sign, result):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    suffix = np.empty(w + 1)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        suffix[:] = -np.inf
        for base in range(a, b, w):
            stop = min(base + w, b)
            if base > a:
                most = -np.inf
                for j in range(w - 1, 0, -1):
                    v = sign * float(x[base - w + j])
                    if v > most and v < np.inf:
                        most = v
                    suffix[j] = most
            most = -np.inf
            for i in range(stop - base):
                v = sign * float(x[base + i])
                if v > most and v < np.inf:
                    most = v
                found = max(most, suffix[i + 1])
                result[base + i] = sign * found if found > -np.inf else np.nan


def extreme(stack: Stack, x: Array, window: float, *, sign: float) -> Array:
    """Find the largest (sign 1) or smallest (sign -1) value of each trailing window.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.
    sign : float

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where a window has no value.
    """
    x = as_numbers(x)
    result = np.empty(len(x))
    _largest(x, stack.edges, int(window), sign, result)
    return result


@compiled
def _position(x, edges, window, sign, result):  # type: ignore[no-untyped-def]
    # a row without a value counts as infinitely large, and the first of equals stands
    w = reach(edges, window)
    best, place, held = np.empty(w + 1), np.empty(w + 1), np.empty(w + 1)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        best[:] = -np.inf
        place[:] = 0.0
        held[:] = 0.0
        for base in range(a, b, w):
            stop = min(base + w, b)
            if base > a:
                most, at, n = -np.inf, 0.0, 0.0
                for j in range(w - 1, 0, -1):
                    v = sign * float(x[base - w + j])
                    finite = np.isfinite(v)
                    v = v if finite else np.inf
                    n += 1.0 if finite else 0.0
                    at = float(j - w) if v >= most else at
                    most = max(most, v)
                    best[j] = most
                    place[j] = at
                    held[j] = n
            most, at, n = -np.inf, 0.0, 0.0
            for i in range(stop - base):
                t = base + i
                v = sign * float(x[t])
                finite = np.isfinite(v)
                v = v if finite else np.inf
                n += 1.0 if finite else 0.0
                at = float(i) if v > most else at
                most = max(most, v)
                found = place[i + 1] if best[i + 1] >= most else at
                start = max(a - base, i - w + 1)
                result[t] = found - start + 1.0 if n + held[i + 1] > 0.0 else np.nan


def position(stack: Stack, x: Array, window: float, *, sign: float) -> Array:
    """Find where in each trailing window its largest (sign 1) or smallest (sign -1) value stands first.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.
    sign : float

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        From 1 for the oldest row. A row without a value wins, as numpy's argmax has it; NaN where no row has one.
    """
    x = as_numbers(x)
    result = np.empty(len(x))
    _position(x, stack.edges, int(window), sign, result)
    return result
