"""All 101 alphas against the paper's formulas over plain arrays, on a small made-up market with its usual holes."""

import re
import warnings
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from paper_alphas import paper_alphas

from qbrain_core.factors import alpha101, compute, parse
from qbrain_core.factors.expression import fields, is_causal

SESSIONS, NAMES = 266, 16  # ranks of sixteen are exact fractions, and so are ties of what is made of them
FIELDS = ("open", "high", "low", "close", "volume", "vwap", "market_cap", "sector", "industry", "subindustry")
BY_ROUNDING = {
    13: 0.06, 15: 0.05, 16: 0.06, 27: 0.001, 50: 0.01, 52: 0.002, 61: 0.002, 62: 0.002, 65: 0.002, 67: 0.005, 68: 0.002,
    71: 0.001, 72: 0.004, 74: 0.001, 77: 0.004, 78: 0.004, 81: 0.002, 85: 0.01, 88: 0.001, 91: 0.006, 92: 0.006,
    94: 0.02, 95: 0.003, 96: 0.015, 97: 0.045, 98: 0.03, 99: 0.002,
}  # fmt: skip
"""Share of cells, at most, that differ because a rank or an extreme is taken of values that are equal but for the last
bits of sums: correlations of ranks, say. Any window that is off by one makes a larger share differ."""


@pytest.fixture(scope="module")
def market() -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(101)
    shape = SESSIONS, NAMES
    move = 0.02 * rng.standard_normal(shape) + 0.01 * rng.standard_normal((SESSIONS, 1))
    close = 20 * np.exp(rng.uniform(-0.2, 0.2, NAMES) + move.cumsum(axis=0))
    open_ = np.vstack([close[:1], close[:-1]]) * np.exp(0.008 * rng.standard_normal(shape))
    high = np.maximum(open_, close) * np.exp(np.abs(0.006 * rng.standard_normal(shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(0.006 * rng.standard_normal(shape)))
    vwap = low + (high - low) * rng.uniform(0.2, 0.8, shape)
    volume = np.round(np.exp(13 + rng.uniform(-0.3, 0.3, NAMES) + 0.5 * rng.standard_normal(shape)))
    sector = np.repeat([1, 2], [9, 7]) + np.zeros(shape)
    industry = 10 * sector + np.arange(NAMES) % 2
    subindustry = 10 * industry + (np.arange(NAMES) % 4 > 1)
    sector[200:, 3], industry[200:, 3], subindustry[200:, 3] = 2, 20, 200  # a company moves to another line
    cap = close * rng.uniform(1e7, 1e8, NAMES)
    made = dict(zip(FIELDS, (open_, high, low, close, volume, vwap, cap, sector, industry, subindustry), strict=True))
    present = np.ones(shape, bool)
    present[:30, 5] = False  # listed late
    present[250:, 6] = False  # gone early
    present[120:124, 7] = False  # no rows for a while
    for name in FIELDS[:6]:
        made[name][60:66, 2] = np.nan  # halted
        made[name][180, 9] = np.nan
    made["vwap"][30:33, 4] = np.nan
    made["industry"][40:50, 8] = made["subindustry"][40:50, 8] = np.nan
    close[140:146, 10] = close[140, 10]  # stands still
    return {name: np.where(present, x, np.nan).astype(np.float32).astype(float) for name, x in made.items()}, present


@pytest.fixture(scope="module")
def both(market) -> tuple[pl.DataFrame, dict[int, np.ndarray], np.ndarray]:
    columns, present = market
    days = [date(2020, 1, 1) + timedelta(days=k) for k in range(SESSIONS)]
    t, k = (index.T.ravel() for index in np.indices(present.shape))
    bars = pl.DataFrame(
        {"instrument": [f"N{n:02}" for n in k], "session": [days[s] for s in t]}
        | {name: column[t, k] for name, column in columns.items()}
    ).filter(pl.Series(present[t, k]))
    ours = compute(alpha101(), bars)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of windows without a value
        theirs = paper_alphas(columns, present)
    return ours, theirs, present


@pytest.mark.parametrize("number", range(1, 102))
def test_alpha_equals_the_paper(both, number: int) -> None:
    ours, theirs, present = both
    a = np.full(present.T.shape, np.nan)
    a[present.T] = ours[f"ALPHA{number:03}"].to_numpy()
    b = theirs[number].T.astype(np.float32).astype(float)
    b = np.where(present.T, b, np.nan)
    assert np.isfinite(b).sum() > 0.1 * present.sum()
    spread = np.nanstd(b[np.isfinite(b)])
    same = (np.isnan(a) & np.isnan(b)) | (a == b) | (np.abs(a - b) <= 1e-4 * (np.abs(b) + spread))
    assert (~same & present.T).sum() / present.sum() <= BY_ROUNDING.get(number, 0.0)
    assert (np.isnan(a) != np.isnan(b)).sum() <= 2


def test_set_is_complete_causal_and_reads_what_it_says() -> None:
    texts = alpha101()
    assert list(texts) == [f"ALPHA{n:03}" for n in range(1, 102)]
    trees = [parse(text) for text in texts.values()]
    assert all(is_causal(tree) for tree in trees)
    assert {name for tree in trees for name in fields(tree)} == set(FIELDS)
    assert not any(re.search(r"[A-Z]{4}", re.sub(r"TA_\w+", "", text)) for text in texts.values())
