"""Factors: Qlib's expression language, an engine for it, and the sets that ship with the product."""

from qbrain_core.factors.alpha101 import alpha101
from qbrain_core.factors.alpha158 import alpha158
from qbrain_core.factors.alpha360 import alpha360
from qbrain_core.factors.engine import compute, compute_blocks
from qbrain_core.factors.explain import explain
from qbrain_core.factors.expression import (
    FactorSyntaxError,
    crosses_instruments,
    dependencies,
    format,
    is_causal,
    lookahead,
    lookback,
    parse,
    reads_future,
)
from qbrain_core.factors.fields import expression_fields
from qbrain_core.factors.sets import FACTOR_SETS, FactorSet

__all__ = [
    "FACTOR_SETS",
    "FactorSet",
    "FactorSyntaxError",
    "alpha101",
    "alpha158",
    "alpha360",
    "compute",
    "compute_blocks",
    "crosses_instruments",
    "dependencies",
    "explain",
    "expression_fields",
    "format",
    "is_causal",
    "lookahead",
    "lookback",
    "parse",
    "reads_future",
]
