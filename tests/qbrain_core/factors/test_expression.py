import ast
import math
from random import Random

import pytest
from factor_texts import call
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.factors.expression import (
    Call,
    FactorSyntaxError,
    Field,
    Node,
    Number,
    PeriodField,
    Text,
    format,
    parse,
)
from qbrain_core.factors.operators import OPERATORS, SYMBOLS

CLOSE = Field("close")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("$close", CLOSE),
        ("  $close_5  ", Field("close_5")),
        ("Mean($close, 5)", Call("Mean", (CLOSE, Number(5)))),
        ("2*$close", Call("Mul", (Number(2), CLOSE))),
        ("2*3*$close", Call("Mul", (Number(6), CLOSE))),
        ("-$close", Call("Mul", (Number(-1), CLOSE))),
        ("~($a > $b)", Call("Not", (Call("Gt", (Field("a"), Field("b"))),))),
        ("Ref($close, -2)", Call("Ref", (CLOSE, Number(-2)))),
        ("Ref($close, 1 - 3)", Call("Ref", (CLOSE, Number(-2)))),
        ("Add($a, $b)", Call("Add", (Field("a"), Field("b")))),
        ("Quantile($a,5,.8)", Call("Quantile", (Field("a"), Number(5), Number(0.8)))),
        ("1e-12+$a", Call("Add", (Number(1e-12), Field("a")))),
        ("1_000*$a", Call("Mul", (Number(1000), Field("a")))),
        ("$收盘价/$营业收入（元）", Call("Div", (Field("收盘价"), Field("营业收入（元）")))),
        ("Mean($close, N=5)", Call("Mean", (CLOSE, Number(5)))),
        ("Quantile(qscore=0.5, feature=$close, N=5)", Call("Quantile", (CLOSE, Number(5), Number(0.5)))),
        ("Mean($close, 0.1)", Call("EMA", (CLOSE, Number(0.1)))),
        ("Rolling($close, 5, 'std')", Call("Std", (CLOSE, Number(5)))),
        ("Rolling($close, func='mean', N=0.1)", Call("EMA", (CLOSE, Number(0.1)))),
        ("Feature('close')", CLOSE),
        ("P($$roe_q)", Call("P", (PeriodField("roe_q"),))),
        ("$$roe_q", Call("P", (PeriodField("roe_q"),))),
        ("PFeature('roe_q')", Call("P", (PeriodField("roe_q"),))),
        ("P(Mean($$a, 4))", Call("P", (Call("Mean", (PeriodField("a"), Number(4))),))),
        ("Mean($$a, 4)", Call("Mean", (Call("P", (PeriodField("a"),)), Number(4)))),
        ("PRef($$a, 202003)", Call("PRef", (PeriodField("a"), Number(202003)))),
        ("ChangeInstrument('SH000300', $close)", Call("ChangeInstrument", (Text("SH000300"), CLOSE))),
        ('Mask($close, "it\'s")', Call("Mask", (CLOSE, Text("it's")))),
        ("TResample($close, 'w-sun', 'last')", Call("TResample", (CLOSE, Text("W"), Text("last")))),
        ("TResample($close, '1ME', 'last')", Call("TResample", (CLOSE, Text("M"), Text("last")))),
        ("CSScale($close)", Call("CSScale", (CLOSE, Number(1)))),
        ("CSNeutralize($a, $sector, $b)", Call("CSNeutralize", (Field("a"), Field("sector"), Field("b")))),
        ("TA_RSI($close)", Call("TA_RSI", (CLOSE, Number(14)))),
        ("TA_MACD_MACD($close, 10)", Call("TA_MACD_MACD", (CLOSE, Number(10), Number(26), Number(9)))),
        (
            "TA_MACD_MACDHIST($close, signalperiod=5)",
            Call("TA_MACD_MACDHIST", (CLOSE, Number(12), Number(26), Number(5))),
        ),
    ],
)
def test_parse_known_text_gives_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "expression ends"),
        ("Mean($close, 5", 14, "')' is missing before the end"),
        ("Mean($close 5)", 12, "'5' was not expected: an operator, ',' or ')' should follow"),
        ("($close 5)", 8, "an operator or ')' should follow"),
        ("Mean $close", 5, "'(' should follow 'Mean'"),
        ("Mean($close, 5,)", 15, "')' stands where a field"),
        ("Meen($close, 5)", 0, "did you mean 'Mean'"),
        ("mean($close, 5)", 0, "did you mean 'Mean'"),
        ("RSI($close)", 0, "did you mean 'TA_RSI'"),
        ("TA_RSO($close)", 0, "did you mean 'TA_RSI'"),
        ("ts_rank($close, 5)", 0, "write Rank(x, n)"),
        ("close", 0, "a field is written $close"),
        ("x" * 3000, 0, "a field is written $name"),
        ("$close $open", 7, "was not expected"),
        ("$close = 5", 7, "equality is written '=='"),
        ("$a and $b", 3, "conditions are joined by '&'"),
        ("$a if $b else 1", 3, "write If("),
        ("$a > 1 && $b > 1", 7, "write '&'"),
        ("$close ^ 2", 7, "write '**'"),
        ("$close % 2", 7, "there is no remainder"),
        ("Mean（$close, 5)", 4, "write '('"),
        ("Mean($close）", 11, "write ')'"),
        ("Mean($close，5)", 11, "write ','"),
        ("$close ? 1", 7, "no part of the language"),
        ("$ close", 0, "field's name"),
        ("'abc", 0, "no closing '"),
        ("'abc'", 0, "only a constant"),
        ("Mean($close)", 0, "takes 2 (feature: a series; N: a whole number of rows, 0 or more), not 1"),
        ("Mean($close, M=5)", 13, "'M' is no argument of it"),
        ("Mean($close, 5, N=5)", 16, "'N' was given before"),
        ("Mean(N=5)", 0, "'feature' is missing"),
        ("Mean(N=5, $close)", 10, "behind one with a name"),
        ("Mean($close, -5)", 13, "0 or more"),
        ("Mean($close, 2.5)", 13, "whole number"),
        ("Mean($close, $open)", 13, "whole number"),
        ("Mean($close, 1e9)", 13, "whole number"),
        ("Std($close, 0.5)", 12, "write EMA(x, fraction)"),
        ("Skew($close, 2)", 13, "at least 3"),
        ("Quantile($close, 5, 80)", 20, "from 0 to 1"),
        ("Mean(5, 5)", 5, "not the number 5"),
        ("Abs('x')", 4, "not the text 'x'"),
        ("Rolling($close, 5, 'rank')", 19, "one of 'mean', 'sum'"),
        ("Feature('a b')", 8, "the name of a field"),
        ("If($close, 1, 0)", 3, "a condition"),
        ("Abs($a > $b)", 4, "a series of numbers"),
        ("$a > $b & $c > $d", 5, "a condition"),
        ("$a < $b < $c", 8, "do not chain"),
        ("($a > $b) + ($c > $d)", 10, "two conditions"),
        ("$industry + 1", 0, "not the group $industry"),
        ("$industry == $close", 10, "only with a group"),
        ("CSNeutralize($close)", 0, "takes 2 or more"),
        ("CSNeutralize($close, 5)", 21, "a series or a group"),
        ("CSScale($close, 0)", 16, "a number above 0"),
        ("ChangeInstrument($close, 'X')", 17, "write it in quotes"),
        ("Mask($close, '')", 13, "an instrument in quotes"),
        ("TResample($close, '5min', 'last')", 18, "'D', 'W', 'M', 'Q' or 'Y'"),
        ("TResample($close, 'W-WED', 'last')", 18, "'D', 'W', 'M', 'Q' or 'Y'"),
        ("TResample($close, 'W', 'ohlc')", 23, "one of 'first'"),
        ("P($close)", 2, "written $$close, not $close"),
        ("P(P($$a))", 2, "cannot run over report periods"),
        ("P(CSRank($$a))", 2, "cannot run over report periods"),
        ("P(TA_SMA($$a, 3))", 2, "cannot run over report periods"),
        ("P(Ref($$a, -1))", 11, "later report period"),
        ("P(5)", 2, "an expression over $$ fields"),
        ("PRef($$a, 202005)", 10, "a report period"),
        ("TA_RSI($close, 1)", 15, "TA-Lib does not accept 1 as timeperiod of RSI"),
        ("TA_RSI($close, 2.5)", 15, "a whole number"),
        ("TA_RSI($close, 14, 5)", 0, "takes 1 to 2"),
        ("TA_ATR($high, $low, 14)", 20, "a series of numbers"),
        ("1 + 2", 0, "at least one field"),
        ("1/0*$a", 1, "finite"),
        ("9**9**9**9*$a", 4, "finite"),
        ("(-8)**0.5*$a", 4, "finite"),
        ("1 > 2", 2, "two constants"),
        ("1e999*$a", 0, "too large"),
        ("1__0*$a", 0, "not a number"),
        ("(" * 300 + "$a" + ")" * 300, 200, "deeper than 200"),
        ("Abs(" * 300 + "$a" + ")" * 300, 400, "deeper than 100"),
        ("**".join(["$a"] * 300), 800, "deeper than 200"),
        ("+".join(["$a"] * 200), 302, "deeper than 100"),
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


