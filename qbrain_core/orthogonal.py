"""Make factors uncorrelated with each other, session by session."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError
from qbrain_core.preprocess import neutralise, standardise

__all__ = ["orthogonalise"]

Floats = NDArray[np.float64]


def orthogonalise(
    factors: Sequence[Floats], *, method: Literal["symmetric", "sequential"] = "symmetric"
) -> list[Floats]:
    """Make factors uncorrelated with each other in every session.

    Parameters
    ----------
    factors : sequence of ndarray, each of shape (n_sessions, n_instruments)
    method : {"symmetric", "sequential"}
        Löwdin's [1]_: all give way alike, and the results are as close to the originals as possible; or Gram-Schmidt
        in the order given: the first stays.

    Returns
    -------
    list of ndarray
        Of standard deviation 1 in every session (0 where a factor is a combination of others). NaN where any factor
        is missing, and in sessions with fewer instruments than factors.

    Raises
    ------
    InvalidInputError
        If there is no factor.

    References
    ----------
    .. [1] Löwdin (1950), *On the Non-Orthogonality Problem*; as used for style factors in Klein & Chow (2013).
    """
    if not factors:
        raise InvalidInputError("factors", [], "at least one is needed")
    known = np.logical_and.reduce([np.isfinite(f) for f in factors])
    count = known.sum(axis=1)
    known &= (count > len(factors))[:, None]
    if method == "sequential":
        made: list[Floats] = []
        for factor in factors:
            made.append(standardise(neutralise(np.where(known, factor, np.nan), exposures=made)))
        return made
    scaled = [np.nan_to_num(standardise(np.where(known, f, np.nan))) for f in factors]
    stack = np.stack(scaled, axis=1)  # sessions × factors × instruments
    gram = stack @ stack.transpose(0, 2, 1) / np.maximum(count - 1, 1)[:, None, None]
    size, direction = np.linalg.eigh(gram)
    inverse = np.where(size > 1e-8, 1 / np.sqrt(np.maximum(size, 1e-8)), 0.0)
    turned = (direction * inverse[:, None, :]) @ direction.transpose(0, 2, 1) @ stack
    return [np.where(known, turned[:, k], np.nan) for k in range(len(factors))]
