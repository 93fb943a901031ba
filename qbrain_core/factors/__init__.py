"""Factors: Qlib's expression language, an engine for it, and the sets that ship with the product."""

from qbrain_core.factors.alpha158 import alpha158
from qbrain_core.factors.alpha360 import alpha360
from qbrain_core.factors.engine import compute
from qbrain_core.factors.expression import parse
from qbrain_core.factors.fields import expression_fields
from qbrain_core.factors.sets import FACTOR_SETS, FactorSet

__all__ = ["FACTOR_SETS", "FactorSet", "alpha158", "alpha360", "compute", "expression_fields", "parse"]
