"""Operators that Qlib lacks: across the instruments of a session, and a few elementwise and rolling ones."""

from qbrain_core.factors.operators.declaration import Operator, Scope, Slot

__all__ = ["HOUSE"]

_ONE = ("feature",)

HOUSE = (
    Operator("Exp", (Slot.NUMBER,), _ONE), Operator("Sqrt", (Slot.NUMBER,), _ONE),
    Operator("Prod", (Slot.SERIES, Slot.WINDOW), ("feature", "N")),
    Operator("DecayLinear", (Slot.SERIES, Slot.WINDOW), ("feature", "N")),
    Operator("CSRank", (Slot.SERIES,), _ONE, scope=Scope.SESSION),
    Operator("CSZScore", (Slot.SERIES,), _ONE, scope=Scope.SESSION),
    Operator("CSDemean", (Slot.SERIES,), _ONE, scope=Scope.SESSION),
    Operator("CSScale", (Slot.NUMBER, Slot.POSITIVE), ("feature", "a"), scope=Scope.SESSION, defaults=(1.0,)),
    Operator("CSWinsorize", (Slot.NUMBER, Slot.POSITIVE), ("feature", "n"), scope=Scope.SESSION, defaults=(3.0,)),
    Operator(
        "CSNeutralize", (Slot.NUMBER, Slot.REGRESSOR), ("feature", "regressor"), scope=Scope.SESSION, repeats=True
    ),
)  # fmt: skip
"""Operators of the house, in the order they are documented in."""
