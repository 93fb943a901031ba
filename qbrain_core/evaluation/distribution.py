"""How values are spread: moments, quantiles, histograms, and against the normal distribution."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["MEASURES", "histogram", "normal_quantiles", "summary"]

Floats = NDArray[np.float64]

MEASURES = ("mean", "std", "skew", "kurtosis", "min", "p1", "p25", "median", "p75", "p99", "max")
"""What `summary` gives, in order."""


def summary(values: Floats) -> dict[str, float]:
    """Describe values in eleven figures.

    Parameters
    ----------
    values : ndarray
        Not finite ones are left out.

    Returns
    -------
    dict of str to float
        `MEASURES`: sample deviation (n - 1), moment skewness, excess kurtosis (0 for the normal distribution),
        quantiles linear between values; NaN where undefined.
    """
    x = values[np.isfinite(values)]
    if not len(x):
        return dict.fromkeys(MEASURES, math.nan)
    mean = float(x.mean())
    d = x - mean
    square = d * d
    second = float(square.mean())
    spread = second > 1e-24 * mean**2
    found = {
        "mean": mean,
        "std": math.sqrt(second * len(x) / (len(x) - 1)) if len(x) > 1 else math.nan,
        "skew": float((square @ d) / len(x)) / second**1.5 if spread else math.nan,
        "kurtosis": float((square @ square) / len(x)) / second**2 - 3 if spread else math.nan,
        "min": float(x.min()),
        "max": float(x.max()),
    }
    shares = {"p1": 0.01, "p25": 0.25, "median": 0.5, "p75": 0.75, "p99": 0.99}
    found |= dict(zip(shares, np.quantile(x, list(shares.values())).tolist(), strict=True))
    return {name: found[name] for name in MEASURES}


def histogram(values: Floats, *, bins: int = 40, tail: float = 0.005) -> tuple[Floats, NDArray[np.int64]]:
    """Count values in bins of equal width; the outermost hold the tails beyond them, too.

    Parameters
    ----------
    values : ndarray
        Not finite ones are left out.
    bins : int
    tail : float
        The bins reach from this quantile to 1 - this one.

    Returns
    -------
    edges : ndarray, shape (bins + 1,)
        Empty without values; two edges around a single value.
    counts : ndarray of int, shape (bins,)
    """
    x = values[np.isfinite(values)]
    if not len(x):
        return np.empty(0), np.empty(0, np.int64)
    low, high = np.quantile(x, [tail, 1 - tail])
    if low == high:
        low, high = x.min(), x.max()
    if low == high:
        return np.array([low, high]), np.array([len(x)])
    counts, edges = np.histogram(np.clip(x, low, high), bins=bins, range=(low, high))
    return edges, counts


def normal_quantiles(values: Floats, *, points: int = 101) -> tuple[Floats, Floats]:
    """Set values against the normal distribution (Q-Q).

    Parameters
    ----------
    values : ndarray
        Not finite ones are left out.
    points : int
        At most; fewer values give as many points as there are.

    Returns
    -------
    theoretical, observed : ndarray
        Standard normal quantiles at (i - ½) ÷ n, and those of the standardised values; both empty without spread.
    """
    x = np.sort(values[np.isfinite(values)])
    if len(x) < 2 or x[0] == x[-1]:
        return np.empty(0), np.empty(0)
    n = min(points, len(x))
    shares = (np.arange(n) + 0.5) / n
    observed = (np.quantile(x, shares, method="hazen") - x.mean()) / x.std(ddof=1)
    return ndtri(shares), observed
