import ast
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qbrain_core.factors.expression import (
    Call,
    FactorSyntaxError,
    Field,
    Node,
    Number,
    fields,
    format,
    lookahead,
    lookback,
    parse,
    reads_future,
)
from qbrain_core.factors.operators import OPERATORS, SYMBOLS, Kind, Slot


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("$close", Field("close")),
        ("  $close_5  ", Field("close_5")),
        ("Mean($close, 5)", Call("Mean", (Field("close"), Number(5)))),
        ("2*$close", Call("Mul", (Number(2), Field("close")))),
        ("2*3*$close", Call("Mul", (Number(6), Field("close")))),
        ("-$close", Call("Mul", (Number(-1), Field("close")))),
        ("Ref($close, -2)", Call("Ref", (Field("close"), Number(-2)))),
        ("Ref($close, 1 - 3)", Call("Ref", (Field("close"), Number(-2)))),
        ("Add($a, $b)", Call("Add", (Field("a"), Field("b")))),
        ("Quantile($a,5,.8)", Call("Quantile", (Field("a"), Number(5), Number(0.8)))),
        ("1e-12+$a", Call("Add", (Number(1e-12), Field("a")))),
    ],
)
def test_parse_known_text_gives_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "expression ends"),
        ("Mean($close, 5", 14, "')' is missing"),
        ("Meen($close, 5)", 0, "did you mean 'Mean'"),
        ("close", 0, "a field is written $close"),
        ("$close $open", 7, "was not expected"),
        ("$close ? 1", 7, "no part of the language"),
        ("$$roe_q", 0, "field's name"),
        ("Mean($close)", 0, "takes 2"),
        ("Mean($close, -5)", 13, "0 or more"),
        ("Mean($close, 2.5)", 13, "whole number"),
        ("Mean($close, $open)", 13, "whole number"),
        ("Mean($close, 1e9)", 13, "whole number"),
        ("Skew($close, 2)", 13, "at least 3"),
        ("Quantile($close, 5, 80)", 20, "from 0 to 1"),
        ("Mean(5, 5)", 5, "not the number 5"),
        ("If($close, 1, 0)", 3, "a condition"),
        ("Abs($a > $b)", 4, "a series of numbers"),
        ("$a > $b & $c > $d", 5, "a condition"),
        ("$a < $b < $c", 8, "do not chain"),
        ("($a > $b) + ($c > $d)", 10, "two conditions"),
        ("1 + 2", 0, "at least one field"),
        ("1/0*$a", 1, "finite"),
        ("9**9**9**9*$a", 4, "finite"),
        ("1 > 2", 2, "two constants"),
        ("1e999*$a", 0, "too large"),
        ("(" * 300 + "$a" + ")" * 300, 100, "deeper"),
        ("+".join(["$a"] * 200), 302, "deeper"),
        ("$a+" * 2000 + "$a", 4000, "longer"),
        ("__import__($os)", 0, "no operator"),
        ("$a.b", 2, "no part of the language"),
    ],
)
def test_parse_wrong_text_names_place_and_rule(text: str, position: int, words: str) -> None:
    with pytest.raises(FactorSyntaxError, match="expression is") as caught:
        parse(text)
    assert words in str(caught.value)
    assert caught.value.position == position
    assert caught.value.pointer.splitlines()[1] == " " * position + "^"


_FIELDS = st.sampled_from(["open", "close", "volume", "x_1"]).map(Field)
_CONSTANTS = st.one_of(st.integers(-99, 99).map(float), st.floats(-1e6, 1e6, allow_nan=False)).map(Number)


