"""Against pandas' groups."""

import numpy as np
import pandas as pd
import pytest

from qbrain_core.factors.kernels import SECTIONS, Stack

Drawn = tuple[Stack, np.ndarray, pd.Series]


@pytest.fixture(params=[1, 7, 400], ids=["few", "some", "many"])
def drawn(request: pytest.FixtureRequest) -> Drawn:
    """Sessions of several sizes: ties, gaps, infinities, a constant one, one with a single value, an empty one."""
    random = np.random.default_rng(5)
    lengths = [*random.integers(request.param, 2 * request.param + 2, 12), 4, 3, 5]
    x = np.round(random.normal(size=sum(lengths)), 2) * 10.0 ** random.integers(-3, 4)
    x[random.random(len(x)) < 0.15] = np.nan
    x[random.random(len(x)) < 0.05] = np.inf
    x[random.random(len(x)) < 0.05] = -0.0
    x[-12:-8] = 7.7
    x[-8:-5] = [np.nan, 2.0, np.nan]
    x[-5:] = [np.nan, -np.inf, np.nan, np.inf, np.nan]
    stack = Stack(np.array(lengths))
    session = np.repeat(np.arange(len(lengths)), lengths)
    return stack, x, pd.Series(np.where(np.isfinite(x), x, np.nan), index=session)


def _grouped(series: pd.Series):
    return series.groupby(level=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rank_equals_pandas(drawn: Drawn, dtype: type) -> None:
    stack, x, series = drawn
    expected = _grouped(series.astype(np.float32)).rank(pct=True)
    np.testing.assert_allclose(SECTIONS["CSRank"](stack, x.astype(dtype)), expected, rtol=1e-14)


def test_rank_values_apart_by_rounding_alone_are_equal() -> None:
    x = np.array([0.1 + 0.2, 0.3, 0.7, 0.0, -0.0])
    assert SECTIONS["CSRank"](Stack(np.array([5])), x).tolist() == [0.7, 0.7, 1.0, 0.3, 0.3]


def test_zscore_equals_pandas(drawn: Drawn) -> None:
    stack, x, series = drawn
    groups = _grouped(series)
    deviation = groups.transform("std").where(groups.transform("nunique") > 1)
    expected = (series - groups.transform("mean")) / deviation
    np.testing.assert_allclose(SECTIONS["CSZScore"](stack, x), expected, rtol=1e-9, atol=1e-12)


def test_demean_equals_pandas_and_constant_session_is_exactly_zero(drawn: Drawn) -> None:
    stack, x, series = drawn
    result = SECTIONS["CSDemean"](stack, x)
    expected = series - _grouped(series).transform("mean")
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12 * np.nanmax(series.abs()))
    assert result[-12:-8].tolist() == [0.0] * 4


def test_scale_equals_pandas(drawn: Drawn) -> None:
    stack, x, series = drawn
    total = _grouped(series.abs()).transform("sum")
    expected = series * 2.5 / total.where(total > 0)
    np.testing.assert_allclose(SECTIONS["CSScale"](stack, x, 2.5), expected, rtol=1e-12)


@pytest.mark.parametrize("width", [0.5, 3.0])
def test_winsorize_equals_pandas(drawn: Drawn, width: float) -> None:
    stack, x, series = drawn
    middle = _grouped(series).transform("median")
    reach = width * 1.4826 * _grouped((series - middle).abs()).transform("median")
    expected = series.clip(middle - reach, middle + reach).where(reach > 0, series)
    np.testing.assert_allclose(SECTIONS["CSWinsorize"](stack, x, width), expected, rtol=1e-12)


def test_winsorize_equal_majority_leaves_session_as_it_is() -> None:
    x = np.array([1.0, 1.0, 1.0, 50.0])
    assert SECTIONS["CSWinsorize"](Stack(np.array([4])), x, 3.0).tolist() == x.tolist()


@pytest.mark.parametrize("name", ["CSRank", "CSZScore", "CSDemean", "CSScale", "CSWinsorize"])
def test_sections_conditions_count_as_zero_and_one(name: str) -> None:
    stack, condition = Stack(np.array([4])), np.array([True, False, True, True])
    constants = {"CSScale": (1.0,), "CSWinsorize": (3.0,)}.get(name, ())
    result = SECTIONS[name](stack, condition, *constants)
    np.testing.assert_array_equal(result, SECTIONS[name](stack, condition.astype(float), *constants))


def test_sections_leave_their_arguments_alone(drawn: Drawn) -> None:
    stack, x, _ = drawn
    before = x.copy()
    for name in ("CSRank", "CSZScore", "CSDemean"):
        SECTIONS[name](stack, x)
    np.testing.assert_array_equal(x, before)


def test_change_instrument_and_mask_give_everybody_one_value() -> None:
    stack = Stack(np.array([3, 2, 2]))
    stack.instruments = ["A", "B", "X"]
    stack.seats = np.array([0, 1, 2, 0, 1, 1, 2], np.int32)
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    expected = [3.0, 3.0, 3.0, np.nan, np.nan, 7.0, 7.0]
    np.testing.assert_array_equal(SECTIONS["ChangeInstrument"](stack, "X", x), expected)
    np.testing.assert_array_equal(SECTIONS["Mask"](stack, x, "X"), expected)
    assert np.isnan(SECTIONS["ChangeInstrument"](stack, "unknown", x)).all()
