"""Parse Qlib's expression language to a typed tree; nothing is ever evaluated as code.

    Mean($close, 5)/$close            Corr($close, Log($volume + 1), 10)
    If($close > Ref($close, 1), 1, 0) ($high - $low)/($open + 1e-12)
    P(Mean($$roe_q, 4))               CSNeutralize(TA_RSI($close, 14), $industry, Log($market_cap))

Precedence is Python's, as in Qlib: `&` and `|` bind tighter than comparisons, so conditions are joined as
`($a > $b) & ($c > $d)`.
"""

import math
from collections.abc import Collection

from qbrain_core.errors import suggest
from qbrain_core.factors.arguments import MAX_WINDOW
from qbrain_core.factors.calls import Given, fitted, make_call, placed, takes
from qbrain_core.factors.operators import OPERATORS, ROLLING_FUNCTIONS, SPELLINGS, SYMBOLS, Operator, Scope
from qbrain_core.factors.reach import first_row, is_causal, lookahead, lookback, reads_future
from qbrain_core.factors.spelling import not_an_operator
from qbrain_core.factors.syntax import MAX_LENGTH, FactorSyntaxError, Token, scan
from qbrain_core.factors.tree import (
    Call,
    Dependencies,
    Field,
    Node,
    Number,
    PeriodField,
    Text,
    crosses_instruments,
    dependencies,
    fields,
    format,
)

__all__ = [
    "MAX_DEPTH", "MAX_LENGTH", "MAX_WINDOW", "Call", "Dependencies", "FactorSyntaxError", "Field", "Node", "Number",
    "PeriodField", "Text", "crosses_instruments", "dependencies", "fields", "first_row", "format", "is_causal",
    "lookahead", "lookback", "parse", "reads_future",
]  # fmt: skip

MAX_DEPTH = 100
"""Deepest nesting of operators."""

_MAX_OPEN = 2 * MAX_DEPTH  # brackets, signs and right-hand sides: enough for whatever `format` writes of a deepest tree

_UNARY = 6  # precedence of a leading minus: -$a**2 is -($a**2), -$a*$b is (-$a)*$b
_MEANT = {
    "=": "equality is written '=='", "and": "conditions are joined by '&'", "or": "conditions are joined by '|'",
    "if": "write If(condition, this, that)",
}  # fmt: skip


def parse(text: str, *, parameter: str = "expression", known: Collection[str] | None = None) -> Node:
    """Read an expression.

    Parameters
    ----------
    text : str
        In Qlib's syntax.
    parameter : str
        What to call the expression in an error.
    known : collection of str, optional
        Fields there are, without the `$`; another one is an error. Without it every name is taken.

    Returns
    -------
    Node
        Typed and checked; constants are folded, arguments left out are filled in; it reads at least one field.

    Raises
    ------
    FactorSyntaxError
        If it is not an expression of the language; the message says where and what was expected.
    """
    return _Parser(text, parameter, known).parse()


