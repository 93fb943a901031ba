import pytest

from qbrain_core.factors.costs import cost_ns
from qbrain_core.factors.expression import parse


def _cost(text: str) -> float:
    return cost_ns(parse(text))


def test_cost_what_occurs_twice_counts_once() -> None:
    assert _cost("Rank($close, 60)/Rank($close, 60)") == pytest.approx(_cost("Rank($close, 60)") + _cost("$a/$b"))


def test_cost_of_windows_that_are_walked_grows_with_them() -> None:
    assert _cost("Mad($close, 60)") > 5 * _cost("Mad($close, 5)")
    assert _cost("Mad($close, 0)") > _cost("Mad($close, 60)")
    assert _cost("Mean($close, 60)") == _cost("Mean($close, 5)")


def test_cost_of_a_field_is_nothing() -> None:
    assert _cost("$close") == 0
    assert 0 < _cost("$close/$open") < _cost("TA_RSI($close)") < _cost("CSRank($close)") < _cost("P($$roe_q)")
