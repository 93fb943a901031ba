import numpy as np
import pytest
from scipy import stats

from qbrain_core.sections import RowOrder, average, correlate


@pytest.fixture
def values() -> np.ndarray:
    random = np.random.default_rng(3)
    found = random.normal(size=(12, 40)).round(1)  # rounded: there are ties
    found[random.random(found.shape) < 0.2] = np.nan
    return found


@pytest.fixture
def groups() -> np.ndarray:
    return np.random.default_rng(4).integers(-1, 3, size=(12, 40))


@pytest.mark.parametrize("method", ["average", "min"])
def test_ranks_any_part_of_a_row_equals_scipy(values: np.ndarray, method) -> None:
    random, order = np.random.default_rng(5), RowOrder.of(values)
    for _ in range(3):
        mask = ~np.isnan(values) & (random.random(values.shape) < 0.7)
        ranks = order.ranks(mask, method=method)
        assert (ranks[~mask] == 0).all()
        for row, chosen in enumerate(mask):
            assert ranks[row, chosen] == pytest.approx(stats.rankdata(values[row, chosen], method=method))


def test_ranks_within_groups_equals_scipy(values: np.ndarray, groups: np.ndarray) -> None:
    mask = ~np.isnan(values)
    ranks = RowOrder.of(values).ranks(mask, groups=groups)
    assert (ranks[groups < 0] == 0).all()
    for row in range(len(values)):
        for group in range(3):
            chosen = mask[row] & (groups[row] == group)
            assert ranks[row, chosen] == pytest.approx(stats.rankdata(values[row, chosen]))


def test_correlate_within_groups_equals_scipy(values: np.ndarray, groups: np.ndarray) -> None:
    other = np.random.default_rng(6).normal(size=values.shape)
    mask = ~np.isnan(values)
    coefficient, count = correlate(values, other, mask, groups=groups)
    for row in range(len(values)):
        for group in range(3):
            chosen = mask[row] & (groups[row] == group)
            expected = stats.pearsonr(values[row, chosen], other[row, chosen])[0]
            assert (coefficient[row, group], count[row, group]) == (pytest.approx(expected), chosen.sum())


def test_correlate_constant_side_is_undefined_whatever_its_size() -> None:
    x = np.arange(6.0)[None]
    for constant in (0.0, 0.1, 1e9 / 3, -1e-12):
        coefficient, count = correlate(x, np.full((1, 6), constant), np.ones((1, 6), bool))
        assert (np.isnan(coefficient[0, 0]), count[0, 0]) == (True, 6)
    shifted, _ = correlate(x, 1e6 + x * 1e-3, np.ones((1, 6), bool))
    assert shifted[0, 0] == pytest.approx(1)


def test_average_group_without_cells_is_undefined_and_counted_as_none() -> None:
    mean, count = average(np.array([[1.0, 2.0, 5.0]]), np.ones((1, 3), bool), groups=np.array([[0, 0, 2]]), n_groups=4)
    assert mean[0] == pytest.approx([1.5, np.nan, 5, np.nan], nan_ok=True)
    assert count[0].tolist() == [2, 0, 1, 0]


def test_rows_of_an_order_are_those_rows(values: np.ndarray) -> None:
    mask, chosen = ~np.isnan(values), np.array([1, 7])
    assert (RowOrder.of(values).rows(chosen).ranks(mask[chosen]) == RowOrder.of(values).ranks(mask)[chosen]).all()
