"""Make the node of an operator from what was written between its brackets."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from qbrain_core.factors.arguments import describe, fits, spell, wanted
from qbrain_core.factors.operators import OPERATORS, Kind, Operator, Slot, talib_rows
from qbrain_core.factors.tree import Call, Node, Number, Text, format

__all__ = ["Fail", "Given", "fitted", "make_call", "placed", "takes"]

Given: TypeAlias = tuple[Node, int]
"""An argument, and the character it begins at."""

Fail: TypeAlias = Callable[[int, str], Exception]
"""Makes the error to raise, of a position and a rule."""

_FOLD: dict[str, Callable[[float, float], float]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": operator.truediv, "Power": operator.pow,
}  # fmt: skip


def placed(
    definition: Operator, given: Sequence[Given], keywords: Mapping[str, Given], at: int, fail: Fail
) -> list[Given]:
    """Put arguments given by keyword in their places.

    Parameters
    ----------
    definition : Operator
    given : sequence of (Node, int)
        Those given by place.
    keywords : mapping of str to (Node, int)
        Those given by keyword; each a name of the operator that `given` does not reach.
    at : int
        Character the operator stands at.
    fail : callable

    Returns
    -------
    list of (Node, int)
        What lies between two given ones has its default.

    Raises
    ------
    FactorSyntaxError
        If one that has no default is missing before another.
    """
    result = list(given)
    left = len(keywords)
    for number, name in enumerate(definition.names[len(given) :], len(given) - len(definition.names)):
        if not left:
            break
        if name in keywords:
            result.append(keywords[name])
            left -= 1
        elif -number <= len(definition.defaults):
            result.append((Number(definition.defaults[number], at=at), at))
        else:
            raise fail(at, f"{definition.name} takes {takes(definition)}: {name!r} is missing")
    return result


def make_call(definition: Operator, given: Sequence[Given], at: int, *, in_periods: bool, fail: Fail) -> Node:
    """Check the arguments of an operator and make its node.

    Parameters
    ----------
    definition : Operator
    given : sequence of (Node, int)
        In the operator's order; the last ones may be left out where they have defaults.
    at : int
        Character the operator stands at.
    in_periods : bool
        Whether it runs over report periods.
    fail : callable

    Returns
    -------
    Node
        A number where both sides of an infix operator are.

    Raises
    ------
    FactorSyntaxError
        If an argument does not fit.
    """
    if definition.name == "Mean" and len(given) == 2 and _is_fraction(given[1][0]):
        definition = OPERATORS["EMA"]  # as in Qlib
    slots = definition.slots
    missing = len(slots) - len(given)
    if 0 < missing <= len(definition.defaults):
        given = [*given, *((Number(value, at=at), at) for value in definition.defaults[-missing:])]
    elif definition.repeats and missing < 0:
        slots = (*slots, *slots[-1:] * -missing)
    elif missing:
        raise fail(at, f"{definition.name} takes {takes(definition)}, not {len(given)}")
    arguments = []
    for number, slot in enumerate(slots):
        arguments.append(fitted(definition, number, slot, given[number], fail))
        if in_periods and slot is Slot.SHIFT and isinstance(last := arguments[-1], Number) and last.value < 0:
            raise fail(given[number][1], f"within P(…) {definition.name} cannot refer to a later report period")
    if definition.is_pair:
        left, right = arguments
        if isinstance(left, Number) and isinstance(right, Number):
            return _fold(definition, left.value, right.value, at, fail)
        _check_kinds(definition, left, right, at, fail)
    if definition.talib and definition.defaults:
        _check_settings(definition, arguments, [position for _, position in given], fail)
    return Call(definition.name, tuple(arguments), at=at)


def fitted(definition: Operator, number: int, slot: Slot, given: Given, fail: Fail) -> Node:
    """Give an argument as its place takes it.

    Parameters
    ----------
    definition : Operator
    number : int
        Of the argument, from 0.
    slot : Slot
    given : (Node, int)
    fail : callable

    Returns
    -------
    Node

    Raises
    ------
    FactorSyntaxError
        If it does not fit.
    """
    argument, position = given
    if slot is Slot.SPELL and isinstance(argument, Text):
        argument = Text(spell(argument.value) or argument.value, at=argument.at)
    if fits(slot, argument, definition):
        return argument
    shown = f"{definition.name} ({definition.symbol})" if definition.symbol else definition.name
    hint = ""
    if _is_fraction(argument) and slot is Slot.WINDOW:
        hint = "; with a fraction Qlib takes the exponential mean whatever the operator: write EMA(x, fraction)"
    what, got = wanted(slot, definition), describe(argument, slot)
    raise fail(position, f"{shown} takes {what} as its argument {number + 1}, not {got}{hint}")


def takes(definition: Operator) -> str:
    """Word how many arguments an operator takes, and which.

    Parameters
    ----------
    definition : Operator

    Returns
    -------
    str
        "2 (feature: a series; N: a whole number of rows, 0 or more)".
    """
    most = len(definition.slots)
    least = most - len(definition.defaults)
    many = f"{least} to {most}" if definition.defaults else f"{least}{' or more' if definition.repeats else ''}"
    named = zip(definition.names, definition.slots, strict=True)
    return f"{many} ({'; '.join(f'{name}: {wanted(slot, definition)}' for name, slot in named)})"


def _check_kinds(definition: Operator, left: Node, right: Node, at: int, fail: Fail) -> None:
    shown = definition.symbol or definition.name
    if left.kind is right.kind is Kind.CONDITION:
        raise fail(at, f"{shown} takes numbers, not two conditions: use &, | or If(…, 1, 0)")
    if Kind.GROUP in (left.kind, right.kind) and left.kind is not right.kind:
        raise fail(at, f"{shown} compares a group only with a group")


def _check_settings(definition: Operator, arguments: Sequence[Node], positions: Sequence[int], fail: Fail) -> None:
    assert definition.talib
    function, defaults = definition.talib[0], definition.defaults
    settings = tuple(a.value for a in arguments[-len(defaults) :] if isinstance(a, Number))
    if talib_rows(function, settings) >= 0:
        return
    names, places = definition.names[-len(defaults) :], positions[-len(defaults) :]
    for number, value in enumerate(settings):
        if talib_rows(function, (*defaults[:number], value, *defaults[number + 1 :])) < 0:
            rule = f"TA-Lib does not accept {format(Number(value))} as {names[number]} of {function}"
            raise fail(places[number], rule)
    raise fail(places[0], f"TA-Lib does not accept these parameters of {function} together")


def _fold(definition: Operator, left: float, right: float, at: int, fail: Fail) -> Number:
    if definition.name not in _FOLD:
        raise fail(at, f"{definition.symbol or definition.name} stands between two constants")
    try:
        value = _FOLD[definition.name](left, right)
    except ArithmeticError:
        value = math.nan
    if not isinstance(value, float) or not math.isfinite(value):
        raise fail(at, "the constant is not a finite number")
    return Number(value, at=at)


def _is_fraction(node: Node) -> bool:
    return isinstance(node, Number) and 0 < node.value < 1