class _Parser:
    def __init__(self, text: str, parameter: str, known: Collection[str] | None) -> None:
        self.text = text
        self.parameter = parameter
        self.known = known
        self.tokens = scan(text, parameter)
        self.index = 0
        self.open = 0
        self.calls = 0
        self.in_periods = False

    def parse(self) -> Node:
        node = self._expression(0)
        token = self._next()
        if token.kind != "end":
            raise self._error(token.position, _not_expected(token, "an operator or the end"))
        if isinstance(node, Number | Text):
            raise self._error(0, "there is only a constant: a factor reads at least one field, such as $close")
        return node

    def _error(self, position: int, rule: str) -> FactorSyntaxError:
        return FactorSyntaxError(self.parameter, self.text, position, rule)

    def _peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.index + ahead, len(self.tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def _symbol(self) -> str:
        # the symbol that stands here, "" where another word does
        token = self._peek()
        return token.text if token.kind == "symbol" else ""

    def _expression(self, least: int) -> Node:
        # precedence climbing: an operand, then every infix operator that binds at least as tightly as `least`
        self.open += 1
        if self.open > _MAX_OPEN:
            raise self._error(self._peek().position, f"it is nested deeper than {_MAX_OPEN}")
        start = self._peek().position
        left = self._operand()
        while (infix := SYMBOLS.get(self._symbol())) and infix.precedence >= least:
            token = self._next()
            beside = self._peek().position
            right = self._expression(infix.precedence + (infix.symbol != "**"))
            left = self._call(infix, [(left, start), (right, beside)], token.position)
            following = SYMBOLS.get(self._symbol())
            if infix.precedence == 1 and following and following.precedence == 1:
                raise self._error(self._peek().position, "comparisons do not chain: write ($a < $b) & ($b < $c)")
        self.open -= 1
        return left

    def _operand(self) -> Node:
        token = self._next()
        match token.kind:
            case "number":
                return Number(self._value(token), at=token.position)
            case "field":
                return self._field(token.text.lstrip("$"), token.text.startswith("$$"), token.position)
            case "name":
                return self._named(token)
            case "text":
                return Text(token.text[1:-1], at=token.position)
        match token.text:
            case "(":
                node = self._expression(0)
                self._expect(")", "an operator or ')'")
                return node
            case "+":
                return self._expression(_UNARY)
            case "~":
                beside = self._peek().position
                return self._call(OPERATORS["Not"], [(self._expression(_UNARY), beside)], token.position)
            case "-":
                node = self._expression(_UNARY)
                if isinstance(node, Number):
                    return Number(-node.value, at=token.position)
                minus = Number(-1.0, at=token.position)
                return self._call(OPERATORS["Mul"], [(minus, token.position), (node, token.position)], token.position)
        what = "the expression ends" if token.kind == "end" else f"{token} stands"
        raise self._error(token.position, f"{what} where a field, a number, an operator or '(' should")

    def _value(self, token: Token) -> float:
        try:
            value = float(token.text)
        except ValueError:
            raise self._error(token.position, f"{token} is not a number") from None
        if not math.isfinite(value):
            raise self._error(token.position, "the number is too large")
        return value

    def _field(self, name: str, of_periods: bool, at: int) -> Node:
        if of_periods:
            field = PeriodField(name, at=at)
            return field if self.in_periods else Call("P", (field,), at=at)
        if self.in_periods:
            raise self._error(at, f"P(…) runs over report periods: its fields are written $${name}, not ${name}")
        if self.known is not None and name not in self.known:
            alike = [k for k in self.known if k.casefold() == name.casefold()]
            hint = suggest(alike[0] if alike else name[:80], self.known)
            raise self._error(at, f"there is no field {name!r}" + (f"; {hint}" if hint else ""))
        return Field(name, at=at)

    def _expect(self, symbol: str, expected: str) -> None:
        token = self._next()
        if token.kind == "end":
            raise self._error(token.position, f"{symbol!r} is missing before the end")
        if token.kind != "symbol" or token.text != symbol:
            raise self._error(token.position, _not_expected(token, expected))

    def _named(self, token: Token) -> Node:
        definition = OPERATORS.get(token.text) or SPELLINGS.get(token.text)
        if definition is None:
            raise self._error(token.position, not_an_operator(token.text, called=self._symbol() == "("))
        if self._symbol() != "(":
            raise self._error(self._peek().position, f"'(' should follow {token}, not {self._peek()}")
        if self.in_periods and (definition.scope is not Scope.OWN or definition.talib or token.text == "TResample"):
            rule = f"{token.text} cannot run over report periods: within P(…) stand $$ fields and Qlib's operators"
            raise self._error(token.position, f"{rule} of one instrument")
        self._next()
        self.calls += 1
        if self.calls > MAX_DEPTH:
            raise self._error(token.position, f"it is nested deeper than {MAX_DEPTH}")
        outside, self.in_periods = self.in_periods, self.in_periods or definition.scope is Scope.PERIODS
        given = self._arguments(definition, token.position)
        self.in_periods = outside
        self.calls -= 1
        if token.text in SPELLINGS:
            return self._spelled(definition, given, token.position)
        return self._call(definition, given, token.position)

    def _arguments(self, definition: Operator, at: int) -> list[Given]:
        # everything up to the closing bracket; what is given by keyword is put in its place
        given: list[Given] = []
        keywords: dict[str, Given] = {}
        while self._symbol() != ")" or given or keywords:
            position = self._peek().position
            if self._peek().kind == "name" and self._peek(1).text == "=":
                keyword = self._next().text
                self._next()
                if keyword not in definition.names[len(given) :] or keyword in keywords:
                    rule = "was given before" if keyword in definition.names else "is no argument of it"
                    raise self._error(position, f"{definition.name} takes {takes(definition)}; {keyword!r} {rule}")
                keywords[keyword] = self._expression(0), position
            elif keywords:
                raise self._error(position, "an argument without a name stands behind one with a name")
            else:
                given.append((self._expression(0), position))
            if self._symbol() != ",":
                break
            self._next()
        self._expect(")", "an operator, ',' or ')'")
        return placed(definition, given, keywords, at, self._error)

    def _spelled(self, definition: Operator, given: list[Given], at: int) -> Node:
        number = len(definition.slots) - 1
        if len(given) != number + 1:
            raise self._error(at, f"{definition.name} takes {takes(definition)}, not {len(given)}")
        last = fitted(definition, number, definition.slots[number], given[number], self._error)
        assert isinstance(last, Text)
        if definition.name == "Rolling":
            return self._call(OPERATORS[ROLLING_FUNCTIONS[last.value]], given[:number], at)
        return self._field(last.value, definition.name == "PFeature", at)

    def _call(self, definition: Operator, given: list[Given], at: int) -> Node:
        call = make_call(definition, given, at, in_periods=self.in_periods, fail=self._error)
        if isinstance(call, Call) and call.depth > MAX_DEPTH:
            raise self._error(at, f"it is nested deeper than {MAX_DEPTH}")
        return call


def _not_expected(token: Token, expected: str) -> str:
    hint = _MEANT.get(token.text)
    return f"{token} was not expected: {expected} should follow" + (f"; {hint}" if hint else "")
