"""How factors resemble each other, and what each adds to the rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from qbrain_core.sections import RowOrder

__all__ = ["Relations", "rank_scores", "relate", "sampled"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SESSIONS = 250
_CELLS = 100_000_000  # of all factors together: 400 MB
_RIDGE = 1e-3  # keeps factors that are exact combinations of others apart from rounding


@dataclass(frozen=True)
class Relations:
    """Relations between factors, each a mean over sessions.

    Attributes
    ----------
    correlation : ndarray, shape (n_factors, n_factors)
        Rank correlation.
    marginal : ndarray, shape (n_sessions, n_factors)
        Rank IC of what is left of a factor when all others are taken out of it; NaN for a single factor.
    """

    correlation: Floats
    marginal: Floats


def sampled(n_sessions: int, n_instruments: int, n_factors: int) -> NDArray[np.int64]:
    """Choose sessions that stand for all: evenly spread, as many as fit into memory with every factor.

    Parameters
    ----------
    n_sessions, n_instruments, n_factors : int

    Returns
    -------
    ndarray of int
        Positions, ascending; 250 at most.
    """
    fitting = _CELLS // max(n_instruments * n_factors, 1)
    wanted = max(1, min(n_sessions, _SESSIONS, fitting))
    return np.unique(np.linspace(0, n_sessions - 1, wanted).round().astype(np.int64))


def rank_scores(order: RowOrder, mask: Mask) -> NDArray[np.float32]:
    """Turn the ranks of each session into numbers of mean 0 and length 1.

    Parameters
    ----------
    order : RowOrder
    mask : ndarray of bool, shape (n_sessions, n_instruments)
        Cells that count.

    Returns
    -------
    ndarray of float32, shape (n_sessions, n_instruments)
        0 for cells that do not count (an average rank), and for sessions of one value.
    """
    ranks = order.ranks(mask)
    count = mask.sum(axis=1, keepdims=True)
    centred = np.where(mask, ranks - (count + 1) / 2, 0.0)
    length = np.sqrt(np.einsum("ij,ij->i", centred, centred))[:, None]
    return (centred / np.where(length > 0, length, 1.0)).astype(np.float32)


def relate(scores: NDArray[np.float32], label: NDArray[np.float32]) -> Relations:
    """Correlate factors with each other and with what followed.

    Parameters
    ----------
    scores : ndarray of float32, shape (n_factors, n_sessions, n_instruments)
        `rank_scores` of each factor.
    label : ndarray of float32, shape (n_sessions, n_instruments)
        `rank_scores` of the label.

    Returns
    -------
    Relations

    Notes
    -----
    With correlations G among factors and c with the label in one session, the part of factor k that the others do not
    explain has the correlation (G⁻¹c)ₖ ÷ √(G⁻¹)ₖₖ with the label (its semi-partial correlation). 0.001 is added to the
    diagonal of G.
    """
    n_factors, n_sessions, _ = scores.shape
    total, marginal = np.zeros((n_factors, n_factors)), np.full((n_sessions, n_factors), np.nan)
    counted = np.zeros((n_factors, n_factors))
    # matrices of this size gain nothing from threads of the algebra library, and lose much where others compute, too
    with threadpool_limits(1, "blas"):
        for session in range(n_sessions):
            rows = scores[:, session]
            gram = (rows @ rows.T).astype(np.float64)
            there = np.diag(gram) > 0.5  # length 1, or 0 where the factor has no ranks
            total += gram
            counted += np.outer(there, there)
            answer = label[session]
            if n_factors > 1 and there.sum() > 1 and answer.any():
                some = np.flatnonzero(there)
                inverse = np.linalg.inv(gram[np.ix_(some, some)] + _RIDGE * np.eye(len(some)))
                effect = inverse @ (rows[some] @ answer).astype(np.float64)
                marginal[session, some] = effect / np.sqrt(np.diag(inverse))
    correlation = np.where(counted > 0, total / np.maximum(counted, 1), np.nan)
    return Relations(np.clip(correlation, -1, 1), marginal)
