"""Statistics across the instruments of one session: centred, standardised, scaled; one instrument's value for all."""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["demean", "of_instrument", "scale", "zscore"]


@compiled
def _spread(x, edges, centre, deviation, size):  # type: ignore[no-untyped-def]
    # sums about the first value: equal values have exactly no deviation
    for s in range(len(edges) - 1):
        n, first, total, largest = 0, 0.0, 0.0, 0.0
        for i in range(edges[s], edges[s + 1]):
            if np.isfinite(x[i]):
                first = x[i] if n == 0 else first
                n += 1
                total += x[i] - first
                largest += abs(x[i])
        mean, squares = total / n, 0.0
        for i in range(edges[s], edges[s + 1]):
            if np.isfinite(x[i]):
                d = x[i] - first - mean
                squares += d * d
        centre[s] = first + mean
        deviation[s] = np.sqrt(squares / (n - 1.0)) if n > 1 else np.nan
        size[s] = largest


def _finite(stack: Stack, x: Array) -> tuple[Array, list[Array]]:
    x = as_numbers(x).astype(np.float64)
    x[np.isinf(x)] = np.nan
    made = [np.empty(len(stack.edges) - 1) for _ in range(3)]
    _spread(x, stack.edges, *made)
    counts = np.diff(stack.edges)
    return x, [np.repeat(values, counts) for values in made]


def demean(stack: Stack, x: Array) -> Array:
    """Take each session's mean off its values.

    Parameters
    ----------
    stack : Stack
        Of sessions: the rows of one session's instruments stand together.
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where `x` has no value.
    """
    x, (centre, _, _) = _finite(stack, x)
    return x - centre


def zscore(stack: Stack, x: Array) -> Array:
    """Standardise each session's values: distance from the mean in sample standard deviations (n - 1).

    Parameters
    ----------
    stack : Stack
        Of sessions.
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where `x` has no value, and in sessions with fewer than two different values.
    """
    x, (centre, deviation, _) = _finite(stack, x)
    deviation[deviation == 0.0] = np.nan
    result: Array = (x - centre) / deviation
    return result


def scale(stack: Stack, x: Array, size: float) -> Array:
    """Stretch each session's values so that their absolute values add up to a number.

    Parameters
    ----------
    stack : Stack
        Of sessions.
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    size : float
        What they add up to.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where `x` has no value, and in sessions where every value is 0.
    """
    x, (_, _, total) = _finite(stack, x)
    total[total == 0.0] = np.nan
    result: Array = x * (size / total)
    return result


def of_instrument(stack: Stack, instrument: str, x: Array) -> Array:
    """Give every instrument of a session the value of one of them.

    Parameters
    ----------
    stack : Stack
        Of sessions; knows `instruments` and the `seats` of its rows.
    instrument : str
    x : ndarray, shape (n_rows,)

    Returns
    -------
    ndarray, shape (n_rows,)
        NaN in sessions that the instrument has no row of.
    """
    x = as_numbers(x)
    known = stack.instruments.index(instrument) if instrument in stack.instruments else -1
    rows = np.flatnonzero(stack.seats == known)
    theirs = np.full(len(stack.edges) - 1, np.nan, x.dtype)
    theirs[np.searchsorted(stack.edges, rows, side="right") - 1] = x[rows]
    return np.repeat(theirs, np.diff(stack.edges))
