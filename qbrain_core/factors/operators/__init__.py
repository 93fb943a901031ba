"""The operators of the expression language: what each takes, gives, and how it is written.

Most are Qlib's; some are the field's, some TA-Lib's. How each is computed stands in `kernels`.
"""

from qbrain_core.factors.operators.declaration import Kind, Operator, Scope, Slot
from qbrain_core.factors.operators.of_house import HOUSE
from qbrain_core.factors.operators.of_qlib import QLIB, ROLLING_FUNCTIONS, SPELLINGS, SPELLS, STATISTICS
from qbrain_core.factors.operators.of_talib import TALIB, talib_keeps_scale, talib_rows, talib_title

__all__ = [
    "HOUSE", "OPERATORS", "QLIB", "ROLLING_FUNCTIONS", "SPELLINGS", "SPELLS", "STATISTICS", "SYMBOLS",
    "TALIB", "Kind", "Operator", "Scope", "Slot", "talib_keeps_scale", "talib_rows", "talib_title",
]  # fmt: skip

OPERATORS: dict[str, Operator] = {o.name: o for o in (*QLIB, *HOUSE, *TALIB)}
"""Operators by name."""

SYMBOLS: dict[str, Operator] = {o.symbol: o for o in OPERATORS.values() if o.symbol}
"""Operators by infix symbol."""
