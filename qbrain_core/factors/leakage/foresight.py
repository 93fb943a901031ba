"""Is a factor too good to be honest? Finds the future where it was baked into the data that everything starts from."""

import time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.factors.leakage.compare import KEY, factor_columns
from qbrain_core.factors.leakage.report import Check, Finding, Outcome

__all__ = ["LEAST_ROWS", "check_foresight"]

LEAST_ROWS = 250
"""Values with a return after them; over fewer a correlation is noise."""

_HORIZONS = (("of the next session", 0, 1, 0.5), ("of the session after the next", 1, 2, 0.5),
             ("of the next five sessions", 0, 5, 0.8))  # fmt: skip


def check_foresight(factors: pl.DataFrame, prices: pl.DataFrame) -> Check:
    """Correlate factors with the returns that followed.

    No cut of the data finds a column that held the future when it was delivered: prices adjusted by a factor of years
    later and divided by today's, a label called a feature. But such a column foretells returns as nothing honest does.

    Parameters
    ----------
    factors : DataFrame, columns (instrument, session, then one per factor)
    prices : DataFrame, columns (instrument, session, close: adjusted price)
        In any order; null where nothing was traded.

    Returns
    -------
    Check
        `foretells` (fail) where the rank correlation over all rows is at least 0.5 with the return of one of the next
        two sessions, or 0.8 with that of the next five. Rows whose return is 0 are left out: halts tie with anything.
    """
    begun = time.perf_counter()
    findings: list[Finding] = []
    if "close" in prices.columns and prices["close"].dtype.is_numeric():
        names = [name for name in factor_columns(factors) if factors.schema[name].is_numeric()]
        close = prices.select(*KEY, pl.col("close").cast(pl.Float64)).sort(KEY)
        returns = close.select(
            *KEY,
            *(
                (pl.col("close").shift(-last) / pl.col("close").shift(-first) - 1)
                .over("instrument")
                .alias(f"{n} return")
                for n, (_, first, last, _) in enumerate(_HORIZONS)
            ),
        )
        rows = factors.select(*KEY, *names).join(returns, on=KEY, how="inner")
        ranks = _ranks(rows.select(names))
        for n, (horizon, _, _, limit) in enumerate(_HORIZONS):
            moved = pl.when(pl.col(f"{n} return").is_finite() & (pl.col(f"{n} return") != 0)).then(f"{n} return")
            against = _ranks(rows.select(moved))[:, 0]
            for name, correlation in zip(names, _correlations(ranks, against), strict=True):
                if abs(correlation) >= limit and name not in {f.factor for f in findings}:
                    params = {"horizon": horizon, "correlation": round(float(correlation), 3)}
                    findings.append(Finding(code="foretells", severity=Outcome.FAIL, factor=name, params=params))
    return Check(name="foresight", findings=tuple(findings), seconds=round(time.perf_counter() - begun, 3))


def _ranks(values: pl.DataFrame) -> NDArray[np.float64]:
    # by column, NaN where there is no finite value
    finite = values.cast(pl.Float64).with_columns(pl.when(pl.all().is_finite()).then(pl.all()))
    return finite.select(pl.all().rank()).with_columns(pl.all().cast(pl.Float64).fill_null(np.nan)).to_numpy()


def _correlations(ranks: NDArray[np.float64], against: NDArray[np.float64]) -> NDArray[np.float64]:
    # of each column with one other over the rows that have both; 0 where they are too few or the same all along
    both = ~np.isnan(ranks) & ~np.isnan(against)[:, None]
    count = both.sum(axis=0)
    with np.errstate(all="ignore"):
        x = np.where(both, ranks, 0.0)
        y = np.where(both, against[:, None], 0.0)
        x = np.where(both, x - x.sum(axis=0) / count, 0.0)
        y = np.where(both, y - y.sum(axis=0) / count, 0.0)
        correlation = (x * y).sum(axis=0) / np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return np.where(count >= LEAST_ROWS, np.nan_to_num(correlation), 0.0)
