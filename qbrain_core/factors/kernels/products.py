"""Products over trailing windows."""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.moments import reach
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["product"]


@compiled
def _products(x, edges, window, result):  # type: ignore[no-untyped-def]
    # each window is cut where a multiple of its length lies in it: nothing is ever divided out again
    w = reach(edges, window)
    suffix, held = np.ones(w + 1), np.zeros(w + 1)
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        for j in range(w + 1):
            suffix[j] = 1.0
            held[j] = 0.0
        for base in range(a, b, w):
            if base > a:
                p, n = 1.0, 0.0
                for j in range(w - 1, 0, -1):
                    v = x[base - w + j]
                    if np.isfinite(v):
                        p *= v
                        n += 1.0
                    suffix[j] = p
                    held[j] = n
            p, n = 1.0, 0.0
            for i in range(min(base + w, b) - base):
                v = x[base + i]
                if np.isfinite(v):
                    p *= v
                    n += 1.0
                result[base + i] = p * suffix[i + 1] if n + held[i + 1] > 0.0 else np.nan


def product(stack: Stack, x: Array, window: float) -> Array:
    """Multiply the values of each trailing window.

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
    _products(x, stack.edges, int(window), result)
    return result
