"""What portfolios sorted by a factor would have earned, and how much they would have traded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qbrain_core.evaluation.coefficients import MIN_CROSS_SECTION
from qbrain_core.evaluation.yardstick import Yardstick
from qbrain_core.sections import RowOrder, average

__all__ = ["Portfolios", "assign_quantiles", "quantile_portfolios", "quantile_turnover"]

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Portfolios:
    """Equal-weighted portfolios of the quantiles; a row is a session, dated by when it was earned or traded.

    A signal of session t is bought at the close of t + 1 and sold `horizon` sessions later, so `horizon` portfolios
    stand side by side, each with an equal share of the capital.

    Attributes
    ----------
    quantiles : ndarray, shape (n_signals, n_quantiles)
        Return of each quantile's portfolio in the session, before costs. NaN where nothing is held.
    universe : ndarray, shape (n_signals,)
        The same of everything that was evaluated.
    gross : ndarray, shape (n_signals,)
        Return of the highest quantile less that of the lowest.
    net : ndarray, shape (n_signals,)
        `gross` less the costs of the session's trades; NaN before the first of them.
    traded : ndarray, shape (n_signals,)
        Bought and sold in the session, both sides together, as a multiple of the capital of one side.
    """

    quantiles: Floats
    universe: Floats
    gross: Floats
    net: Floats
    traded: Floats


def assign_quantiles(order: RowOrder, mask: Mask, quantiles: int) -> Groups:
    """Divide each session into quantiles of equal count, as `pandas.qcut` does [1]_.

    Parameters
    ----------
    order : RowOrder
        Of the factor.
    mask : ndarray of bool, shape (n_sessions, n_instruments)
        Cells that are divided.
    quantiles : int

    Returns
    -------
    ndarray of int, shape (n_sessions, n_instruments)
        0 for the lowest; -1 for cells outside the mask and sessions with fewer cells than `MIN_CROSS_SECTION` or than
        quantiles. Equal values share a quantile, so a factor of few values leaves some empty.

    References
    ----------
    .. [1] Hyndman & Fan (1996), type 7: the k-th bound stands at place (n - 1) k ÷ q of the sorted values, and
       belongs to the quantile below.
    """
    count = mask.sum(axis=1, keepdims=True)
    below = order.ranks(mask, method="min").astype(np.int64) - 1
    found = np.maximum(-(-below * quantiles // np.maximum(count - 1, 1)) - 1, 0)
    return np.where(mask & (count >= max(quantiles, MIN_CROSS_SECTION)), found, -1)


def quantile_portfolios(
    codes: Groups, yardstick: Yardstick, *, quantiles: int, horizon: int, cost_bps: float
) -> Portfolios:
    """Hold the quantiles and see what they earn.

    Parameters
    ----------
    codes : ndarray of int, shape (n_signals, n_instruments)
        Quantile of each cell, -1 for none.
    yardstick : Yardstick
        Of the same signals.
    quantiles : int
        How many there are.
    horizon : int
        Sessions held.
    cost_bps : float
        Per side, of traded value.

    Returns
    -------
    Portfolios
        Weights are equal at every purchase and drift is not counted as trading. A name that stops trading keeps its
        last close.
    """
    held = np.where(yardstick.bought, codes, -1)
    signals = len(held)
    sums, parts = np.zeros((signals, quantiles + 1)), np.zeros((signals, quantiles + 1))
    for age in range(min(horizon, max(signals - 2, 0))):
        # the portfolio of session t earns, at this age, the return of session t + 2 + age
        earned = yardstick.session_returns[2 + age : signals]
        cells = held[: len(earned)]
        known = (cells >= 0) & np.isfinite(earned)
        means, _ = average(earned, known, groups=cells, n_groups=quantiles)
        every, _ = average(earned, known)
        found = np.hstack([means, every])
        sums[2 + age :] += np.nan_to_num(found)
        parts[2 + age :] += np.isfinite(found)
    returns = np.where(parts > 0, sums / np.maximum(parts, 1), np.nan)
    gross = returns[:, quantiles - 1] - returns[:, 0]
    traded = np.zeros(signals)
    traded[1:] = (_traded(held, quantiles, horizon) / horizon)[:-1]
    costs = traded * cost_bps / 1e4
    net = np.where(np.isfinite(gross) | (traded > 0), np.nan_to_num(gross) - costs, np.nan)
    return Portfolios(returns[:, :quantiles], returns[:, quantiles], gross, net, traded)


def quantile_turnover(codes: Groups, *, quantiles: int, horizon: int) -> Floats:
    """Find the share of each quantile's names that were not in it a holding period before.

    Parameters
    ----------
    codes : ndarray of int, shape (n_sessions, n_instruments)
    quantiles : int
    horizon : int
        Sessions between the two looks.

    Returns
    -------
    ndarray, shape (n_sessions, n_quantiles)
        In [0, 1]; NaN in the first `horizon` sessions and where the quantile is empty.
    """
    result = np.full((len(codes), quantiles), np.nan)
    if len(codes) > horizon:
        now, then = codes[horizon:], codes[:-horizon]
        share, _ = average((now != then).astype(np.float64), now >= 0, groups=now, n_groups=quantiles)
        share[(then < 0).all(axis=1)] = np.nan
        result[horizon:] = share
    return result


def _traded(held: Groups, quantiles: int, horizon: int) -> Floats:
    # sum of the changes of weight of both legs, against the portfolio that ends now
    top, bottom = held == quantiles - 1, held == 0
    weights = top / np.maximum(top.sum(axis=1, keepdims=True), 1)
    weights -= bottom / np.maximum(bottom.sum(axis=1, keepdims=True), 1)
    change = weights.copy()
    change[horizon:] -= weights[:-horizon]
    total: Floats = np.abs(change).sum(axis=1)
    return total
