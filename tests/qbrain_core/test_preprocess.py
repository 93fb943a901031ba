from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats

from qbrain_core.errors import InvalidInputError
from qbrain_core.preprocess import by_session, fill, neutralise, prepare, standardise, winsorise
from qbrain_core.specs import PreprocessSpec


@pytest.fixture
def values() -> np.ndarray:
    random = np.random.default_rng(7)
    found = random.standard_t(2, size=(9, 50))
    found[random.random(found.shape) < 0.15] = np.nan
    return found


@pytest.fixture
def sector() -> np.ndarray:
    return np.random.default_rng(8).integers(-1, 4, size=(9, 50))


def test_winsorise_mad_clips_at_scipys_deviation(values: np.ndarray) -> None:
    for row, given in zip(winsorise(values, limit=2.5), values, strict=True):
        middle = np.nanmedian(given)
        width = 2.5 * 1.4826 * stats.median_abs_deviation(given, nan_policy="omit")
        assert row == pytest.approx(np.clip(given, middle - width, middle + width), nan_ok=True)


def test_winsorise_sigma_and_percentile_clip_at_numpys_bounds(values: np.ndarray) -> None:
    sigma, percentile = winsorise(values, method="sigma", limit=1), winsorise(values, method="percentile", limit=0.1)
    for row, given in enumerate(values):
        mean, deviation = np.nanmean(given), np.nanstd(given, ddof=1)
        assert sigma[row] == pytest.approx(np.clip(given, mean - deviation, mean + deviation), nan_ok=True)
        assert percentile[row] == pytest.approx(np.clip(given, *np.nanquantile(given, [0.1, 0.9])), nan_ok=True)


def test_winsorise_session_of_mostly_equal_values_is_left_alone() -> None:
    given = np.array([[1.0, 1, 1, 1, 9, np.nan], [np.nan] * 6])
    assert np.array_equal(winsorise(given), given, equal_nan=True)


@pytest.mark.parametrize(("method", "limit"), [("mad", 0), ("sigma", -1), ("percentile", 0.5)])
def test_winsorise_limit_out_of_range_is_refused(values: np.ndarray, method, limit: float) -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        winsorise(values, method=method, limit=limit)


def test_standardise_equals_scipy(values: np.ndarray) -> None:
    zscore, robust, rank = (standardise(values, method=m) for m in ("zscore", "robust", "rank"))
    for row, given in enumerate(values):
        assert zscore[row] == pytest.approx(stats.zscore(given, ddof=1, nan_policy="omit"), nan_ok=True)
        spread = 1.4826 * stats.median_abs_deviation(given, nan_policy="omit")
        assert robust[row] == pytest.approx((given - np.nanmedian(given)) / spread, nan_ok=True)
        share = stats.rankdata(given, nan_policy="omit") / np.isfinite(given).sum()
        assert rank[row] == pytest.approx(share, nan_ok=True)


def test_standardise_session_without_spread_has_no_value() -> None:
    assert np.isnan(standardise(np.array([[0.1, 0.1, 0.1], [5, np.nan, np.nan]]))).all()


def test_neutralise_equals_residual_of_least_squares(values: np.ndarray, sector: np.ndarray) -> None:
    random = np.random.default_rng(9)
    size, style = random.normal(20, 2, values.shape), random.normal(size=values.shape)
    style[random.random(style.shape) < 0.1] = np.nan
    found = neutralise(values, groups=sector, exposures=[size, style])
    for row, given in enumerate(values):
        known = np.isfinite(given) & (sector[row] >= 0) & np.isfinite(style[row])
        dummies = pd.get_dummies(sector[row][known], dtype=float).to_numpy()
        regressors = np.column_stack([dummies, size[row][known], style[row][known]])
        assert found[row, known] == pytest.approx(sm.OLS(given[known], regressors).fit().resid, abs=1e-9)
        assert np.isnan(found[row, ~known]).all()


def test_neutralise_without_groups_has_a_constant_and_bears_repeated_exposures(values: np.ndarray) -> None:
    size = np.random.default_rng(10).normal(20, 2, values.shape)
    once, twice = neutralise(values, exposures=[size]), neutralise(values, exposures=[size, 2 * size + 1])
    known = np.isfinite(values[0])
    expected = sm.OLS(values[0, known], sm.add_constant(size[0, known])).fit().resid
    assert once[0, known] == pytest.approx(expected, abs=1e-9)
    assert twice == pytest.approx(once, abs=1e-9, nan_ok=True)


def test_neutralise_by_group_alone_is_demeaning(values: np.ndarray, sector: np.ndarray) -> None:
    frame = pd.DataFrame({"x": values[0], "g": sector[0]})
    expected = (frame["x"] - frame.groupby("g")["x"].transform("mean")).where(frame["g"] >= 0)
    assert neutralise(values, groups=sector)[0] == pytest.approx(expected.to_numpy(), nan_ok=True)


def test_fill_gives_members_the_sessions_middle(values: np.ndarray) -> None:
    wanted = np.zeros(values.shape, bool)
    wanted[:, :25] = True
    for method, middle in (("median", np.nanmedian), ("mean", np.nanmean), ("zero", lambda _: 0.0)):
        filled = fill(values, wanted, method=method)
        for row, given in enumerate(values):
            gap = np.isnan(given)
            assert filled[row, gap & wanted[row]] == pytest.approx(middle(given))
            assert np.isnan(filled[row, gap & ~wanted[row]]).all()
            assert (filled[row, ~gap] == given[~gap]).all()
    assert np.isnan(fill(np.full((1, 3), np.nan), np.ones((1, 3), bool), method="zero")).all()


def test_prepare_takes_the_steps_in_order_and_sees_members_only(values: np.ndarray, sector: np.ndarray) -> None:
    members = np.random.default_rng(11).random(values.shape) < 0.8
    broken = values.copy()
    broken[0, 0], members[0, 0] = np.inf, True
    steps = PreprocessSpec(winsorise="mad", limit=3, fill="median", standardise="zscore", neutralise=("sector",))
    found = prepare(broken, members, steps, groups=sector)
    inside = np.where(members & np.isfinite(broken), broken, np.nan)
    expected = neutralise(standardise(fill(winsorise(inside), members)), groups=sector)
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.isnan(found[~members]).all()
    outside = np.where(members, broken, 1e9)
    assert np.array_equal(prepare(outside, members, steps, groups=sector), found, equal_nan=True)


def test_by_session_later_sessions_cannot_change_earlier_ones(values: np.ndarray) -> None:
    days = [date(2024, 1, d + 1) for d in range(9)]
    rows = [(day, f"X{i}") for day in days for i in range(50)]
    frame = pl.DataFrame(rows, schema=["session", "instrument"], orient="row").with_columns(x=values.ravel())
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    whole = by_session(shuffled, ["x"], lambda x: standardise(winsorise(x)))
    assert whole.select("session", "instrument").equals(shuffled.select("session", "instrument"))
    cut = shuffled.filter(pl.col("session") <= days[4])
    part = by_session(cut, ["x"], lambda x: standardise(winsorise(x)))
    assert part.equals(whole.filter(pl.col("session") <= days[4]))
