"""Whatever the text: a tree or a `FactorSyntaxError`, soon."""

import time
from collections import Counter
from random import Random

import pytest
from factor_texts import damaged

from qbrain_core.factors.explain import explain
from qbrain_core.factors.expression import MAX_LENGTH, FactorSyntaxError, format, parse

SLOWEST = 0.5  # seconds of processor time for one text; a hundred times what any took


def _outcome(text: str) -> str:
    began = time.process_time()
    wrong, tree = None, None
    try:
        tree = parse(text)
    except FactorSyntaxError as error:
        wrong = error
    taken = time.process_time() - began
    assert taken < SLOWEST, repr(text)
    if tree is None:
        assert wrong is not None
        assert 0 <= wrong.position <= len(text), repr(text)
        assert wrong.pointer
        return "error"
    again = format(tree)
    assert len(again) > MAX_LENGTH or parse(again) == tree, repr(text)
    assert explain(text).sentence, repr(text)
    return "tree"


def _outcomes(seed: int, texts: int) -> Counter[str]:
    random = Random(seed)
    return Counter(_outcome(damaged(random)) for _ in range(texts))


def test_parse_any_text_gives_tree_or_syntax_error() -> None:
    outcomes = _outcomes(1, 2000)
    assert min(outcomes["tree"], outcomes["error"]) > 200  # both ways are walked


@pytest.mark.soak
def test_parse_a_hundred_thousand_texts_gives_tree_or_syntax_error() -> None:
    outcomes = _outcomes(2, 100_000)
    assert min(outcomes["tree"], outcomes["error"]) > 10_000
