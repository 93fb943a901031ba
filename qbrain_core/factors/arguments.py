"""Which argument fits which place of an operator, and how to tell somebody that it does not."""

import re

from qbrain_core.factors.operators import ROLLING_FUNCTIONS, SPELLS, STATISTICS, Kind, Operator, Slot
from qbrain_core.factors.syntax import is_field_name
from qbrain_core.factors.tree import Call, Node, Number, Text, format

__all__ = ["MAX_WINDOW", "describe", "fits", "spell", "wanted"]

MAX_WINDOW = 100_000
"""Longest window or shift, in rows."""

_LARGEST = 3e37  # of a setting, as in TA-Lib
_SPELL = re.compile(r"1?([DWMQYA])(?:[ES]|-[A-Z]{3})?")
_IN_QUOTES = (Slot.INSTRUMENT, Slot.SPELL, Slot.STATISTIC, Slot.ROLLED, Slot.NAME)


def spell(text: str) -> str:
    """Reduce pandas' name of a calendar span to one letter.

    Parameters
    ----------
    text : str
        `W`, `W-SUN`, `ME`, `1Q`, `A` …

    Returns
    -------
    str
        A key of `SPELLS`, or "" where it is none of them. Spans that begin on another day than Monday or in another
        month than January are none.
    """
    found = _SPELL.fullmatch(text.upper())
    if not found or ("-" in text and text.upper()[-4:] not in ("-SUN", "-DEC")):
        return ""
    return "Y" if found[1] == "A" else found[1]


def fits(slot: Slot, argument: Node, definition: Operator) -> bool:
    """Whether an argument may stand in a place.

    Parameters
    ----------
    slot : Slot
    argument : Node
    definition : Operator
        The operator whose place it is.

    Returns
    -------
    bool
    """
    match argument:
        case Number(value):
            return _number_fits(slot, value, definition.least_window)
        case Text(value):
            return _text_fits(slot, value)
    match slot:
        case Slot.REGRESSOR:
            return True
        case Slot.SERIES | Slot.OPERAND:
            return argument.kind is not Kind.GROUP or definition.name in ("Eq", "Ne", "Ref")
        case Slot.NUMBER:
            return argument.kind is Kind.NUMBER
        case Slot.CONDITION:
            return argument.kind is Kind.CONDITION
        case _:
            return slot is Slot.PERIODS


def _number_fits(slot: Slot, value: float, least: int) -> bool:
    whole = value.is_integer() and abs(value) <= MAX_WINDOW
    window = whole and (value == 0 or value >= least)
    match slot:
        case Slot.WINDOW:
            return window
        case Slot.SHIFT | Slot.WHOLE:
            return whole
        case Slot.SPAN:
            return window or 0 < value < 1
        case Slot.FRACTION:
            return 0 <= value <= 1
        case Slot.POSITIVE:
            return 0 < value <= _LARGEST
        case Slot.SETTING:
            return abs(value) <= _LARGEST
        case Slot.PERIOD:
            year, quarter = (value, 1) if value < 10_000 else divmod(value, 100)
            return value.is_integer() and 1900 <= year < 2200 and 1 <= quarter <= 4
        case _:
            return slot is Slot.OPERAND


def _text_fits(slot: Slot, value: str) -> bool:
    match slot:
        case Slot.INSTRUMENT:
            return value == value.strip() and 0 < len(value) <= 40 and value.isprintable()
        case Slot.SPELL:
            return value in SPELLS
        case Slot.STATISTIC:
            return value in STATISTICS
        case Slot.ROLLED:
            return value in ROLLING_FUNCTIONS
        case Slot.NAME:
            return is_field_name(value)
        case _:
            return False


def wanted(slot: Slot, definition: Operator) -> str:
    """Word what a place takes.

    Parameters
    ----------
    slot : Slot
    definition : Operator

    Returns
    -------
    str
    """
    if slot is Slot.WINDOW and definition.least_window > 1:
        return f"{slot}, at least {definition.least_window} or 0"
    if slot in (Slot.STATISTIC, Slot.ROLLED):
        return "one of " + ", ".join(repr(s) for s in (STATISTICS if slot is Slot.STATISTIC else ROLLING_FUNCTIONS))
    return str(slot)


def describe(argument: Node, slot: Slot) -> str:
    """Word what was given instead.

    Parameters
    ----------
    argument : Node
    slot : Slot
        Where it does not fit.

    Returns
    -------
    str
    """
    match argument:
        case Number():
            return f"the number {format(argument)}"
        case Text():
            return f"the text {format(argument)}"
    shown = format(argument) if not isinstance(argument, Call) or argument.depth <= 3 else ""
    words = f"the {argument.kind} {shown}" if 0 < len(shown) < 60 else f"a {argument.kind}"
    return f"{words}: write it in quotes" if slot in _IN_QUOTES else words
