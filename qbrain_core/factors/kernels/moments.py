"""Count, sum, mean and variance over trailing windows.

Each window is cut where a multiple of its length, counted from the instrument's start, lies in it. The sums of both
parts are kept about a value of the window itself and only ever added to: nothing that has left a window can leave a
rounding error behind, and a constant window has exactly no variance (van Herk's scheme for extremes [1]_, with sums).

References
----------
.. [1] M. van Herk, *A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels*,
   Pattern Recognition Letters 13 (1992).
"""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["anchor", "moments", "reach"]


@compiled
def reach(edges: Array, window: int) -> int:
    """Bound a window by the longest instrument; 0: every row so far."""
    longest = 1
    for k in range(len(edges) - 1):
        longest = max(longest, edges[k + 1] - edges[k])
    return longest if window == 0 or window > longest else window


@compiled
def anchor(x: Array, base: int, stop: int, last: float) -> float:
    """Choose a value that sums of the windows ending in [base, stop) are kept about."""
    if np.isfinite(x[base]):
        return float(x[base])
    if np.isfinite(last):
        return last
    for t in range(base, stop):
        if np.isfinite(x[t]):
            return float(x[t])
    return 0.0


@compiled
def _sums(x, edges, window, count, mean):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    sn, s1 = np.zeros(w + 1), np.zeros(w + 1)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        last = np.nan
        sn[:] = 0.0
        s1[:] = 0.0
        for base in range(a, b, w):
            stop = min(base + w, b)
            c = anchor(x, base, stop, last)
            if base > a:
                n, p = 0.0, 0.0
                for j in range(w - 1, 0, -1):
                    v = float(x[base - w + j])
                    if np.isfinite(v):
                        n += 1.0
                        p += v - c
                    sn[j] = n
                    s1[j] = p
            n, p = 0.0, 0.0
            for i in range(stop - base):
                t = base + i
                v = float(x[t])
                if np.isfinite(v):
                    n += 1.0
                    p += v - c
                    last = v
                m = n + sn[i + 1]
                count[t] = m
                mean[t] = c + (p + s1[i + 1]) / m


@compiled
def _squares(x, edges, window, count, mean, var):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    sn, s1, s2 = np.zeros(w + 1), np.zeros(w + 1), np.zeros(w + 1)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        last = np.nan
        sn[:] = 0.0
        s1[:] = 0.0
        s2[:] = 0.0
        for base in range(a, b, w):
            stop = min(base + w, b)
            c = anchor(x, base, stop, last)
            if base > a:
                n, p, q = 0.0, 0.0, 0.0
                for j in range(w - 1, 0, -1):
                    v = float(x[base - w + j])
                    if np.isfinite(v):
                        d = v - c
                        n += 1.0
                        p += d
                        q += d * d
                    sn[j] = n
                    s1[j] = p
                    s2[j] = q
            n, p, q = 0.0, 0.0, 0.0
            for i in range(stop - base):
                t = base + i
                v = float(x[t])
                if np.isfinite(v):
                    d = v - c
                    n += 1.0
                    p += d
                    q += d * d
                    last = v
                m = n + sn[i + 1]
                u = p + s1[i + 1]
                average = u / m
                count[t] = m
                mean[t] = c + average
                var[t] = max(q + s2[i + 1] - u * average, 0.0) / (m - 1.0) if m > 1.0 else np.nan


def moments(stack: Stack, x: Array, window: float, *, wanted: tuple[str, ...]) -> list[Array]:
    """Compute statistics of trailing windows in one pass.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.
    wanted : tuple of str
        Of Count, Sum, Mean, Var and Std; the last two divide by n - 1.

    Returns
    -------
    list of ndarray of float64, shape (n_rows,)
        As wanted. NaN where a window has no value (Count: 0), or one only for Var and Std.
    """
    x = as_numbers(x)
    count, mean = np.empty(len(x)), np.empty(len(x))
    var = np.empty(len(x) if {"Var", "Std"} & set(wanted) else 0)
    if len(var):
        _squares(x, stack.edges, int(window), count, mean, var)
    else:
        _sums(x, stack.edges, int(window), count, mean)
    made = {"Count": count, "Mean": mean, "Var": var}
    return [mean * count if name == "Sum" else np.sqrt(var) if name == "Std" else made[name] for name in wanted]
