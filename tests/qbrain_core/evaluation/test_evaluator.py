"""The evaluator against the same figures worked out name by name with pandas, scipy and statsmodels."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats

from qbrain_core.evaluation import rank_ic
from qbrain_core.evaluation.details import SECTIONS, spread_section
from qbrain_core.evaluation.evaluator import Evaluator
from qbrain_core.evaluation.rules import Rules
from qbrain_core.evaluation.yardstick import make_yardstick
from qbrain_core.layout import Layout
from qbrain_core.preprocess import neutralise, standardise, winsorise
from qbrain_core.specs import PreprocessSpec

HORIZONS = (1, 2, 5)


def _evaluator(sample, **changes) -> Evaluator:
    rules = {"horizons": HORIZONS, "cost_bps": 5.0} | changes
    yardstick = make_yardstick(sample.bars, sessions=sample.sessions)
    shape = yardstick.layout.shape
    sector = np.broadcast_to(np.arange(shape[1]) % 3, shape)
    size = np.broadcast_to(1e6 * (1.0 + np.arange(shape[1])), shape)
    return Evaluator(yardstick, Rules(**rules), sectors=(sector, ("a", "b", "c")), size=size)


def _by_session(x: np.ndarray, y: np.ndarray, correlation) -> pd.Series:
    found = []
    for a, b in zip(x, y, strict=True):
        both = np.isfinite(a) & np.isfinite(b)
        found.append(correlation(a[both], b[both])[0] if both.sum() >= 5 else np.nan)
    return pd.Series(found)


def _close(figure: float, expected: float) -> bool:
    return figure == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_ic_figures_equal_scipy_and_statsmodels(sample) -> None:
    evaluator = _evaluator(sample)
    report = evaluator.evaluate(sample.factor)
    values = np.where(evaluator.yardstick.members, sample.factor, np.nan)
    for name, correlation in (("ic", stats.pearsonr), ("rank_ic", stats.spearmanr)):
        expected = _by_session(values, evaluator.yardstick.label(1), correlation)
        assert report.sessions[name].to_numpy() == pytest.approx(expected.to_numpy(), nan_ok=True)
        known = expected.dropna()
        fit = sm.OLS(known, np.ones(len(known))).fit(cov_type="HAC", cov_kwds={"maxlags": 4}, use_t=True)
        assert _close(report.metrics[f"{name}_mean"], known.mean())
        assert _close(report.metrics[f"{name}_t"], fit.tvalues.iloc[0])
        assert _close(report.metrics[f"{name}_p"], fit.pvalues.iloc[0])
        assert _close(report.metrics[name.replace("ic", "icir")], known.mean() / known.std())
        assert _close(report.metrics[f"{name}_positive"], (known > 0).mean())
    assert report.metrics["sessions"] == 118
    month = spread_section(report.details, "month")
    keyed = report.sessions.group_by(pl.col("session").dt.strftime("%Y-%m").alias("item")).agg(pl.col("rank_ic").mean())
    assert month.join(keyed, on="item").select((pl.col("rank_ic") - pl.col("rank_ic_right")).abs().max()).item() < 1e-12


def test_decay_equals_scipy_and_planted_signal_is_gone_after_one_session(sample) -> None:
    evaluator = _evaluator(sample)
    report = evaluator.evaluate(sample.factor)
    decay = spread_section(report.details, "decay")
    values, yardstick = np.where(evaluator.yardstick.members, sample.factor, np.nan), evaluator.yardstick
    for row, horizon in zip(decay.iter_rows(named=True), HORIZONS, strict=True):
        held = _by_session(values, yardstick.label(horizon), stats.spearmanr)
        alone = _by_session(values, yardstick.later_return(horizon), stats.spearmanr)
        assert row["item"] == str(horizon)
        assert _close(row["rank_ic"], held.mean())
        assert _close(row["lagged_rank_ic"], alone.mean())
        assert row["sessions"] == held.count() == 119 - horizon
    first, second = decay["lagged_rank_ic"][:2]
    assert first > 0.15
    assert abs(second) < 0.05
    assert 0 < report.metrics["half_life"] < 1


def test_quantiles_equal_pandas_and_statsmodels(sample) -> None:
    evaluator = _evaluator(sample, horizon=2)
    report = evaluator.evaluate(sample.factor)
    label, members = evaluator.yardstick.label(2), evaluator.yardstick.members
    means = []
    for x, y, inside in zip(sample.factor, label, members, strict=True):
        known = inside & np.isfinite(x)
        quantile = np.full(len(x), -1)
        quantile[known] = pd.qcut(x[known], 5, labels=False)
        means.append([np.nanmean(y[quantile == k]) if np.isfinite(y).any() else np.nan for k in range(5)])
    found = spread_section(report.details, "quantile")
    for k in range(5):
        series = pd.Series([m[k] for m in means]).dropna()
        fit = sm.OLS(series, np.ones(len(series))).fit(cov_type="HAC", cov_kwds={"maxlags": 4})
        assert _close(found["return"][k], series.mean())
        assert _close(found["error"][k], fit.bse.iloc[0])
    assert _close(report.metrics["monotonicity"], stats.spearmanr(range(5), found["return"])[0])
    assert found["return"].is_sorted()


def test_portfolio_figures_follow_from_the_sessions(sample) -> None:
    report = _evaluator(sample).evaluate(sample.factor)
    metrics, s = report.metrics, report.sessions.to_pandas()
    assert _close(metrics["gross_return"], s["gross"].mean() * 252)
    assert _close(metrics["net_return"], s["net"].mean() * 252)
    assert _close(metrics["gross_sharpe"], s["gross"].mean() / s["gross"].std() * 252**0.5)
    assert _close(metrics["net_sharpe"], s["net"].mean() / s["net"].std() * 252**0.5)
    assert _close(metrics["top_excess"], (s["quantile_5"] - s["universe_return"]).mean() * 252)
    curve = (1 + s["net"].dropna()).cumprod()
    assert _close(metrics["net_max_drawdown"], min(0, (curve / curve.cummax().clip(lower=1) - 1).min()))
    gross = s["gross"].dropna()
    fit = sm.OLS(gross, np.ones(len(gross))).fit(cov_type="HAC", cov_kwds={"maxlags": 4})
    assert _close(metrics["gross_t"], fit.tvalues.iloc[0])
    year = spread_section(report.details, "year")
    assert year["item"].to_list() == ["2023", "2024"]
    assert _close(year["net"].sum(), s["net"].sum())


def test_turnover_is_the_share_of_new_names_and_break_even_leaves_nothing(sample) -> None:
    report = _evaluator(sample).evaluate(sample.factor)
    legs = spread_section(report.details, "quantile")["turnover"].gather([0, 4])
    assert report.metrics["turnover"] == pytest.approx(legs.mean(), abs=0.03)  # sizes of the legs vary a little
    persistent = np.broadcast_to(sample.factor[0], sample.factor.shape)
    assert _evaluator(sample).evaluate(persistent).metrics["turnover"] < 0.1
    at_break_even = _evaluator(sample, cost_bps=report.metrics["break_even_bps"]).evaluate(sample.factor)
    assert at_break_even.metrics["net_return"] == pytest.approx(0, abs=1e-9)
    assert report.metrics["gross_return"] > 0


def test_rank_autocorrelation_equals_alphalens_formula(sample) -> None:
    # alphalens.performance.factor_rank_autocorrelation: ranks by date, correlated with those `period` dates before
    for period in (1, 3):
        evaluator = _evaluator(sample, horizon=period)
        found = evaluator.evaluate(sample.factor).sessions["rank_autocorrelation"].to_numpy()
        ranks = pd.DataFrame(np.where(evaluator.yardstick.members, sample.factor, np.nan)).rank(axis=1)
        expected = ranks.corrwith(ranks.shift(period), axis=1).to_numpy()
        assert found[period:] == pytest.approx(expected[period:])


def test_within_sectors_and_sizes_ic_equals_scipy(sample) -> None:
    evaluator = _evaluator(sample)
    report = evaluator.evaluate(sample.factor)
    values, label = np.where(evaluator.yardstick.members, sample.factor, np.nan), evaluator.yardstick.label(1)
    found = spread_section(report.details, "sector")
    for k, name in enumerate("abc"):
        own = _by_session(values[:, k::3], label[:, k::3], stats.spearmanr)
        assert found["item"][k] == name
        assert _close(found["rank_ic"][k], own.mean())
    sizes = spread_section(report.details, "size")
    assert sizes["item"].to_list() == ["1", "2", "3", "4", "5"]


def test_steps_change_what_is_judged_and_coverage_says_so(sample) -> None:
    steps = PreprocessSpec(winsorise="mad", standardise="zscore", neutralise=("sector", "size"))
    evaluator = _evaluator(sample, steps=steps)
    values = np.where(evaluator.yardstick.members, sample.factor, np.nan)
    done = neutralise(
        standardise(winsorise(values)), groups=np.broadcast_to(np.arange(40) % 3, values.shape),
        exposures=[np.log(np.broadcast_to(1.0 + np.arange(40), values.shape))],
    )  # fmt: skip
    report, plain = evaluator.evaluate(sample.factor), _evaluator(sample).evaluate(done)
    assert report.sessions["rank_ic"].to_numpy() == pytest.approx(plain.sessions["rank_ic"].to_numpy(), nan_ok=True)
    members = evaluator.yardstick.members
    assert report.metrics["nan_share"] == np.isnan(sample.factor[members]).mean()
    assert report.metrics["coverage"] == 1 - report.metrics["nan_share"]
    assert _close(report.metrics["skew"], stats.skew(sample.factor[members], nan_policy="omit"))


def test_infinite_values_are_counted_and_never_judged(sample) -> None:
    broken = sample.factor.copy()
    broken[:, 0] = np.inf
    absent = sample.factor.copy()
    absent[:, 0] = np.nan
    evaluator = _evaluator(sample)
    report, other = evaluator.evaluate(broken), evaluator.evaluate(absent)
    assert report.sessions.equals(other.sessions)
    assert report.metrics["inf_share"] == np.isinf(broken[evaluator.yardstick.members]).mean()


def test_label_of_ones_own_replaces_the_return_held_for(sample) -> None:
    yardstick = make_yardstick(sample.bars, sessions=sample.sessions)
    label = np.random.default_rng(1).normal(size=yardstick.layout.shape)
    report = Evaluator(yardstick, Rules(horizons=HORIZONS), label=label).evaluate(sample.factor)
    values = np.where(yardstick.bought, sample.factor, np.nan)
    expected = _by_session(values, label, stats.spearmanr)
    assert report.sessions["rank_ic"].to_numpy() == pytest.approx(expected.to_numpy(), nan_ok=True)
    assert spread_section(report.details, "decay")["rank_ic"][0] > 0.15  # still of returns


def test_later_bars_cannot_change_what_was_judged_before(sample) -> None:
    # neither values nor who counts may depend on sessions after the label's last
    cut = sample.sessions[:80]
    early = make_yardstick(sample.bars.filter(pl.col("session") <= cut[-1]), sessions=cut)
    part = Evaluator(early, Rules(horizons=HORIZONS)).evaluate(sample.factor[:80])
    whole = _evaluator(sample).evaluate(sample.factor)
    assert part.sessions["rank_ic"][:78].to_list() == whole.sessions["rank_ic"][:78].to_list()
    assert part.sessions["gross"].to_list() == whole.sessions["gross"][:80].to_list()


def test_factor_without_values_has_undefined_figures_and_empty_sections(sample) -> None:
    report = _evaluator(sample).evaluate(np.full(sample.factor.shape, np.nan))
    assert report.metrics["sessions"] == 0
    assert report.metrics["coverage"] == 0
    assert np.isnan([report.metrics[m] for m in ("rank_ic_mean", "half_life", "monotonicity", "net_sharpe")]).all()
    for section in SECTIONS:
        spread_section(report.details, section)


def test_rank_ic_on_real_bars_equals_the_long_form(cn_bars: pl.DataFrame) -> None:
    names = cn_bars["instrument"].unique().sort().gather_every(6).to_list()
    bars = cn_bars.filter(pl.col("instrument").is_in(names), pl.col("session").dt.year() == 2024)
    sessions = bars["session"].unique().sort().to_list()
    yardstick = make_yardstick(bars, sessions=sessions)
    change = bars.select(
        "instrument", "session", x=(pl.col("close") * pl.col("factor")).pct_change(5).over("instrument")
    )
    values = Layout.of(bars).dense(change, "x")
    report = Evaluator(yardstick, Rules(horizons=HORIZONS)).evaluate(values)
    scores = yardstick.layout.long(np.where(yardstick.members, values, np.nan), "score")
    labels = yardstick.layout.long(yardstick.label(1), "forward_return")
    expected = rank_ic(scores.join(labels, on=["session", "instrument"]))
    found = report.sessions.select("session", "rank_ic").drop_nulls()
    assert found["session"].to_list() == expected["session"].to_list()
    assert found["rank_ic"].to_list() == pytest.approx(expected["ic"].to_list(), abs=1e-12)
