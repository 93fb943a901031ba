"""How far a tree reaches in time: rows back, rows ahead, rows before the first value."""

import math

from qbrain_core.factors.operators import SPELLS, Kind, Scope, Slot, talib_rows
from qbrain_core.factors.tree import Call, Node, Number, Text, walk

__all__ = ["first_row", "is_causal", "lookahead", "lookback", "reads_future"]

_VALUES_NEEDED = {
    "Std": 2, "Var": 2, "Skew": 3, "Kurt": 4, "Corr": 2, "Cov": 2, "Slope": 2, "Rsquare": 2, "Resi": 2,
}  # fmt: skip
# of the other windows one value suffices, as in Qlib


def reads_future(node: Node) -> bool:
    """Whether any part of a tree refers to a later row.

    Parameters
    ----------
    node : Node

    Returns
    -------
    bool
        True even where an outer `Ref` brings the value back to the past: such a factor is refused all the same.
    """
    return any(_shift(n) < 0 for n in walk(node) if isinstance(n, Call))


def is_causal(node: Node) -> bool:
    """Whether no part of a tree refers to a later row.

    Of the operators only a negative `Ref` or `Delta` does: windows end at their own row, cross-sections stay within the
    session, statements count from the day they became known, TA-Lib's functions give a row the same value whatever
    follows.

    Parameters
    ----------
    node : Node

    Returns
    -------
    bool
    """
    return not reads_future(node)


def lookback(node: Node) -> float:
    """How many rows before its own a value may depend on.

    Parameters
    ----------
    node : Node

    Returns
    -------
    float
        A whole number of rows, or infinity where a window grows from the first row (`N = 0`), an average decays
        (`EMA`), or TA-Lib counts rows that have values (any number of halted ones may lie between). Statements do not
        count: what was known at a session is found without earlier rows.
    """
    return max(0.0, -_reach(node)[0])


def lookahead(node: Node) -> int:
    """How many rows after its own a value may depend on; what a split must purge.

    Parameters
    ----------
    node : Node

    Returns
    -------
    int
    """
    return int(max(0.0, _reach(node)[1]))


def first_row(node: Node) -> int:
    """Count an instrument's rows before the first value, if no field lacks one.

    Parameters
    ----------
    node : Node

    Returns
    -------
    int
        A condition has a value from the first row on: comparing with what is missing gives False. TA-Lib's whole-number
        outputs are 0 until their first value.
    """
    match node:
        case Call("Ref" | "Delta" as name, (inner, Number(rows))):
            # the first row's own value is known everywhere; a Delta also needs the row itself
            return max(0 if name == "Ref" else first_row(inner), first_row(inner) + int(rows) if rows else 0)
        case Call(operator, arguments):
            definition = node.definition
            if definition.gives is Kind.CONDITION or definition.scope is Scope.PERIODS or operator == "Count":
                return 0
            latest = max(first_row(a) for a in arguments)
            if definition.talib:
                settings = tuple(a.value for a in arguments if isinstance(a, Number))
                return latest + talib_rows(definition.talib[0], settings)
            spread = operator == "TResample" and arguments[2] in (Text("std"), Text("var"))
            return latest + (2 if spread else _VALUES_NEEDED.get(operator, 1)) - 1
        case _:
            return 0


def _shift(call: Call) -> float:
    # rows a Ref or Delta goes back; 0 for every other operator
    for slot, argument in zip(call.definition.slots, call.arguments, strict=False):
        if slot is Slot.SHIFT and isinstance(argument, Number):
            return argument.value
    return 0.0


def _reach(node: Node) -> tuple[float, float]:
    # first and last row a value depends on, relative to its own
    if not isinstance(node, Call) or node.definition.scope is Scope.PERIODS:
        return 0.0, 0.0
    reaches = [_reach(a) for a in node.arguments if not isinstance(a, Number | Text)]
    first, last = min(r[0] for r in reaches), max(r[1] for r in reaches)
    if node.definition.remembers:
        return -math.inf, last
    for slot, argument in zip(node.definition.slots, node.arguments, strict=False):
        if slot is Slot.SPELL and isinstance(argument, Text):
            return first - SPELLS[argument.value] + 1, last
        if not isinstance(argument, Number):
            continue
        if slot is Slot.SPAN or (slot in (Slot.WINDOW, Slot.SHIFT) and argument.value == 0):
            return -math.inf, last
        if slot is Slot.WINDOW:
            return first - argument.value + 1, last
        if slot is Slot.SHIFT:
            there = first - argument.value, last - argument.value
            return there if node.operator == "Ref" else (min(first, there[0]), max(last, there[1]))
    return first, last
