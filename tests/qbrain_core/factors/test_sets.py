import pytest

from qbrain_core.errors import UnknownNameError
from qbrain_core.factors.sets import FACTOR_SETS, FactorSet, factor_set


def test_digest_spacing_changed_stays_equal() -> None:
    assert FactorSet("a", {"X": "Mean($close,5)"}).digest == FactorSet("b", {"X": " (Mean( $close, 5 ))"}).digest


@pytest.mark.parametrize("other", [{"X": "Mean($close,6)"}, {"Y": "Mean($close,5)"}, {"X": "$open", "Y": "$close"}])
def test_digest_content_changed_differs(other: dict[str, str]) -> None:
    assert FactorSet("a", {"X": "Mean($close,5)"}).digest != FactorSet("a", other).digest


def test_factor_set_mistyped_suggests_the_known() -> None:
    assert factor_set("alpha158") is FACTOR_SETS["alpha158"]
    with pytest.raises(UnknownNameError, match="did you mean 'alpha158'"):
        factor_set("alpha185")
