"""The tree an expression is parsed to, how it is written back, and how far it reaches in time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from qbrain_core.factors.operators import OPERATORS, Kind, Operator, Slot

__all__ = ["Call", "Field", "Node", "Number", "fields", "format", "lookahead", "lookback", "reads_future"]

_ATOM = 10  # binds tighter than any infix operator
_NEGATIVE = 6  # unary minus: between * and **


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the input, written `$name`."""

    name: str

    @property
    def kind(self) -> Kind:
        """What it gives: numbers."""
        return Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float

    @property
    def kind(self) -> Kind:
        """What it gives: a number."""
        return Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Call:
    """An operator applied to its arguments.

    Attributes
    ----------
    operator : str
        Name in `OPERATORS`.
    arguments : tuple of Node
    depth : int
        Longest way down to a leaf.
    """

    operator: str
    arguments: tuple["Node", ...]
    depth: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        below = max((a.depth for a in self.arguments if isinstance(a, Call)), default=0)
        object.__setattr__(self, "depth", below + 1)

    @property
    def definition(self) -> Operator:
        """The operator's entry in the table."""
        return OPERATORS[self.operator]

    @property
    def kind(self) -> Kind:
        """What the operator gives."""
        return self.definition.gives


Node: TypeAlias = Field | Number | Call


def format(node: Node) -> str:
    """Write a tree as an expression; parsing that gives the same tree.

    Parameters
    ----------
    node : Node

    Returns
    -------
    str
    """
    return _format(node)[0]


def _format(node: Node) -> tuple[str, int]:
    match node:
        case Field(name):
            return f"${name}", _ATOM
        case Number(value):
            text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
            return text, _NEGATIVE if math.copysign(1, value) < 0 else _ATOM
        case Call():
            definition = node.definition
            if not definition.symbol:
                return f"{node.operator}({', '.join(format(a) for a in node.arguments)})", _ATOM
            mine = definition.precedence
            (left, left_binds), (right, right_binds) = (_format(a) for a in node.arguments)
            # ** groups to the right, comparisons do not chain, the others group to the left
            if left_binds < mine or (left_binds == mine and definition.symbol in ("**", *_COMPARISONS)):
                left = f"({left})"
            if right_binds < mine or (right_binds == mine and definition.symbol != "**"):
                right = f"({right})"
            glue = "" if definition.symbol == "**" else " "
            return f"{left}{glue}{definition.symbol}{glue}{right}", mine


_COMPARISONS = tuple(o.symbol for o in OPERATORS.values() if o.precedence == 1)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from _walk(argument)


def fields(node: Node) -> frozenset[str]:
    """Name the columns a tree reads.

    Parameters
    ----------
    node : Node

    Returns
    -------
    frozenset of str
        Without the `$`.
    """
    return frozenset(n.name for n in _walk(node) if isinstance(n, Field))


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
    return any(_shift(n) < 0 for n in _walk(node) if isinstance(n, Call))


def lookback(node: Node) -> float:
    """How many rows before its own a value may depend on.

    Parameters
    ----------
    node : Node

    Returns
    -------
    float
        A whole number of rows, or infinity where a window grows from the first row (`N = 0`) or an average decays
        (`EMA`).
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


def _shift(call: Call) -> float:
    # rows a Ref or Delta goes back; 0 for every other operator
    for slot, argument in zip(call.definition.slots, call.arguments, strict=True):
        if slot is Slot.SHIFT and isinstance(argument, Number):
            return argument.value
    return 0.0


def _reach(node: Node) -> tuple[float, float]:
    # first and last row a value depends on, relative to its own
    if not isinstance(node, Call):
        return 0.0, 0.0
    reaches = [_reach(a) for a in node.arguments if not isinstance(a, Number)]
    first, last = min(r[0] for r in reaches), max(r[1] for r in reaches)
    for slot, argument in zip(node.definition.slots, node.arguments, strict=True):
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
