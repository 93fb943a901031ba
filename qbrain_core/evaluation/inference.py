"""How far a mean over sessions is from zero, where neighbouring sessions resemble each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

__all__ = ["MeanTest", "half_life", "lags_for", "mean_test"]


@dataclass(frozen=True)
class MeanTest:
    """A mean over sessions and how sure it is; NaN where it is undefined.

    Attributes
    ----------
    mean : float
    std : float
        Sample standard deviation (n - 1).
    error : float
        Newey-West standard error of the mean.
    t : float
        `mean` ÷ `error`.
    p : float
        Two-sided, Student's t with n - 1 degrees of freedom.
    positive : float
        Share of sessions above 0.
    n : int
        Sessions with a value.
    """

    mean: float
    std: float
    error: float
    t: float
    p: float
    positive: float
    n: int

    @property
    def ratio(self) -> float:
        """`mean` ÷ `std`: of information coefficients the ICIR; not annualised."""
        return self.mean / self.std if self.std > 0 else math.nan


def lags_for(n: int, horizon: int = 1) -> int:
    """Choose the lags of `mean_test`.

    Parameters
    ----------
    n : int
        Sessions.
    horizon : int
        Sessions that one value spans: values less than a horizon apart overlap.

    Returns
    -------
    int
        The greater of `horizon` - 1 and ⌊4 (n ÷ 100)^(2/9)⌋ [1]_, below n.

    References
    ----------
    .. [1] Newey & West (1994), *Automatic Lag Selection in Covariance Matrix Estimation*.
    """
    usual = math.floor(4 * math.pow(n / 100, 2 / 9))
    return max(0, min(max(horizon - 1, usual), n - 1))


def mean_test(values: ArrayLike, *, horizon: int = 1, lags: int | None = None) -> MeanTest:
    """Test whether a mean is zero, robust to unequal spread and to correlation between neighbours [1]_.

    Parameters
    ----------
    values : array_like, shape (n_sessions,)
        In order of time. NaN is left out, and what stood beside it moves together.
    horizon : int
        See `lags_for`.
    lags : int, optional
        Instead of `lags_for`.

    Returns
    -------
    MeanTest
        `std`, `error`, `t` and `p` are NaN below two values or without spread.

    References
    ----------
    .. [1] Newey & West (1987), *A Simple, Positive Semi-Definite, Heteroskedasticity and Autocorrelation Consistent
       Covariance Matrix*; Bartlett weights, no correction for small samples.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    n = len(x)
    mean = float(x.mean()) if n else math.nan
    positive = float((x > 0).mean()) if n else math.nan
    if n < 2 or np.ptp(x) == 0:
        return MeanTest(mean, math.nan, math.nan, math.nan, math.nan, positive, n)
    e = x - mean
    total = float(e @ e)
    chosen = lags_for(n, horizon) if lags is None else min(lags, n - 1)
    for lag in range(1, chosen + 1):
        total += 2 * (1 - lag / (chosen + 1)) * float(e[lag:] @ e[:-lag])
    error = math.sqrt(total) / n if total > 0 else math.nan
    t = mean / error if error > 0 else math.nan
    p = float(2 * stdtr(n - 1, -abs(t)))
    return MeanTest(mean, float(x.std(ddof=1)), error, t, p, positive, n)


def half_life(sessions: Sequence[int], strength: Sequence[float]) -> float:
    """Find after how many sessions a signal is half as strong as in its first.

    Parameters
    ----------
    sessions : sequence of int
        Ascending: after so many sessions …
    strength : sequence of float
        … the mean correlation with the return of that session alone.

    Returns
    -------
    float
        Sessions after the first of `sessions`, where the strength first falls to half. Between two measured sessions
        it is taken to decay exponentially, or along a line where it changes sign. NaN where it never does, or
        the first strength is 0 or NaN.
    """
    known = [(k, v) for k, v in zip(sessions, strength, strict=True) if math.isfinite(v)]
    if not known or known[0][0] != sessions[0] or known[0][1] == 0:
        return math.nan
    start, first = known[0]
    relative = [(k, v / first) for k, v in known]
    for (k, before), (later, after) in pairwise(relative):
        if after <= 0.5:
            if after > 0:
                share = math.log(before / 0.5) / math.log(before / after)
            else:
                share = (before - 0.5) / (before - after)
            return k + share * (later - k) - start
    return math.nan
