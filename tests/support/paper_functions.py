"""The functions of *101 Formulaic Alphas*, appendix A, over plain arrays of sessions × names: slow and plain.

Nothing of the product is used. NaN is missing; infinities count as missing in windows and across names.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
FLAT = 2e-5  # of a standard deviation: below it, a correlation is not defined


class Paper:
    """The functions over one panel.

    `present` says which names have a row in a session; a name is `alive` from its first row to its last.
    """

    def __init__(self, present: NDArray[np.bool_]) -> None:
        self.present = present
        after = np.maximum.accumulate(present, axis=0)
        self.alive = after & np.maximum.accumulate(present[::-1], axis=0)[::-1]
        self.first = present.argmax(axis=0)

    def _windows(self, x: Array, d: float) -> Array:
        # (sessions, names, days), oldest day first; NaN before the first session
        days = int(d)
        finite = np.where(np.isfinite(x) & self.alive, x, np.nan)
        padded = np.vstack([np.full((days - 1, x.shape[1]), np.nan), finite])
        return np.lib.stride_tricks.sliding_window_view(padded, days, axis=0)

    def _across(self, x: Array) -> pd.DataFrame:
        return pd.DataFrame(np.where(np.isfinite(x) & self.present, x, np.nan))

    # conditions: 1, 0, and NaN where the name is not alive
    def lt(self, a: Array | float, b: Array | float) -> Array:
        return np.where(self.alive, np.less(a, b), np.nan)

    def le(self, a: Array | float, b: Array | float) -> Array:
        return np.where(self.alive, np.less_equal(a, b), np.nan)

    def where(self, condition: Array, yes: Array | float, no: Array | float) -> Array:
        return np.where(np.isnan(condition), np.nan, np.where(condition == 1, yes, no))

    # across names
    def rank(self, x: Array) -> Array:
        across = self._across(x).astype(np.float32)  # factors are float32: what lies closer together is equal
        return across.rank(axis=1, pct=True).to_numpy()

    def scale(self, x: Array, a: float = 1.0) -> Array:
        found = self._across(x)
        total = found.abs().sum(axis=1)
        return found.mul(a).div(total.where(total > 0), axis=0).to_numpy()

    def indneutralize(self, x: Array, group: Array) -> Array:
        found, groups = self._across(x).to_numpy(), self._across(group).to_numpy()
        result = np.full(x.shape, np.nan)
        for g in np.unique(groups[np.isfinite(groups)]):
            member = groups == g
            result = np.where(member, x - np.nanmean(np.where(member, found, np.nan), axis=1, keepdims=True), result)
        return np.where(np.isfinite(found), result, np.nan)

    # over days
    def delay(self, x: Array, d: float) -> Array:
        days = int(d)
        shifted = np.full(x.shape, np.nan)
        shifted[days:] = np.where(self.alive, x, np.nan)[:-days]
        return np.where(self.alive, shifted, np.nan)

    def delta(self, x: Array, d: float) -> Array:
        return x - self.delay(x, d)

    def sum(self, x: Array, d: float) -> Array:
        w = self._windows(x, d)
        return np.where(np.isfinite(w).any(axis=2), np.nansum(w, axis=2), np.nan)

    def product(self, x: Array, d: float) -> Array:
        w = self._windows(x, d)
        return np.where(np.isfinite(w).any(axis=2), np.nanprod(w, axis=2), np.nan)

    def mean(self, x: Array, d: float) -> Array:
        return np.nanmean(self._windows(x, d), axis=2)

    def stddev(self, x: Array, d: float) -> Array:
        return np.nanstd(self._windows(x, d), axis=2, ddof=1)

    def ts_min(self, x: Array, d: float) -> Array:
        return np.nanmin(self._windows(x, d), axis=2)

    def ts_max(self, x: Array, d: float) -> Array:
        return np.nanmax(self._windows(x, d), axis=2)

    def _day(self, x: Array, d: float, best: Callable[..., NDArray[np.int64]]) -> Array:
        # from 1, the oldest day since the first row; a missing value within the window wins, as in NumPy
        w = self._windows(x, d)
        days = np.arange(len(x))[:, None] - self.first + 1
        before = np.arange(int(d)) < (int(d) - days)[:, :, None]  # the name's first row
        place = best(np.where(before, -np.inf if best is np.argmax else np.inf, w), axis=2)
        return np.where(np.isfinite(w).any(axis=2), place + 1 - np.maximum(int(d) - days, 0), np.nan)

    def ts_argmax(self, x: Array, d: float) -> Array:
        return self._day(x, d, np.argmax)

    def ts_argmin(self, x: Array, d: float) -> Array:
        return self._day(x, d, np.argmin)

    def ts_rank(self, x: Array, d: float) -> Array:
        w = self._windows(x, d)
        last = w[:, :, -1:]
        below, same, count = ((w < last).sum(axis=2), (w == last).sum(axis=2), np.isfinite(w).sum(axis=2))
        return np.where(np.isnan(last[:, :, 0]), np.nan, (below + (same + 1) / 2) / count)

    def decay_linear(self, x: Array, d: float) -> Array:
        w = self._windows(x, d)
        weights = np.where(np.isnan(w), 0.0, np.arange(1, int(d) + 1))
        return np.nansum(w * weights, axis=2) / weights.sum(axis=2)

    def _pairs(self, x: Array, y: Array, d: float) -> tuple[Array, Array, Array, Array]:
        # pairs, and n times the sums of squares and products around their means; exact for exact fractions
        u, v = self._windows(x, d), self._windows(y, d)
        both = np.isfinite(u) & np.isfinite(v)
        u, v, n = np.where(both, u, 0), np.where(both, v, 0), both.sum(axis=2)
        su, sv = u.sum(axis=2), v.sum(axis=2)
        uu, vv, uv = (np.einsum("tkd,tkd->tk", *sides) for sides in ((u, u), (v, v), (u, v)))
        return n, n * uu - su * su, n * vv - sv * sv, n * uv - su * sv

    def covariance(self, x: Array, y: Array, d: float) -> Array:
        n, _, _, uv = self._pairs(x, y, d)
        return np.where(n > 1, uv / (n * (n - 1.0)), np.nan)

    def correlation(self, x: Array, y: Array, d: float) -> Array:
        n, uu, vv, uv = self._pairs(x, y, d)
        flat = (np.minimum(uu, vv) <= FLAT**2 * n * (n - 1)) | (n < 2)
        flat |= (self.stddev(x, d) <= FLAT) | (self.stddev(y, d) <= FLAT)
        return np.where(flat, np.nan, uv / np.sqrt(uu * vv))
