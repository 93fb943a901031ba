"""How two columns move together over trailing windows."""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.moments import anchor, moments, reach
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers
from qbrain_core.factors.kernels.trend import FLAT

__all__ = ["comovement"]


@compiled
def _pairs(x, y, edges, window, flat, cov, corr):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    suffix = np.zeros((w + 1, 6))  # n, sum x, sum y, sum x*x, sum y*y, sum x*y
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        last_x, last_y = np.nan, np.nan
        suffix[:] = 0.0
        for base in range(a, b, w):
            stop = min(base + w, b)
            c, d = anchor(x, base, stop, last_x), anchor(y, base, stop, last_y)
            if base > a:
                n, sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
                for j in range(w - 1, 0, -1):
                    u, v = x[base - w + j] - c, y[base - w + j] - d
                    if np.isfinite(u + v):
                        n += 1.0
                        sx += u
                        sy += v
                        sxx += u * u
                        syy += v * v
                        sxy += u * v
                    suffix[j, 0] = n
                    suffix[j, 1] = sx
                    suffix[j, 2] = sy
                    suffix[j, 3] = sxx
                    suffix[j, 4] = syy
                    suffix[j, 5] = sxy
            n, sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for j in range(stop - base):
                t = base + j
                u, v = x[t] - c, y[t] - d
                if np.isfinite(u + v):
                    n += 1.0
                    sx += u
                    sy += v
                    sxx += u * u
                    syy += v * v
                    sxy += u * v
                    last_x, last_y = x[t], y[t]
                m = n + suffix[j + 1, 0]
                tx, ty = sx + suffix[j + 1, 1], sy + suffix[j + 1, 2]
                xx = max(m * (sxx + suffix[j + 1, 3]) - tx * tx, 0.0)
                yy = max(m * (syy + suffix[j + 1, 4]) - ty * ty, 0.0)
                xy = m * (sxy + suffix[j + 1, 5]) - tx * ty
                cov[t] = xy / (m * (m - 1.0)) if m > 0.0 else np.nan
                corr[t] = xy / np.sqrt(xx * yy)
                least = flat * flat * m * (m - 1.0)
                if xx <= least or yy <= least:
                    corr[t] = np.nan


def comovement(stack: Stack, x: Array, y: Array, window: float, *, wanted: tuple[str, ...]) -> list[Array]:
    """Compute covariance and correlation over the rows of each trailing window where both have a value.

    Parameters
    ----------
    stack : Stack
    x, y : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    window : float
        Rows; 0: all since the instrument's first.
    wanted : tuple of str
        Of Cov and Corr.

    Returns
    -------
    list of ndarray of float64, shape (n_rows,)
        As wanted. NaN with fewer than two pairs; Corr also where either side is flat.
    """
    x, y = as_numbers(x).astype(np.float64), as_numbers(y).astype(np.float64)
    made = {"Cov": np.empty(len(x)), "Corr": np.empty(len(x))}
    _pairs(x, y, stack.edges, int(window), FLAT, *made.values())
    valid = np.isfinite(x)
    if "Corr" in wanted and not np.array_equal(valid, np.isfinite(y)):
        for side in (x, y):  # Qlib looks at each side by itself, also where the other has no value
            flat = moments(stack, side, window, wanted=("Std",))[0] <= FLAT
            made["Corr"][flat] = np.nan
    return [made[name] for name in wanted]
