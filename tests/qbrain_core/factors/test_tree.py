import pytest

from qbrain_core.factors.expression import Call, Field, Number, crosses_instruments, dependencies, fields, format, parse
from qbrain_core.factors.operators import Kind


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("($a+$b)*$c", "($a + $b) * $c"),
        ("$a-($b-$c)", "$a - ($b - $c)"),
        ("-1*($a+$b)", "-($a + $b)"),
        ("-($a*$b)", "-($a * $b)"),
        ("-$a*$b", "-$a * $b"),
        ("-$a**2", "-$a**2"),
        ("(-$a)**2", "(-$a)**2"),
        ("$a**-$b", "$a**(-$b)"),
        ("(($a>1)&($b>1))", "($a > 1) & ($b > 1)"),
        ("Mean( $a ,5 )", "Mean($a, 5)"),
        ("TA_RSI($a)", "TA_RSI($a, 14)"),
        ('Mask($a, "X")', "Mask($a, 'X')"),
        ('Mask($a, "it\'s")', 'Mask($a, "it\'s")'),
        ("$$roe_q", "P($$roe_q)"),
    ],
)
def test_format_known_text_is_written_in_one_way(text: str, written: str) -> None:
    assert format(parse(text)) == written
    assert format(parse(written)) == written


def test_fields_repeated_named_once() -> None:
    assert fields(parse("$close/Ref($close, 1) - $open")) == {"close", "open"}


def test_dependencies_each_kind_stands_by_itself() -> None:
    reads = dependencies(
        parse("CSNeutralize($close/P(Mean($$eps_q, 4)), Ref($industry, 5), $my_group) + Mask($vwap, 'SH000300')")
    )
    assert reads.fields == {"close", "industry", "my_group", "vwap"}
    assert reads.groups == {"industry", "my_group"}
    assert reads.statements == {"eps_q"}
    assert reads.instruments == {"SH000300"}


@pytest.mark.parametrize(
    ("text", "crosses"),
    [
        ("Mean($close, 5)", False),
        ("P(Mean($$roe_q, 4))", False),
        ("TA_RSI($close)", False),
        ("Mean(CSRank($close), 5)", True),
        ("ChangeInstrument('X', $close)/$close", True),
        ("If($close > Mask($close, 'X'), 1, 0)", True),
    ],
)
def test_crosses_instruments_known_expression(text: str, crosses: bool) -> None:
    assert crosses_instruments(parse(text)) is crosses


def test_kind_earlier_group_is_a_group() -> None:
    assert parse("Ref($industry, 5)").kind is Kind.GROUP
    assert parse("Ref($close > 1, 5)").kind is Kind.NUMBER


def test_nodes_that_say_the_same_are_equal_wherever_they_stand() -> None:
    tree = parse("Mean($close, 5)/Mean($close, 5)")
    assert isinstance(tree, Call)
    left, right = tree.arguments
    assert left == right == Call("Mean", (Field("close"), Number(5)))
    assert hash(left) == hash(right)
    assert left.at != right.at
