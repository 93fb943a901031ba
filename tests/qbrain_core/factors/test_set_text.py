import pytest

from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import FACTOR_SETS, FactorSet
from qbrain_core.factors.set_text import read_set, write_set

TEXT = """
name: momentum
author: 安
expressions:
  M5: $close/Ref($close, 5)
  UP: "If($close > $open, 1, 0)"
"""


def test_set_is_read_with_its_order_and_defaults() -> None:
    read = read_set(TEXT, owner="ann")
    assert read == FactorSet(
        "momentum", {"M5": "$close/Ref($close, 5)", "UP": "If($close > $open, 1, 0)"}, author="安", owner="ann",
        visibility="private",
    )  # fmt: skip
    assert read_set(TEXT, owner="ann", name="other").name == "other"


def test_written_set_is_read_back() -> None:
    for factors in (FACTOR_SETS["alpha158"], read_set(TEXT, owner="ann")):
        again = read_set(write_set(factors), owner="bob", name="copy")
        assert again.digest == factors.digest
        assert list(again.expressions.items()) == list(factors.expressions.items())
        assert (again.author, again.description) == (factors.author, factors.description)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "line 1, column 8"),
        ("- a", "it is a mapping of name"),
        ("name: a\nexpression: {X: $close}", "did you mean 'expressions'"),
        ("name: a\nexpressions: {X: $close, X: $open}", "stands there twice"),
        ("name: a\nexpressions: {[1]: $close}", "a name is one word"),
        ("name: a\nexpressions: [$close]", "factor names to expressions"),
        ("name: a\nexpressions: {X: [$close]}", "an expression is text"),
        ("name: a\nexpressions: {X: 5}", "only a constant"),
        ("name: a\nexpressions: {}", "1 to 2000 factors"),
        ("name: A\nexpressions: {X: $close}", "small letters"),
        ("expressions: {X: $close}", "name is None"),
        ("name: a\nvisibility: all\nexpressions: {X: $close}", "visibility is 'all'"),
        ("name: a\nexpressions: {x: $close, X: $open}", "'x' is a column already"),
        ("name: a\nexpressions: {Session: $close}", "'session' is a column already"),
        ("name: a\nexpressions: {a b: $close}", "letters, digits and _"),
        ("name: alpha360\nexpressions: {X: $close}", "ships with the product"),
        ("name: a\nexpressions: {X: 'Ref($close, -2)'}", "looks ahead"),
        ("name: a\nexpressions: {X: Mena($close)}", "expressions.X"),
        ("!!python/object/apply:os.getcwd []", "not valid YAML"),
        ("[" * 1000, "not valid YAML"),
    ],
)
def test_bad_text_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_set(text, owner="ann")
    assert words in str(refused.value)
