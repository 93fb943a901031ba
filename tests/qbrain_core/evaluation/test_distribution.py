import math

import numpy as np
import pytest
from scipy import stats

from qbrain_core.evaluation.distribution import MEASURES, histogram, normal_quantiles, summary


def test_summary_equals_scipy_and_numpy() -> None:
    x = np.random.default_rng(1).gamma(2, size=500)
    found = summary(np.append(x, [np.nan, np.inf, -np.inf]))
    expected = [x.mean(), x.std(ddof=1), stats.skew(x), stats.kurtosis(x), x.min(), *np.quantile(x, [0.01, 0.25]),
                np.median(x), *np.quantile(x, [0.75, 0.99]), x.max()]  # fmt: skip
    assert list(found) == list(MEASURES)
    assert list(found.values()) == pytest.approx(expected)


def test_summary_of_nothing_and_of_one_value() -> None:
    assert all(map(math.isnan, summary(np.array([np.nan])).values()))
    one = summary(np.array([2.5]))
    assert (one["mean"], one["median"]) == (2.5, 2.5)
    assert math.isnan(one["std"])
    assert math.isnan(one["skew"])


def test_histogram_outer_bins_hold_the_tails() -> None:
    x = np.append(np.linspace(0, 1, 1000), [-100, 100, np.nan])
    edges, counts = histogram(x, bins=10, tail=0.01)
    assert counts.sum() == 1002
    assert edges[0] == pytest.approx(np.nanquantile(x, 0.01))
    inside = np.histogram(x[:1000], bins=edges)[0]
    assert counts[1:-1].tolist() == inside[1:-1].tolist()
    assert counts[0] == inside[0] + (x[:1000] < edges[0]).sum() + 1


def test_histogram_of_one_value_and_of_nothing() -> None:
    edges, counts = histogram(np.full(4, 0.3))
    assert (edges.tolist(), counts.tolist()) == ([0.3, 0.3], [4])
    assert len(histogram(np.array([np.nan]))[1]) == 0


def test_normal_quantiles_lie_on_the_diagonal_for_normal_values() -> None:
    x = 3 + 2 * np.random.default_rng(2).normal(size=20_000)
    theoretical, observed = normal_quantiles(x, points=51)
    assert theoretical == pytest.approx(stats.norm.ppf((np.arange(51) + 0.5) / 51))
    assert observed == pytest.approx(theoretical, abs=0.1)
    assert len(normal_quantiles(np.full(9, 1.0))[0]) == 0


def test_normal_quantiles_of_few_values_are_those_values() -> None:
    x = np.array([1.0, 5, 2])
    _, observed = normal_quantiles(x)
    assert observed == pytest.approx(np.sort((x - x.mean()) / x.std(ddof=1)))
