"""Functions that look like leaks and are none: nothing may be found in them."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import numpy as np
import polars as pl

from bench.leakage.inputs import by_name
from bench.leakage.planted import KEY, factor
from bench.leakage.tables import as_of_join

__all__ = ["HONEST_FRAMES", "HONEST_TABLES"]

_C, _V = pl.col("close"), pl.col("volume")
_R = _C / _C.shift(1) - 1
_OF, _DAY = "instrument", "session"


def _own(value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda bars: factor(bars, value.over(_OF))


def _so_far(unit: str, value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda bars: factor(bars.sort(KEY), value.over(_OF, pl.col(_DAY).dt.truncate(unit)))


def _weeks_that_are_over(bars: pl.DataFrame) -> pl.DataFrame:
    rows = bars.sort(KEY)
    made = rows.group_by_dynamic(_DAY, every="1w", group_by=_OF).agg(x=_C.last())
    made = made.with_columns(pl.col(_DAY).dt.offset_by("7d")).sort(_DAY)
    return rows.select(KEY).sort(_DAY).join_asof(made, on=_DAY, by=_OF, check_sortedness=False).sort(KEY)


HONEST_FRAMES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "z-score over the past": _own((_C - _C.rolling_mean(60, min_samples=5)) / _C.rolling_std(60, min_samples=5)),
    "z-score over all that was": _own((_C - _C.cum_sum() / _C.cum_count()) / _C.cum_count().sqrt()),
    "trailing mean": _own(_C.rolling_mean(20)),
    "decaying mean": _own(_C.ewm_mean(span=10)),
    "forward fill of halts": _own(_C.fill_null(strategy="forward")),
    "highest close so far": _own(_C / _C.cum_max()),
    "return of the month so far": _so_far("1mo", _C / _C.first() - 1),
    "volume of the week so far": _so_far("1w", _V.cum_sum()),
    "weeks that are over": _weeks_that_are_over,
    "z-score within the session": lambda b: factor(
        b.sort(KEY).with_columns(r=_R.over(_OF)), ((pl.col("r") - pl.col("r").mean()) / pl.col("r").std()).over(_DAY)
    ),
    "rank within the session": lambda b: factor(
        b.sort(KEY).with_columns(r=_R.over(_OF)), (pl.col("r").rank() / pl.col("r").count()).over(_DAY)
    ),
    "less the mean of its industry that day": lambda b: factor(
        b.sort(KEY).with_columns(r=_R.over(_OF)), (pl.col("r") - pl.col("r").mean()).over("industry", _DAY)
    ),
    "winsorised within the session": lambda b: factor(
        b.sort(KEY).with_columns(r=_R.over(_OF)),
        pl.col("r").clip(pl.col("r").quantile(0.05).over(_DAY), pl.col("r").quantile(0.95).over(_DAY)),
    ),
    "label of three sessions ago, which is over": _own(pl.col("LABEL0").shift(2)),
    "mean label that is over": _own(pl.col("LABEL0").shift(2).rolling_mean(10, min_samples=1)),
    "benchmark of today": _own(_R - (pl.col("benchmark_close") / pl.col("benchmark_close").shift(1) - 1)),
    "beta over the last sixty sessions": lambda b: factor(
        b.sort(KEY).with_columns(
            r=_R.over(_OF), m=(pl.col("benchmark_close") / pl.col("benchmark_close").shift(1) - 1).over(_OF)
        ),
        pl.rolling_corr("r", "m", window_size=60, min_samples=20).over(_OF),
    ),
    "rows on which it traded": lambda b: factor(b.sort(KEY).filter(_C.is_not_null()), _C),
    "names listed for twenty sessions": lambda b: factor(
        b.sort(KEY).filter((pl.int_range(pl.len()) >= 20).over(_OF)), _C
    ),
    "age in sessions": _own(pl.int_range(pl.len())),
    "recursion forward in time": by_name(
        lambda x: np.array([*np.frompyfunc(lambda a, v: 0.9 * a + 0.1 * v, 2, 1).accumulate(x)])
    ),
    "causal filter": by_name(lambda x: np.convolve(x, np.ones(5) / 5)[: len(x)]),
}
"""Honest functions over the one frame."""


def _now_members(t: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    spells = t["universes"].filter(pl.col("universe") == "moving")
    rows = t["bars"].join(spells, on=_OF, how="inner")
    last = pl.col("end").is_null() | (pl.col(_DAY) <= pl.col("end"))
    return factor(rows.filter((pl.col(_DAY) >= pl.col("start")) & last), _C)


HONEST_TABLES: dict[str, Callable[[Mapping[str, pl.DataFrame]], pl.DataFrame]] = {
    "members of the day": _now_members,
    "reports by the day they were out": lambda t: as_of_join(
        t, t["fundamentals"].sort("period_end"), "known_at", "net_income"
    ),
    "reports a week after they were out": lambda t: as_of_join(
        t, t["fundamentals"].with_columns(on=pl.col("known_at") + timedelta(7)), "on", "eps"
    ),
    "industry of the day": lambda t: as_of_join(
        t, t["industries"].with_columns(c=pl.col("industry").str.tail(1).cast(pl.Int8)), "start", "c"
    ),
    "prices adjusted from the first bar": lambda t: factor(t["bars"].sort(KEY), _C * pl.col("factor")),
    "last dividend": lambda t: as_of_join(
        t, t["corporate_actions"].filter(pl.col("action") == "dividend"), _DAY, "value"
    ),
    "rate of the day": lambda t: t["bars"].join(t["interest_rates"], on=_DAY).sort(KEY).select(*KEY, x="rate"),
    "valuation of the day": lambda t: t["valuation"].sort(KEY).select(*KEY, x=pl.col("pe_ttm").log()),
}
"""Honest functions over the lake's tables."""
