"""Statistics that look at every value of each trailing window: weighted means, spread about the mean, shape."""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.moments import reach
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["decay_linear", "deviation", "exponential_mean", "linear_mean", "shape"]


@compiled
def _mean(part):  # type: ignore[no-untyped-def]
    n, total = 0, 0.0
    for v in part:
        if np.isfinite(v):
            n += 1
            total += v
    return n, total / n


@compiled
def _deviation(x, edges, window, result):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        for t in range(a, b):
            part = x[max(a, t - w + 1) : t + 1]
            n, mean = _mean(part)
            total = 0.0
            for v in part:
                if np.isfinite(v):
                    total += abs(v - mean)
            result[t] = total / n


@compiled
def _linear(x, edges, window, of_qlib, result):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        for t in range(a, b):
            part = x[max(a, t - w + 1) : t + 1]
            n, total, weights, rows = 0, 0.0, 0, len(part)
            first = 1 if of_qlib or window == 0 else window - rows + 1
            for i in range(rows):
                if np.isfinite(part[i]):
                    n += 1
                    weights += first + i
                    total += (first + i) * part[i]
            result[t] = total / (0.5 * rows * (rows + 1)) / n if of_qlib else total / weights


@compiled
def _decaying(x, edges, alpha, result):  # type: ignore[no-untyped-def]
    # pandas' ewm(alpha, adjust=True, ignore_na=False).mean(), or with alpha 0 Qlib's mean of all rows so far
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        mean, weight = np.nan, 1.0
        for t in range(a, b):
            v = x[t]
            if alpha == 0.0:
                rows = t - a + 1
                keep = 1.0 - 2.0 / (1.0 + rows)
                total, weights, power = 0.0, 0.0, 1.0
                for j in range(t, a - 1, -1):
                    weights += power
                    if np.isfinite(x[j]):
                        total += power * x[j]
                    power *= keep
                mean = total / weights
                if np.isfinite(v):
                    weight = 0.0
                result[t] = mean if weight == 0.0 else np.nan
                continue
            if mean == mean:
                weight *= 1.0 - alpha
                if np.isfinite(v):
                    if mean != v:
                        mean = (weight * mean + v) / (weight + 1.0)
                    weight += 1.0
            elif np.isfinite(v):
                mean = v
            result[t] = mean


@compiled
def _shape(x, edges, window, fourth, result):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        for t in range(a, b):
            part = x[max(a, t - w + 1) : t + 1]
            n, mean = _mean(part)
            result[t] = np.nan
            if n < (4 if fourth else 3):
                continue
            m2, m3, m4, largest = 0.0, 0.0, 0.0, 0.0
            for v in part:
                if np.isfinite(v):
                    d = v - mean
                    m2 += d * d
                    m3 += d * d * d
                    m4 += d * d * d * d
                    largest = max(largest, abs(v))
            if m2 / n <= (4.0 * np.finfo(np.float64).eps * largest) ** 2:
                continue  # constant
            if fourth:
                result[t] = (n * (n + 1.0) * (n - 1.0) * m4 / (m2 * m2) - 3.0 * (n - 1.0) ** 2) / (
                    (n - 2.0) * (n - 3.0)
                )
            else:
                result[t] = n * np.sqrt(n - 1.0) / (n - 2.0) * m3 / m2**1.5


def deviation(stack: Stack, x: Array, window: float) -> Array:
    """Compute the mean absolute deviation from the mean of each trailing window.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where a window has no value.
    """
    x, result = as_numbers(x).astype(np.float64), np.empty(len(x))
    _deviation(x, stack.edges, int(window), result)
    return result


def linear_mean(stack: Stack, x: Array, window: float) -> Array:
    """Average each trailing window with weights 1, 2, 3, … as Qlib's WMA does: the mean of the weighted values.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where a window has no value.
    """
    x, result = as_numbers(x).astype(np.float64), np.empty(len(x))
    _linear(x, stack.edges, int(window), True, result)
    return result


def decay_linear(stack: Stack, x: Array, window: float) -> Array:
    """Average each trailing window with weights n for its last row, n - 1 for the one before, … over their sum.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows, n; 0: all since the instrument's first.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where a window has no value. Weights of rows without one, or before the first, are left out of the sum.

    References
    ----------
    Kakushadze, *101 Formulaic Alphas*, 2015, appendix A: `decay_linear`.
    """
    x, result = as_numbers(x).astype(np.float64), np.empty(len(x))
    _linear(x, stack.edges, int(window), False, result)
    return result


def exponential_mean(stack: Stack, x: Array, span: float) -> Array:
    """Average with weights that decay into the past.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value; weights decay across them.
    span : float
        At least 1: rows, with alpha = 2 / (span + 1); below 1: alpha itself; 0: the span is the number of rows so far.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN before the first value.
    """
    x, result = as_numbers(x).astype(np.float64), np.empty(len(x))
    alpha = 0.0 if span == 0 else span if span < 1 else 2.0 / (span + 1.0)
    _decaying(x, stack.edges, alpha, result)
    return result


def shape(stack: Stack, x: Array, window: float, *, fourth: bool) -> Array:
    """Compute sample skewness, or excess kurtosis, of each trailing window (unbiased, as pandas).

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.
    fourth : bool
        Kurtosis instead of skewness.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN with fewer than three (four) values, or where they are all the same.
    """
    x, result = as_numbers(x).astype(np.float64), np.empty(len(x))
    _shape(x, stack.edges, int(window), fourth, result)
    return result
