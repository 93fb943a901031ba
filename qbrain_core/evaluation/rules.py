"""How factors are judged, and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.specs.evaluate import DECAY_HORIZONS, PreprocessSpec

__all__ = ["FactorReport", "Rules"]


@dataclass(frozen=True)
class Rules:
    """How factors are judged.

    Attributes
    ----------
    horizon : int
        Sessions held.
    horizons : sequence of int
        Of the decay, ascending.
    quantiles : int
    cost_bps : float
        Per side, of traded value.
    sessions_per_year : int
    steps : PreprocessSpec
    """

    horizon: int = 1
    horizons: Sequence[int] = DECAY_HORIZONS
    quantiles: int = 5
    cost_bps: float = 0.0
    sessions_per_year: int = 252
    steps: PreprocessSpec = field(default_factory=PreprocessSpec)


@dataclass(frozen=True)
class FactorReport:
    """What was found out about one factor.

    Attributes
    ----------
    metrics : dict of str to float
        Figures by name; NaN where undefined.
    sessions : DataFrame
        One row per session of a signal.
    details : DataFrame, columns (section, item, position, measure, value)
        See `qbrain_core.evaluation.details.SECTIONS`.
    scores : ndarray of float32
        Rank scores of the sampled sessions, for `relate`; empty where none were asked for.
    """

    metrics: dict[str, float]
    sessions: pl.DataFrame
    details: pl.DataFrame
    scores: NDArray[np.float32] = field(repr=False)
