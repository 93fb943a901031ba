"""The operators of the expression language: what each takes, gives, and how it is written.

Names and meaning are Qlib's (`qlib.data.ops`, 0.9.7). How each is computed stands in `kernels`.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["OPERATORS", "SYMBOLS", "Kind", "Operator", "Slot"]


class Kind(StrEnum):
    """What a node gives on each row."""

    NUMBER = "number"
    CONDITION = "condition"


class Slot(StrEnum):
    """What an operator takes at one place.

    `SERIES` and `NUMBER` take what varies by row (`NUMBER` no condition), `OPERAND` also a constant; the rest are
    constants: `WINDOW` a whole number of rows (0: all so far), `SHIFT` one that may be negative, `SPAN` a window or a
    fraction, `FRACTION` between 0 and 1.
    """

    SERIES = "a series"
    NUMBER = "a series of numbers"
    CONDITION = "a condition"
    OPERAND = "a series or a number"
    WINDOW = "a whole number of rows, 0 or more"
    SHIFT = "a whole number of rows"
    SPAN = "a whole number of rows, or a fraction between 0 and 1"
    FRACTION = "a number from 0 to 1"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes
    ----------
    name : str
        As it is called: `Mean`, `Add`.
    slots : tuple of Slot
        What it takes, in order.
    gives : Kind
    symbol : str
        Infix form, "" where it has none.
    precedence : int
        Of the infix form; higher binds tighter, as in Python.
    least_window : int
        Smallest window other than 0.
    """

    name: str
    slots: tuple[Slot, ...]
    gives: Kind = Kind.NUMBER
    symbol: str = ""
    precedence: int = 0
    least_window: int = 1


_PAIR = (Slot.OPERAND, Slot.OPERAND)
_ROLL = (Slot.SERIES, Slot.WINDOW)
_PAIR_ROLL = (Slot.NUMBER, Slot.NUMBER, Slot.WINDOW)
_BOTH = (Slot.CONDITION, Slot.CONDITION)

_INFIX = (
    ("Or", _BOTH, Kind.CONDITION, "|", 2), ("And", _BOTH, Kind.CONDITION, "&", 3),
    ("Gt", _PAIR, Kind.CONDITION, ">", 1), ("Ge", _PAIR, Kind.CONDITION, ">=", 1),
    ("Lt", _PAIR, Kind.CONDITION, "<", 1), ("Le", _PAIR, Kind.CONDITION, "<=", 1),
    ("Eq", _PAIR, Kind.CONDITION, "==", 1), ("Ne", _PAIR, Kind.CONDITION, "!=", 1),
    ("Add", _PAIR, Kind.NUMBER, "+", 4), ("Sub", _PAIR, Kind.NUMBER, "-", 4),
    ("Mul", _PAIR, Kind.NUMBER, "*", 5), ("Div", _PAIR, Kind.NUMBER, "/", 5),
    ("Power", _PAIR, Kind.NUMBER, "**", 7),
)  # fmt: skip
_ROLLING = (
    "Mean", "Sum", "Std", "Var", "Max", "Min", "Med", "Mad", "Rank", "Count",
    "IdxMax", "IdxMin", "Slope", "Rsquare", "Resi", "WMA",
)  # fmt: skip

OPERATORS: dict[str, Operator] = {
    o.name: o
    for o in (
        *(Operator(*row) for row in _INFIX),
        *(Operator(name, _ROLL) for name in _ROLLING),
        Operator("Skew", _ROLL, least_window=3), Operator("Kurt", _ROLL, least_window=4),
        Operator("EMA", (Slot.SERIES, Slot.SPAN)),
        Operator("Quantile", (Slot.SERIES, Slot.WINDOW, Slot.FRACTION)),
        Operator("Corr", _PAIR_ROLL), Operator("Cov", _PAIR_ROLL),
        Operator("Ref", (Slot.SERIES, Slot.SHIFT)), Operator("Delta", (Slot.SERIES, Slot.SHIFT)),
        Operator("Abs", (Slot.NUMBER,)), Operator("Sign", (Slot.NUMBER,)), Operator("Log", (Slot.NUMBER,)),
        Operator("Not", (Slot.CONDITION,), Kind.CONDITION),
        Operator("Greater", _PAIR), Operator("Less", _PAIR),
        Operator("If", (Slot.CONDITION, Slot.OPERAND, Slot.OPERAND)),
    )
}  # fmt: skip
"""Operators by name."""

SYMBOLS: dict[str, Operator] = {o.symbol: o for o in OPERATORS.values() if o.symbol}
"""Operators by infix symbol."""