@st.composite
def _calls(draw: st.DrawFn, children: st.SearchStrategy[Node]) -> Node:
    operator = draw(st.sampled_from(sorted(OPERATORS.values(), key=lambda o: o.name)))
    arguments: list[Node] = []
    for slot in operator.slots:
        least = operator.least_window
        match slot:
            case Slot.WINDOW:
                arguments.append(Number(float(draw(st.integers(least, 300)))))
            case Slot.SHIFT:
                arguments.append(Number(float(draw(st.integers(-20, 20)))))
            case Slot.SPAN:
                arguments.append(Number(draw(st.one_of(st.integers(0, 60).map(float), st.just(0.1)))))
            case Slot.FRACTION:
                arguments.append(Number(draw(st.floats(0, 1))))
            case Slot.CONDITION:
                left, right = draw(children), draw(_CONSTANTS)
                node = left if left.kind is Kind.CONDITION else Call("Gt", (left, right))
                arguments.append(node)
            case Slot.OPERAND if arguments and operator.slots == (Slot.OPERAND, Slot.OPERAND):
                plain = arguments[0].kind is Kind.CONDITION
                arguments.append(draw(_FIELDS if plain else st.one_of(children, _CONSTANTS)))
            case Slot.NUMBER:
                node = draw(children)
                arguments.append(node if node.kind is Kind.NUMBER else draw(_FIELDS))
            case _:
                arguments.append(draw(children))
    return Call(operator.name, tuple(arguments))


TREES: st.SearchStrategy[Node] = st.recursive(_FIELDS, _calls, max_leaves=12)


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_format_parsed_again_gives_same_tree(tree: Node) -> None:
    assert parse(format(tree)) == tree


@given(st.lists(st.sampled_from(["+", "-", "*", "/", "**"]), min_size=1, max_size=6), st.randoms())
def test_parse_precedence_is_pythons(symbols: list[str], random: object) -> None:
    names = [f"f{i}" for i in range(len(symbols) + 1)]
    minus = ["-" if random.random() < 0.2 else "" for _ in names]  # type: ignore[attr-defined]
    tail = zip(symbols, minus[1:], names[1:], strict=True)
    text = minus[0] + f"${names[0]}" + "".join(f" {s} {m}${n}" for s, m, n in tail)
    assert parse(text) == _from_python(ast.parse(text.replace("$", ""), mode="eval").body)


def _from_python(node: ast.AST) -> Node:
    symbols = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
    match node:
        case ast.Name():
            return Field(node.id)
        case ast.UnaryOp():
            return Call("Mul", (Number(-1), _from_python(node.operand)))
        case ast.BinOp():
            name = SYMBOLS[symbols[type(node.op)]].name
            return Call(name, (_from_python(node.left), _from_python(node.right)))
    raise AssertionError(node)


_SHRAPNEL = st.sampled_from(
    [*OPERATORS, *SYMBOLS, "$close", "$", "(", ")", ",", "5", "-", "0.5", "1e5", " ", "é", "\0", "\n"]
)


@given(st.one_of(st.lists(_SHRAPNEL, max_size=30).map("".join), st.text(max_size=60)))
@settings(max_examples=2000, deadline=None)
def test_parse_any_text_gives_tree_or_syntax_error(text: str) -> None:
    try:
        again = parse(format(parse(text))) == parse(text)
    except FactorSyntaxError as error:
        again = 0 <= error.position <= len(text)
    assert again


@pytest.mark.parametrize(
    ("text", "back", "ahead"),
    [
        ("$close", 0, 0),
        ("Mean($close, 5)/$close", 4, 0),
        ("Ref(Mean($close, 5), 3)", 7, 0),
        ("Mean($close > Ref($close, 1), 60)", 60, 0),
        ("Ref($close, -2)/Ref($close, -1) - 1", 0, 2),
        ("Ref(Ref($close, -2), 3)", 1, 0),
        ("Delta($close, -3)", 0, 3),
        ("Delta($close, 3)", 3, 0),
        ("Mean(Ref($close, -5), 3)", 0, 5),
        ("Corr($close, Ref($volume, 2), 10)", 11, 0),
        ("Sum($close, 0)", math.inf, 0),
        ("EMA($close, 12)", math.inf, 0),
    ],
)
def test_reach_known_expression_counts_rows(text: str, back: float, ahead: int) -> None:
    assert (lookback(parse(text)), lookahead(parse(text))) == (back, ahead)


def test_reads_future_hidden_below_ref_is_seen() -> None:
    assert reads_future(parse("Ref(Ref($close, -2), 3)"))
    assert not reads_future(parse("Ref($close, 3)"))


def test_fields_repeated_named_once() -> None:
    assert fields(parse("$close/Ref($close, 1) - $open")) == {"close", "open"}
