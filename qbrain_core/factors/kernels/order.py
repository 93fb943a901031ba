"""Statistics of order over trailing windows: rank, quantiles, median."""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.moments import reach
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["quantiles", "rank"]

_CHUNK = 256  # rows ranked side by side
_SCANNED = 128  # values up to which counting beats halving


@compiled
def _rank(x, edges, window, result):  # type: ignore[no-untyped-def]
    # row by row within each lag, not lag by lag within each row: the inner loop has neighbours to work on at once
    w = reach(edges, window)
    less, same, n = np.empty(_CHUNK, np.int32), np.empty(_CHUNK, np.int32), np.empty(_CHUNK, np.int32)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        for base in range(a, b, _CHUNK):
            now = x[base : min(base + _CHUNK, b)]
            less[:] = 0
            same[:] = 0
            n[:] = 0
            for lag in range(min(w, base + now.size - a)):
                skipped = max(0, a + lag - base)  # rows younger than the lag
                old = x[base + skipped - lag : base + now.size - lag]
                new, fewer, equal, held = now[skipped:], less[skipped:], same[skipped:], n[skipped:]
                for i in range(old.size):
                    fewer[i] += old[i] < new[i]
                    equal[i] += old[i] == new[i]
                    held[i] += old[i] == old[i]
            for i in range(now.size):
                result[base + i] = (less[i] + 0.5 * (same[i] + 1)) / n[i] if now[i] == now[i] else np.nan


def rank(stack: Stack, x: Array, window: float) -> Array:
    """Rank each value within its trailing window.

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
        Average rank of equals ÷ number of values, in (0, 1]; NaN where the row has no value.
    """
    x = _finite(x)
    result = np.empty(len(x))
    _rank(x, stack.edges, int(window), result)
    return result


@compiled
def _place(ordered, value):  # type: ignore[no-untyped-def]
    first, part = 0, ordered
    while part.size > _SCANNED:
        half = part.size // 2
        if part[half] < value:
            first += half + 1
            part = part[half + 1 :]
        else:
            part = part[:half]
    for j in range(part.size):  # counting has no branch to predict
        first += part[j] < value
    return first


@compiled
def _quantiles(x, edges, window, fractions, result):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    ordered = np.empty(w + 1, x.dtype)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        n = 0
        for t in range(a, b):
            v = x[t]
            gone = x[t - w] if t - w >= a else np.nan
            held = ordered[:n]
            first = _place(held, gone) if gone == gone else n
            n -= gone == gone
            then = n
            if v == v:
                then = _place(held, v)
                then -= then > first
                n += 1
            if first < then:
                moved = ordered[first : then + 1]
                for j in range(moved.size - 1):
                    moved[j] = moved[j + 1]
            elif then < first:
                for j in range(first, then, -1):
                    ordered[j] = ordered[j - 1]
            if v == v:
                ordered[then] = v
            for f in range(len(fractions)):
                if n == 0:
                    result[f, t] = np.nan
                    continue
                at = fractions[f] * (n - 1)
                below = int(at)
                low = float(ordered[below])
                part = at - below
                result[f, t] = low + (float(ordered[below + 1]) - low) * part if part > 0.0 else low


def quantiles(stack: Stack, x: Array, window: float, *, wanted: tuple[float, ...]) -> list[Array]:
    """Compute quantiles of trailing windows, linear between neighbours.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.
    wanted : tuple of float
        Fractions, from 0 to 1.

    Returns
    -------
    list of ndarray of float64, shape (n_rows,)
        NaN where a window has no value.
    """
    result = np.empty((len(wanted), len(x)))
    _quantiles(_finite(x), stack.edges, int(window), np.array(wanted, np.float64), result)
    return list(result)


def _finite(x: Array) -> Array:
    x = as_numbers(x)
    infinite = np.isinf(x)
    return np.where(infinite, np.array(np.nan, x.dtype), x) if infinite.any() else x
