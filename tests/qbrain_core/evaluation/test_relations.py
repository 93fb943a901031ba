import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from qbrain_core.evaluation.relations import rank_scores, relate, sampled
from qbrain_core.sections import RowOrder


def _scores(values: np.ndarray) -> np.ndarray:
    return rank_scores(RowOrder.of(values), np.isfinite(values))


@pytest.fixture
def factors() -> np.ndarray:
    random = np.random.default_rng(3)
    common = random.normal(size=(8, 200))
    return np.array([common + random.normal(size=common.shape) for _ in range(3)])


def test_correlation_is_the_mean_of_scipys_by_session(factors: np.ndarray) -> None:
    found = relate(np.array([_scores(f) for f in factors]), _scores(factors[0] + factors[1]))
    for i in range(3):
        for j in range(3):
            each = [stats.spearmanr(factors[i, s], factors[j, s])[0] for s in range(8)]
            assert found.correlation[i, j] == pytest.approx(np.mean(each), abs=1e-6)


def test_marginal_ic_is_that_of_the_residual_from_the_others(factors: np.ndarray) -> None:
    label = factors[0] + 0.3 * factors[1] + np.random.default_rng(4).normal(size=factors[0].shape)
    found = relate(np.array([_scores(f) for f in factors]), _scores(label))
    for s in range(8):
        ranks, answer = stats.rankdata(factors[:, s], axis=1), stats.rankdata(label[s])
        for k in range(3):
            rest = sm.OLS(ranks[k], sm.add_constant(np.delete(ranks, k, axis=0).T)).fit().resid
            assert found.marginal[s, k] == pytest.approx(np.corrcoef(rest, answer)[0, 1], abs=2e-3)  # the ridge


def test_repeated_factor_adds_nothing(factors: np.ndarray) -> None:
    label = _scores(factors[0])
    once = relate(np.array([_scores(f) for f in factors[:2]]), label)
    twice = relate(np.array([_scores(f) for f in (factors[0], factors[1], factors[0] * 2)]), label)
    assert np.abs(twice.marginal[:, 0]).max() < 0.05 < 0.5 < once.marginal[:, 0].min()
    assert twice.correlation[0, 2] == pytest.approx(1, abs=1e-6)


def test_factor_without_values_in_a_session_is_left_out_there(factors: np.ndarray) -> None:
    factors[2, 0] = np.nan
    found = relate(np.array([_scores(f) for f in factors]), _scores(factors[0]))
    assert np.isnan(found.marginal[0]).tolist() == [False, False, True]
    each = [stats.spearmanr(factors[0, s], factors[2, s])[0] for s in range(1, 8)]
    assert found.correlation[0, 2] == pytest.approx(np.mean(each), abs=1e-6)


def test_single_factor_has_no_margin(factors: np.ndarray) -> None:
    assert np.isnan(relate(_scores(factors[0])[None], _scores(factors[1])).marginal).all()


def test_sampled_sessions_are_spread_and_fit_memory() -> None:
    assert sampled(10, 100, 2).tolist() == list(range(10))
    chosen = sampled(2520, 800, 158)
    assert (len(chosen), chosen[0], chosen[-1]) == (250, 0, 2519)
    assert set(np.diff(chosen)) == {10, 11}
    assert len(sampled(2520, 5000, 1000)) == 20