def test_parse_unknown_field_is_named_with_close_ones() -> None:
    assert parse("$close/$open", known=["open", "close"])
    with pytest.raises(FactorSyntaxError, match="no field 'clsoe'; did you mean 'close'") as caught:
        parse("$open/$clsoe", known=["open", "close"])
    assert caught.value.position == 6
    with pytest.raises(FactorSyntaxError, match="did you mean 'close'"):
        parse("$CLOSE", known=["open", "close"])


def test_parse_nodes_know_their_place() -> None:
    tree = parse("Mean($close, 5) / -$$roe_q")
    assert isinstance(tree, Call)
    mean, minus = tree.arguments
    assert isinstance(mean, Call)
    assert isinstance(minus, Call)
    assert (tree.at, mean.at, [a.at for a in mean.arguments]) == (16, 0, [5, 13])
    assert (minus.at, [a.at for a in minus.arguments]) == (18, [18, 19])


def test_format_of_any_operator_parsed_again_gives_same_tree() -> None:
    random = Random(4)
    for definition in OPERATORS.values():
        for leaves in (1, 3, 12):
            tree = call(random, definition, leaves)
            assert parse(format(tree)) == tree


@pytest.mark.parametrize("repeated", ["-", "~", "Abs(", "$a - (", "$a ** "])
def test_format_of_the_deepest_tree_can_be_read(repeated: str) -> None:
    # as deep as a tree can be; each writes it with another number of brackets
    start = "$a > 1" if repeated == "~" else "$a"
    tree = parse(start)
    pieces = {"-": "-({})", "~": "~({})", "Abs(": "Abs({})", "$a - (": "$a - ({})", "$a ** ": "$a ** ({})"}
    for _ in range(100 - (repeated == "~")):
        tree = parse(pieces[repeated].format(format(tree)))
    assert isinstance(tree, Call)
    assert tree.depth == 100
    assert parse(format(tree)) == tree


@given(st.lists(st.sampled_from(["+", "-", "*", "/", "**"]), min_size=1, max_size=6), st.randoms())
def test_parse_precedence_is_pythons(symbols: list[str], random: Random) -> None:
    names = [f"f{i}" for i in range(len(symbols) + 1)]
    minus = ["-" if random.random() < 0.2 else "" for _ in names]
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


def test_number_of_any_size_is_written_as_read() -> None:
    for value in (0.1, 1e-300, 1.7e308, 123456789012345678.0, -0.5, math.pi):
        tree = Call("Add", (CLOSE, Number(value)))
        assert parse(format(tree)) == tree
