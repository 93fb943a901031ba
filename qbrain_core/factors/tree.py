"""The tree an expression is parsed to, how it is written back, and what it reads."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from qbrain_core.factors.operators import OPERATORS, Kind, Operator, Scope

__all__ = [
    "Call", "Constant", "Dependencies", "Field", "Node", "Number", "PeriodField", "Text",
    "crosses_instruments", "dependencies", "fields", "format", "walk",
]  # fmt: skip

GROUPS = frozenset({"sector", "industry", "subindustry"})
"""Fields that hold group codes; so does every field whose name ends in `_group`."""

_ATOM = 10  # binds tighter than any infix operator
_NEGATIVE = 6  # unary minus: between * and **


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the input, written `$name`.

    Attributes
    ----------
    name : str
        Without the `$`.
    at : int
        Character of the text it stands at, from 0; not compared.
    """

    name: str
    at: int = field(default=0, compare=False, repr=False, kw_only=True)

    @property
    def kind(self) -> Kind:
        """What it gives: numbers, or the codes of groups."""
        return Kind.GROUP if self.name in GROUPS or self.name.endswith("_group") else Kind.NUMBER


@dataclass(frozen=True, slots=True)
class PeriodField:
    """An item of the statements by report period, written `$$name`; stands only within `P` and `PRef`.

    Attributes
    ----------
    name : str
        Without the `$$`.
    at : int
        Character of the text it stands at, from 0; not compared.
    """

    name: str
    at: int = field(default=0, compare=False, repr=False, kw_only=True)

    @property
    def kind(self) -> Kind:
        """What it gives: numbers."""
        return Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float
    at: int = field(default=0, compare=False, repr=False, kw_only=True)

    @property
    def kind(self) -> Kind:
        """What it gives: a number."""
        return Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Text:
    """A constant in quotes: the name of an instrument, a spell, a statistic."""

    value: str
    at: int = field(default=0, compare=False, repr=False, kw_only=True)

    @property
    def kind(self) -> Kind:
        """What it gives: a text."""
        return Kind.TEXT


@dataclass(frozen=True, slots=True)
class Call:
    """An operator applied to its arguments.

    Attributes
    ----------
    operator : str
        Name in `OPERATORS`.
    arguments : tuple of Node
        All of them, in the operator's order; what the text left out stands here with its default.
    at : int
        Character of the text the operator stands at, from 0; not compared.
    depth : int
        Longest way down to a leaf.
    """

    operator: str
    arguments: tuple["Node", ...]
    at: int = field(default=0, compare=False, repr=False, kw_only=True)
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
        """What the operator gives; an earlier group is still a group."""
        if self.operator == "Ref" and self.arguments[0].kind is Kind.GROUP:
            return Kind.GROUP
        return self.definition.gives


Constant: TypeAlias = Number | Text
Node: TypeAlias = Field | PeriodField | Number | Text | Call


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a tree reads.

    Attributes
    ----------
    fields : frozenset of str
        Columns of the frame, without the `$`.
    groups : frozenset of str
        Those of them that hold codes of groups.
    statements : frozenset of str
        Items of the statements, without the `$$`.
    instruments : frozenset of str
        Instruments it names.
    """

    fields: frozenset[str]
    groups: frozenset[str]
    statements: frozenset[str]
    instruments: frozenset[str]


def walk(node: Node) -> Iterator[Node]:
    """Give a tree's nodes, each before those below it.

    Parameters
    ----------
    node : Node

    Returns
    -------
    iterator of Node
    """
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)


def fields(node: Node) -> frozenset[str]:
    """Name the columns a tree reads.

    Parameters
    ----------
    node : Node

    Returns
    -------
    frozenset of str
        Without the `$`; items of statements (`$$`) are not among them.
    """
    return frozenset(n.name for n in walk(node) if isinstance(n, Field))


def dependencies(node: Node) -> Dependencies:
    """Name what a tree reads.

    Parameters
    ----------
    node : Node

    Returns
    -------
    Dependencies
    """
    return Dependencies(
        fields(node),
        frozenset(n.name for n in walk(node) if isinstance(n, Field) and n.kind is Kind.GROUP),
        frozenset(n.name for n in walk(node) if isinstance(n, PeriodField)),
        frozenset(
            a.value
            for n in walk(node)
            if isinstance(n, Call) and n.definition.scope is Scope.OTHER
            for a in n.arguments
            if isinstance(a, Text)
        ),
    )


def crosses_instruments(node: Node) -> bool:
    """Whether a value depends on rows of other instruments.

    Parameters
    ----------
    node : Node

    Returns
    -------
    bool
        True with an operator across the session (`CSRank`) or one that names an instrument (`Mask`).
    """
    return any(isinstance(n, Call) and n.definition.scope in (Scope.SESSION, Scope.OTHER) for n in walk(node))


def format(node: Node) -> str:
    """Write a tree as an expression; parsing that gives the same tree, unless it has become too long.

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
        case PeriodField(name):
            return f"$${name}", _ATOM
        case Number(value):
            text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
            return text, _NEGATIVE if math.copysign(1, value) < 0 else _ATOM
        case Text(value):
            return f'"{value}"' if "'" in value else f"'{value}'", _ATOM
        case Call():
            definition = node.definition
            if not definition.symbol:
                return f"{node.operator}({', '.join(format(a) for a in node.arguments)})", _ATOM
            if node.operator == "Mul" and node.arguments[0] == _MINUS:
                inner, binds = _format(node.arguments[1])
                return (f"-{inner}" if binds >= _NEGATIVE else f"-({inner})"), _NEGATIVE
            mine = definition.precedence
            (left, left_binds), (right, right_binds) = (_format(a) for a in node.arguments)
            # ** groups to the right, comparisons do not chain, the others group to the left
            if left_binds < mine or (left_binds == mine and definition.symbol in ("**", *_COMPARISONS)):
                left = f"({left})"
            if right_binds < mine or (right_binds == mine and definition.symbol != "**"):
                right = f"({right})"
            glue = "" if definition.symbol == "**" else " "
            return f"{left}{glue}{definition.symbol}{glue}{right}", mine


_MINUS = Number(-1.0)
_COMPARISONS = tuple(o.symbol for o in OPERATORS.values() if o.precedence == 1)
