"""Straight lines through trailing windows: slope, fit and residual against the row number."""

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.moments import anchor, reach
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["FLAT", "trend"]

FLAT = 2e-5
"""A standard deviation up to this counts as none, in Rsquare and Corr (as in Qlib)."""


@compiled
def _trend(x, edges, window, flat, slope, rsquare, resi):  # type: ignore[no-untyped-def]
    w = reach(edges, window)
    suffix = np.zeros((w + 1, 6))  # n, sum i, sum i*i, sum v, sum i*v, sum v*v
    for k in range(len(edges) - 1):
        a, b = edges[k], edges[k + 1]
        last = np.nan
        suffix[:] = 0.0
        for base in range(a, b, w):
            stop = min(base + w, b)
            c = anchor(x, base, stop, last)
            if base > a:
                n, si, sii, sv, siv, svv = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
                for j in range(w - 1, 0, -1):
                    v = float(x[base - w + j]) - c
                    if np.isfinite(v):
                        i = float(j - w)
                        n += 1.0
                        si += i
                        sii += i * i
                        sv += v
                        siv += i * v
                        svv += v * v
                    suffix[j, 0] = n
                    suffix[j, 1] = si
                    suffix[j, 2] = sii
                    suffix[j, 3] = sv
                    suffix[j, 4] = siv
                    suffix[j, 5] = svv
            n, si, sii, sv, siv, svv = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for j in range(stop - base):
                t = base + j
                v = float(x[t]) - c
                i = float(j)
                if np.isfinite(v):
                    n += 1.0
                    si += i
                    sii += i * i
                    sv += v
                    siv += i * v
                    svv += v * v
                    last = float(x[t])
                m = n + suffix[j + 1, 0]
                ti = si + suffix[j + 1, 1]
                tv = sv + suffix[j + 1, 3]
                xx = m * (sii + suffix[j + 1, 2]) - ti * ti
                xy = m * (siv + suffix[j + 1, 4]) - ti * tv
                yy = max(m * (svv + suffix[j + 1, 5]) - tv * tv, 0.0)
                beta = xy / xx
                slope[t] = beta
                resi[t] = v - (tv + beta * (m * i - ti)) / m if np.isfinite(v) else np.nan
                rsquare[t] = xy * xy / (xx * yy)
                if flat > 0.0 and yy <= flat * flat * m * (m - 1.0):
                    rsquare[t] = np.nan


def trend(stack: Stack, x: Array, window: float, *, wanted: tuple[str, ...]) -> list[Array]:
    """Fit a line through each trailing window, against row numbers; rows without a value are left out.

    Parameters
    ----------
    stack : Stack
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value (in Qlib an infinity spoils every later row).
    window : float
        Rows; 0: all since the instrument's first.
    wanted : tuple of str
        Of Slope, Rsquare and Resi.

    Returns
    -------
    list of ndarray of float64, shape (n_rows,)
        As wanted. NaN with fewer than two values; Rsquare also where the window is flat, Resi where the last row has
        no value.
    """
    x = as_numbers(x)
    made = {name: np.empty(len(x)) for name in ("Slope", "Rsquare", "Resi")}
    _trend(x, stack.edges, int(window), FLAT if window else 0.0, *made.values())
    return [made[name] for name in wanted]
