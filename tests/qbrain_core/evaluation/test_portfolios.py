import numpy as np
import pandas as pd
import pytest

from qbrain_core.evaluation.portfolios import assign_quantiles, quantile_portfolios, quantile_turnover
from qbrain_core.evaluation.yardstick import make_yardstick
from qbrain_core.sections import RowOrder


def _codes(sample, yardstick, quantiles: int = 5) -> np.ndarray:
    known = yardstick.members & np.isfinite(sample.factor)
    return assign_quantiles(RowOrder.of(np.where(known, sample.factor, np.nan)), known, quantiles)


@pytest.mark.parametrize("quantiles", [2, 5, 10])
@pytest.mark.parametrize("count", [10, 11, 37, 300])
def test_quantiles_equal_pandas_qcut(quantiles: int, count: int) -> None:
    x = np.random.default_rng(count).normal(size=(1, count)).round(2)  # a few ties
    found = assign_quantiles(RowOrder.of(x), np.ones(x.shape, bool), quantiles)
    assert (found[0] == pd.qcut(x[0], quantiles, labels=False)).all()


def test_quantiles_of_few_values_leave_some_empty_and_thin_sessions_have_none() -> None:
    x = np.array([[0.0, 0, 0, 0, 1, 1], [1, 2, 3, 4, np.nan, np.nan]])
    found = assign_quantiles(RowOrder.of(x), np.isfinite(x), 5)
    assert found.tolist() == [[0, 0, 0, 0, 3, 3], [-1] * 6]


@pytest.mark.parametrize("horizon", [1, 3])
def test_portfolios_equal_a_plain_replay(sample, horizon: int) -> None:
    yardstick = make_yardstick(sample.bars, sessions=sample.sessions, horizon=horizon)
    codes, price = _codes(sample, yardstick), yardstick.price
    found = quantile_portfolios(codes, yardstick, quantiles=5, horizon=horizon, cost_bps=7)
    n = len(sample.sessions)

    def legs(t: int) -> list[np.ndarray]:
        return [np.flatnonzero((codes[t] == k) & yardstick.bought[t]) for k in range(5)]

    for s in range(2, n):
        # bought at the close of t + 1, earning from the session after until `horizon` sessions later
        alive = [t for t in range(s - 1 - horizon, s - 1) if t >= 0]
        earned = price[s] / price[s - 1] - 1
        for k in range(5):
            assert found.quantiles[s, k] == pytest.approx(np.mean([earned[legs(t)[k]].mean() for t in alive]))
        assert found.gross[s] == pytest.approx(found.quantiles[s, 4] - found.quantiles[s, 0])
        everyone = [np.concatenate(legs(t)) for t in alive]
        assert found.universe[s] == pytest.approx(np.mean([earned[names].mean() for names in everyone]))

    def weights(t: int) -> np.ndarray:
        w = np.zeros(price.shape[1])
        if t >= 0:
            w[legs(t)[4]] += 1 / len(legs(t)[4])
            w[legs(t)[0]] -= 1 / len(legs(t)[0])
        return w

    for s in range(1, n):
        traded = np.abs(weights(s - 1) - weights(s - 1 - horizon)).sum() / horizon
        assert found.traded[s] == pytest.approx(traded)
        assert found.net[s] == pytest.approx(np.nan_to_num(found.gross[s]) - traded * 7e-4)
    assert np.isnan([found.gross[0], found.gross[1], found.net[0]]).all()


def test_quantile_turnover_equals_alphalens_formula(sample) -> None:
    # alphalens.performance.quantile_turnover: names in the quantile now that were not in it `period` sessions before,
    # over the names in it now
    codes = _codes(sample, make_yardstick(sample.bars, sessions=sample.sessions))
    for period in (1, 4):
        found = quantile_turnover(codes, quantiles=5, horizon=period)
        sets = [[set(np.flatnonzero(row == k)) for k in range(5)] for row in codes]
        for t in range(period, len(codes)):
            expected = [len(now - then) / len(now) for now, then in zip(sets[t], sets[t - period], strict=True)]
            assert found[t] == pytest.approx(expected)
        assert np.isnan(found[:period]).all()


def test_portfolios_of_one_session_hold_nothing(sample) -> None:
    yardstick = make_yardstick(sample.bars, sessions=sample.sessions[:1])
    found = quantile_portfolios(_codes_of_nothing(yardstick), yardstick, quantiles=5, horizon=1, cost_bps=0)
    assert np.isnan(found.gross).all()


def _codes_of_nothing(yardstick) -> np.ndarray:
    return np.full(yardstick.layout.shape, -1)
