"""Against numpy's least squares with a column for each group."""

from collections.abc import Sequence

import numpy as np
import pytest

from qbrain_core.factors.kernels import SECTIONS, Stack

neutralize = SECTIONS["CSNeutralize"]


def _residuals(x: np.ndarray, regressors: Sequence[np.ndarray], groups: Sequence[bool]) -> np.ndarray:
    valid = np.logical_and.reduce([np.isfinite(v) for v in (x, *regressors)])
    result = np.full(len(x), np.nan)
    columns = [np.ones(valid.sum())]
    for y, group in zip(regressors, groups, strict=True):
        own = y[valid]
        columns += [(own == code).astype(float) for code in np.unique(own)] if group else [own / np.abs(own).max()]
    if valid.any():
        design = np.column_stack(columns)
        result[valid] = x[valid] - design @ np.linalg.lstsq(design, x[valid], rcond=None)[0]
    return result


def _draw(random: np.random.Generator, lengths: Sequence[int]) -> dict[str, np.ndarray]:
    n = sum(lengths)
    size = np.exp(random.normal(23, 1.5, n))
    drawn = {
        "size": np.log(size),
        "twice": 2 * np.log(size) + 1,
        "beta": random.normal(1, 0.3, n),
        "constant": np.full(n, 3.3),
        "industry": random.integers(0, 9, n).astype(np.float32),
        "sector": random.integers(0, 3, n) * 1.5 - 1.0,
    }
    drawn["x"] = 0.3 * drawn["size"] + drawn["industry"] + random.normal(size=n)
    for name in ("x", "size", "industry", "sector"):
        drawn[name][random.random(n) < 0.08] = np.nan
    drawn["x"][random.random(n) < 0.03] = np.inf
    return drawn


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["size"], []),
        (["size", "beta"], [False, False]),
        (["industry"], [True]),
        (["industry", "size"], [True, False]),
        (["size", "sector", "beta", "industry"], [False, True, False, True]),
        (["size", "twice", "constant"], [False] * 3),
        (["constant", "industry", "industry"], [False, True, True]),
    ],
)
def test_neutralize_equals_least_squares(names: list[str], groups: list[bool]) -> None:
    lengths = [60, 300, 35, 2, 1]
    drawn = _draw(np.random.default_rng(len(names)), lengths)
    result = neutralize(Stack(np.array(lengths)), drawn["x"], *(drawn[n] for n in names), groups=groups)
    start = 0
    for length in lengths:
        part = slice(start, start + length)
        expected = _residuals(drawn["x"][part], [drawn[n][part] for n in names], groups or [False] * len(names))
        np.testing.assert_allclose(result[part], expected, rtol=1e-7, atol=1e-9)
        start += length
    assert np.isnan(result).sum() < len(result) / 2


def test_neutralize_one_group_takes_off_group_means_exactly() -> None:
    x = np.array([1.0, 3.0, 10.0, 5.0, 5.0, 5.0])
    industry = np.array([801010.0, 801010.0, 2.5, 7.0, 7.0, np.nan])
    result = neutralize(Stack(np.array([6])), x, industry, groups=[True])
    np.testing.assert_array_equal(result, [-1.0, 1.0, 0.0, 0.0, 0.0, np.nan])


def test_neutralize_perfect_fit_leaves_exactly_nothing() -> None:
    y = np.random.default_rng(2).normal(size=50)
    assert not neutralize(Stack(np.array([50])), 4.2 * y - 17.0, y).any()


def test_neutralize_sessions_do_not_mix() -> None:
    drawn = _draw(np.random.default_rng(3), [40, 40])
    both = neutralize(Stack(np.array([40, 40])), drawn["x"], drawn["size"])
    alone = neutralize(Stack(np.array([40])), drawn["x"][:40], drawn["size"][:40])
    np.testing.assert_array_equal(both[:40], alone)


def test_neutralize_unlike_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        neutralize(Stack(np.array([3])), np.ones(3), np.ones(3), groups=[True, False])
