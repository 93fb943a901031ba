"""Parse Qlib's expression language to a typed tree; nothing is ever evaluated as code.

    Mean($close, 5)/$close            Corr($close, Log($volume + 1), 10)
    If($close > Ref($close, 1), 1, 0) ($high - $low)/($open + 1e-12)

Precedence is Python's, as in Qlib: `&` and `|` bind tighter than comparisons, so conditions are joined as
`($a > $b) & ($c > $d)`.
"""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from qbrain_core.errors import InvalidInputError, suggest
from qbrain_core.factors.operators import OPERATORS, SYMBOLS, Kind, Operator, Slot
from qbrain_core.factors.tree import Call, Field, Node, Number, fields, format, lookahead, lookback, reads_future

__all__ = [
    "MAX_DEPTH", "MAX_LENGTH", "MAX_WINDOW", "Call", "FactorSyntaxError", "Field", "Node", "Number",
    "fields", "format", "lookahead", "lookback", "parse", "reads_future",
]  # fmt: skip

MAX_LENGTH = 4000
"""Longest expression, in characters."""

MAX_DEPTH = 100
"""Deepest nesting of operators or parentheses."""

MAX_WINDOW = 100_000
"""Longest window or shift, in rows."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|\$(?P<field>[A-Za-z_]\w*)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<symbol>\*\*|[<>=!]=|[-+*/<>&|(),]))",
    re.ASCII,
)
_FOLD: dict[str, Callable[[float, float], float]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": operator.truediv, "Power": operator.pow,
}  # fmt: skip
_UNARY = 6  # precedence of a leading minus: -$a**2 is -($a**2), -$a*$b is (-$a)*$b


class FactorSyntaxError(InvalidInputError):
    """An expression cannot be read.

    Parameters
    ----------
    parameter : str
        What the expression was given as.
    text : str
        The expression.
    position : int
        Character the trouble is at, from 0.
    rule : str
        What is wrong there.
    """

    def __init__(self, parameter: str, text: str, position: int, rule: str) -> None:
        self.position = position
        self.text = text
        shown = text if len(text) <= 120 else text[:119] + "…"
        super().__init__(parameter, shown, f"at character {position + 1} {rule}")

    @property
    def pointer(self) -> str:
        """The expression with a caret below the place, on two lines."""
        flat = re.sub(r"\s", " ", self.text)
        return f"{flat}\n{' ' * self.position}^"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str, *, parameter: str = "expression") -> Node:
    """Read an expression.

    Parameters
    ----------
    text : str
        In Qlib's syntax.
    parameter : str
        What to call the expression in an error.

    Returns
    -------
    Node
        Typed and checked; constants are folded; it reads at least one field.

    Raises
    ------
    FactorSyntaxError
        If it is not an expression of the language; the message says where and what was expected.
    """
    return _Parser(text, parameter).parse()


class _Parser:
    def __init__(self, text: str, parameter: str) -> None:
        self.text = text
        self.parameter = parameter
        if len(text) > MAX_LENGTH:
            raise self._error(MAX_LENGTH, f"it is longer than {MAX_LENGTH} characters")
        self.tokens = self._scan()
        self.index = 0
        self.nesting = 0

    def parse(self) -> Node:
        node = self._expression(0)
        token = self._next()
        if token.kind != "end":
            raise self._error(token.position, f"{token.text!r} was not expected: an operator or the end should follow")
        if isinstance(node, Number):
            raise self._error(0, "there is only a constant: a factor reads at least one field, such as $close")
        return node

    def _error(self, position: int, rule: str) -> FactorSyntaxError:
        return FactorSyntaxError(self.parameter, self.text, position, rule)

    def _scan(self) -> list[_Token]:
        tokens, position, end = [], 0, len(self.text.rstrip())
        while position < end:
            found = _TOKEN.match(self.text, position)
            if found is None:
                at = position + len(self.text[position:]) - len(self.text[position:].lstrip())
                rule = f"{self.text[at]!r} is no part of the language"
                if self.text[at] == "$":
                    rule = "a field's name should follow the '$', such as $close"
                raise self._error(at, rule)
            kind = found.lastgroup or ""
            start = found.start(kind) - (kind == "field")
            tokens.append(_Token(kind, found[kind], start))
            position = found.end()
        return [*tokens, _Token("end", "the end", end)]

    def _peek(self) -> _Token:
        return self.tokens[self.index]

    def _next(self) -> _Token:
        token = self.tokens[self.index]
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def _expression(self, least: int) -> Node:
        # precedence climbing: an operand, then every infix operator that binds at least as tightly as `least`
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise self._error(self._peek().position, f"it is nested deeper than {MAX_DEPTH}")
        start = self._peek().position
        left = self._operand()
        while (infix := SYMBOLS.get(self._peek().text)) and infix.precedence >= least:
            token = self._next()
            beside = self._peek().position
            right = self._expression(infix.precedence + (infix.symbol != "**"))
            left = self._call(infix, [left, right], [start, beside], token.position)
            following = SYMBOLS.get(self._peek().text)
            if infix.precedence == 1 and following and following.precedence == 1:
                raise self._error(self._peek().position, "comparisons do not chain: write ($a < $b) & ($b < $c)")
        self.nesting -= 1
        return left

    def _operand(self) -> Node:
        token = self._next()
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                raise self._error(token.position, "the number is too large")
            return Number(value)
        if token.kind == "field":
            return Field(token.text)
        if token.kind == "name":
            return self._named(token)
        if token.text == "(":
            node = self._expression(0)
            self._expect(")")
            return node
        if token.text in ("-", "+"):
            node = self._expression(_UNARY)
            if token.text == "+":
                return node
            if isinstance(node, Number):
                return Number(-node.value)
            return self._call(OPERATORS["Mul"], [Number(-1.0), node], [token.position] * 2, token.position)
        what = "the expression ends" if token.kind == "end" else f"{token.text!r} stands"
        raise self._error(token.position, f"{what} where a field, a number, an operator or '(' should")

    def _expect(self, symbol: str) -> None:
        token = self._next()
        if token.kind != "symbol" or token.text != symbol:
            raise self._error(token.position, f"{symbol!r} is missing before {token.text}")

    def _named(self, token: _Token) -> Node:
        definition = OPERATORS.get(token.text)
        if definition is None:
            hint = suggest(token.text, OPERATORS)
            field = f"; a field is written ${token.text}" if self._peek().text != "(" else ""
            raise self._error(token.position, f"there is no operator {token.text!r}{field}; {hint}")
        self._expect("(")
        arguments, positions = [], []
        while True:
            positions.append(self._peek().position)
            arguments.append(self._expression(0))
            if self._peek().text != ",":
                break
            self._next()
        self._expect(")")
        return self._call(definition, arguments, positions, token.position)

    def _call(self, definition: Operator, arguments: list[Node], positions: list[int], at: int) -> Node:
        slots = definition.slots
        if len(arguments) != len(slots):
            takes = ", ".join(slots)
            raise self._error(at, f"{definition.name} takes {len(slots)} ({takes}), not {len(arguments)}")
        for number, (slot, argument, position) in enumerate(zip(slots, arguments, positions, strict=True), 1):
            if not _fits(slot, argument, definition):
                what = slot if definition.least_window == 1 else f"{slot}, at least {definition.least_window} or 0"
                got = _describe(argument)
                raise self._error(position, f"{definition.name} takes {what} as its argument {number}, not {got}")
        if slots == (Slot.OPERAND, Slot.OPERAND):
            left, right = arguments
            if isinstance(left, Number) and isinstance(right, Number):
                return self._fold(definition, left.value, right.value, at)
            if left.kind is right.kind is Kind.CONDITION:
                rule = (
                    f"{definition.symbol or definition.name} takes numbers, not two conditions: use &, | or If(…, 1, 0)"
                )
                raise self._error(at, rule)
        call = Call(definition.name, tuple(arguments))
        if call.depth > MAX_DEPTH:
            raise self._error(at, f"it is nested deeper than {MAX_DEPTH}")
        return call

    def _fold(self, definition: Operator, left: float, right: float, at: int) -> Number:
        if definition.name not in _FOLD:
            raise self._error(at, f"{definition.symbol or definition.name} stands between two constants")
        try:
            value = _FOLD[definition.name](left, right)
        except ArithmeticError:
            value = math.nan
        if not isinstance(value, float) or not math.isfinite(value):
            raise self._error(at, "the constant is not a finite number")
        return Number(value)


def _fits(slot: Slot, argument: Node, definition: Operator) -> bool:
    if isinstance(argument, Number):
        value = argument.value
        whole = value.is_integer() and abs(value) <= MAX_WINDOW
        window = whole and (value == 0 or value >= definition.least_window)
        match slot:
            case Slot.WINDOW:
                return window
            case Slot.SHIFT:
                return whole
            case Slot.SPAN:
                return window or 0 < value < 1
            case Slot.FRACTION:
                return 0 <= value <= 1
            case _:
                return slot is Slot.OPERAND
    match slot:
        case Slot.NUMBER:
            return argument.kind is Kind.NUMBER
        case Slot.CONDITION:
            return argument.kind is Kind.CONDITION
        case _:
            return slot in (Slot.SERIES, Slot.OPERAND)


def _describe(argument: Node) -> str:
    if isinstance(argument, Number):
        return f"the number {format(argument)}"
    return f"the {argument.kind} {format(argument)}" if len(format(argument)) < 60 else f"a {argument.kind}"
