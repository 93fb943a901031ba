import math

import numpy as np
import pytest
import statsmodels.api as sm

from qbrain_core.evaluation.inference import half_life, lags_for, mean_test


@pytest.mark.parametrize(("n", "lags"), [(30, 0), (250, 4), (250, 19)])
def test_mean_test_equals_statsmodels_hac(n: int, lags: int) -> None:
    random = np.random.default_rng(n + lags)
    x = 0.02 + random.normal(size=n)
    x[1:] += 0.5 * x[:-1]
    fit = sm.OLS(x, np.ones(n)).fit(cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True)
    found = mean_test(x, lags=lags)
    assert (found.mean, found.error, found.t, found.p) == pytest.approx(
        (fit.params[0], fit.bse[0], fit.tvalues[0], fit.pvalues[0])
    )
    assert (found.std, found.n, found.positive) == pytest.approx((x.std(ddof=1), n, (x > 0).mean()))
    assert found.ratio == pytest.approx(x.mean() / x.std(ddof=1))


def test_lags_grow_with_the_sample_and_cover_the_overlap() -> None:
    # Newey and West's rule by a pocket calculator: 4 (250/100)^(2/9) = 4.90
    assert (lags_for(100), lags_for(250), lags_for(2500)) == (4, 4, 8)
    assert (lags_for(250, 20), lags_for(10, 20), lags_for(1), lags_for(0)) == (19, 9, 0, 0)


def test_mean_test_missing_sessions_are_left_out() -> None:
    x = np.random.default_rng(1).normal(size=60)
    holes = np.insert(x, [0, 20, 60], np.nan)
    assert mean_test(holes) == mean_test(x)


@pytest.mark.parametrize("values", [[], [0.3], [0.3, 0.3, 0.3], [math.nan]])
def test_mean_test_without_spread_has_no_error(values: list[float]) -> None:
    found = mean_test(values)
    assert all(map(math.isnan, (found.std, found.error, found.t, found.p, found.ratio)))
    assert found.n == len([v for v in values if v == v])


def test_half_life_of_exponential_decay_is_exact_between_horizons() -> None:
    horizons = [1, 2, 3, 5, 10, 20, 60]
    for life in (0.4, 1.0, 6.5, 30.0):
        assert half_life(horizons, [-0.08 * 0.5 ** ((h - 1) / life) for h in horizons]) == pytest.approx(life)


def test_half_life_change_of_sign_is_met_along_a_line() -> None:
    assert half_life([1, 5], [0.1, -0.1]) == pytest.approx(1.0)


@pytest.mark.parametrize("strength", [[0.1, 0.09, 0.06], [0.0, 0.1, 0.1], [math.nan, 0.1, 0.01], []])
def test_half_life_never_reached_or_no_start_is_undefined(strength: list[float]) -> None:
    assert math.isnan(half_life([1, 2, 3][: len(strength)], strength))
