"""Leaks of functions over one frame: rows that are shifted, smoothed, filled or summed up from the wrong side."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from scipy import ndimage, signal

from bench.leakage.planted import KEY, Leak, factor

__all__ = ["INPUTS", "by_name"]

_C, _V, _H, _L, _O = (pl.col(n) for n in ("close", "volume", "high", "low", "open"))
_R = _C / _C.shift(1) - 1
_OF = "instrument"


def by_name(compute: Callable[[Any], Any], column: str = "close") -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Apply an array function to each instrument's column, with gaps filled forward."""

    def function(bars: pl.DataFrame) -> pl.DataFrame:
        parts = []
        for part in bars.sort(KEY).partition_by(_OF, maintain_order=True):
            values = part[column].fill_null(strategy="forward").fill_null(1.0).to_numpy()
            parts.append(part.select(KEY).with_columns(x=pl.Series(np.asarray(compute(values), np.float64))))
        return pl.concat(parts)

    return function


def _own(value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda bars: factor(bars, value.over(_OF))


def _span(unit: str, value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    # a value of the whole calendar span, given to each of its sessions
    return lambda bars: factor(bars.sort(KEY), value.over(_OF, pl.col("session").dt.truncate(unit)))


def _sampled(every: str, value: pl.Expr, label: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def function(bars: pl.DataFrame) -> pl.DataFrame:
        rows = bars.sort(KEY)
        made = rows.group_by_dynamic("session", every=every, group_by=_OF, label=label).agg(x=value).sort("session")
        found = rows.select(KEY).sort("session").join_asof(made, on="session", by=_OF, check_sortedness=False)
        return found.sort(KEY)

    return function


def _shifted_calendar(bars: pl.DataFrame) -> pl.DataFrame:
    days = bars["session"].unique().sort()
    following = pl.DataFrame({"session": days[:-1], "next": days[1:]})
    there = bars.select(_OF, next="session", ahead="close")
    return bars.join(following, on="session", how="left").join(there, on=[_OF, "next"], how="left").select(
        *KEY, x=pl.col("ahead") / _C
    )  # fmt: skip


def _nearest(bars: pl.DataFrame) -> pl.DataFrame:
    index = bars.select("session", x="benchmark_close").unique().sort("session").gather_every(3)
    return bars.select(KEY).sort("session").join_asof(index, on="session", strategy="nearest").sort(KEY)


def _forward_join(bars: pl.DataFrame) -> pl.DataFrame:
    index = bars.select("session", x="benchmark_close").unique().sort("session").gather_every(5)
    return bars.select(KEY).sort("session").join_asof(index, on="session", strategy="forward").sort(KEY)


_ALONG = pl.int_range(pl.len())
_HALTED = _C.is_null()

_KINDS: dict[str, dict[str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "shifted inputs": {
        "close one row up": _own(_C.shift(-1) / _C),
        "open one row up": _own(_O.shift(-1) / _C),
        "volume two rows up": _own(_V.shift(-2)),
        "return computed on rows in descending order": lambda b: factor(
            b,
            (_C.sort_by("session", descending=True) / _C.sort_by("session", descending=True).shift(1))
            .sort_by(pl.col("session").sort(descending=True))
            .over(_OF),
        ),
        "difference with the wrong sign of its lag": _own(_C.diff(-1)),
        "change in per cent with a negative lag": _own(_C.pct_change(-3)),
        "close of the next session by the calendar": _shifted_calendar,
        "shift over the whole frame, names in reverse": lambda b: factor(
            b.sort(KEY), pl.col("close").reverse().shift(1).reverse()
        ),
        "shift that runs over into the name before": lambda b: factor(b.sort(KEY), _C / _C.shift(3)),
        "high of the next ten rows": _own(_H.reverse().rolling_max(10).reverse().shift(-1)),
        "tomorrow's close only where volume doubled": _own(
            pl.when(2 * _V.shift(1) < _V).then(_C.shift(-1)).otherwise(_C.shift(1)) / _C
        ),
        "tomorrow on Mondays only": _own(
            pl.when(pl.col("session").dt.weekday() == 1).then(_C.shift(-1)).otherwise(_C.shift(1)) / _C
        ),
        "tomorrow where today is missing": _own(pl.coalesce(_C, _C.shift(-1))),
        "tomorrow in the fifth digit": _own(_C.shift(1) / _C + 1e-5 * _C.shift(-1) / _C),
        "tomorrow's sign to break ties": _own((_R * 100).round(0) + 1e-3 * (_C.shift(-1) / _C - 1).sign()),
        "a crash tomorrow, and nothing else": _own((_C.shift(-1) / _C < 0.95).cast(pl.Float64)),
        "a jump within five sessions": _own(
            (_H.reverse().rolling_max(5).reverse().shift(-1) > 1.12 * _C).cast(pl.Int8)
        ),
        "tomorrow of one name only": lambda b: factor(
            b.sort(KEY), pl.when(pl.col(_OF) == b[_OF].min()).then(_C.shift(-1)).otherwise(_C.shift(1)).over(_OF)
        ),
    },
    "centred windows": {
        "mean over 3": _own(_C.rolling_mean(3, center=True)),
        "mean over 11 that takes what there is": _own(_C.rolling_mean(11, center=True, min_samples=1)),
        "median over 5": _own(_C.rolling_median(5, center=True)),
        "deviation over 21": _own(_R.rolling_std(21, center=True)),
        "highest over 9": _own(_H.rolling_max(9, center=True)),
        "sum of volume over 7": _own(_V.rolling_sum(7, center=True)),
        "skewness over 15": _own(_R.rolling_skew(15, center=True)),
        "Savitzky-Golay filter": by_name(lambda x: signal.savgol_filter(x, 11, 2)),
        "convolution of the same length": by_name(lambda x: np.convolve(x, np.ones(5) / 5, "same")),
        "Gaussian blur": by_name(lambda x: ndimage.gaussian_filter1d(x, 3.0)),
        "filter run both ways": by_name(lambda x: signal.filtfilt(*signal.butter(2, 0.1), x)),
        "low frequencies of a Fourier transform": by_name(
            lambda x: np.fft.irfft(np.where(np.arange(len(x) // 2 + 1) < 10, np.fft.rfft(x), 0), len(x))
        ),
        "trend of Hodrick and Prescott": by_name(lambda x: _trend(x, 1600.0)),
        "local extremes of five rows either side": by_name(
            lambda x: np.isin(np.arange(len(x)), signal.argrelextrema(x, np.greater, order=5)[0]).astype(float)
        ),
        "median filter of the whole": by_name(lambda x: signal.medfilt(x, 7)),
        "cubic spline through every tenth row": by_name(lambda x: _spline(x, 10)),
    },
    "filled from behind": {
        "backward fill of halts": _own(_C.fill_null(strategy="backward")),
        "interpolated halts": _own(_C.interpolate()),
        "halts filled with the mean of all": _own(_C.fill_null(_C.mean())),
        "halts filled with the median of all": _own(_V.fill_null(_V.median())),
        "nearest row that has a value": _own(_C.interpolate("nearest")),
        "benchmark joined to the nearest day": _nearest,
        "benchmark joined to the next day it has": _forward_join,
        "first value written back to the start": _own(_R.rolling_mean(20).fill_null(strategy="backward")),
        "start filled with the mean of all later values": _own(_R.rolling_std(60).fill_null(_R.std())),
    },
    "whole weeks and months": {
        "close of the week on every day of it": _span("1w", _C.last()),
        "high of the month on every day of it": _span("1mo", _H.max()),
        "volume of the week": _span("1w", _V.sum()),
        "return of the month": _span("1mo", _C.last() / _C.first() - 1),
        "deviation within the quarter": _span("1q", _C.std()),
        "mean of the year": _span("1y", _C / _C.mean()),
        "rank within the month": _span("1mo", _C.rank()),
        "low of the fortnight": _span("2w", _L.min()),
        "weekly bars dated by their first day": _sampled("1w", _C.last(), "left"),
        "monthly bars dated by their first day": _sampled("1mo", _C.last(), "left"),
        "quarterly range dated by its first day": _sampled("1q", _H.max() - _L.min(), "left"),
        "weekly volume dated by its first row": _sampled("1w", _V.sum(), "datapoint"),
        "sessions left in the month": _span("1mo", pl.len() - _ALONG),
        "position within the month's range": _span("1mo", (_C - _L.min()) / (_H.max() - _L.min())),
    },
    "counted from the end": {
        "sum of all volume to come": _own(_V.fill_null(0).cum_sum(reverse=True)),
        "highest close to come": _own(_C.cum_max(reverse=True) / _C),
        "lowest close to come": _own(_C.cum_min(reverse=True) / _C),
        "rows left of the history": _own(pl.len() - _ALONG),
        "share of its life that a name has lived": _own(_ALONG / pl.len()),
        "decaying mean of reversed rows": _own(_C.reverse().ewm_mean(span=10).reverse()),
        "sessions until the next halt": _own((_HALTED.cum_sum(reverse=True)).cast(pl.Float64)),
        "whether it was halted at all": _own(_HALTED.any().cast(pl.Int8)),
        "prices rebased to the last one": _own(_C / _C.last()),
        "prices adjusted as seen from the last session": _own(
            _C / pl.col("factor") * pl.col("factor") / pl.col("factor").last()
        ),
        "volume in today's shares": _own(_V * pl.col("factor").last()),
        "adjusted only if it will be adjusted": _own(_C * (pl.col("factor").n_unique() > 1)),
        "deepest fall of all": _own((_C / _C.cum_max() - 1).min()),
        "session of the highest close": _own((_ALONG - _C.fill_null(0).arg_max()).cast(pl.Float64)),
        "days until it trades no more": lambda b: factor(
            b.sort(KEY), (pl.col("session").max().over(_OF) - pl.col("session")).dt.total_days()
        ),
        "number of the session, counted back from the newest": lambda b: factor(
            b.sort(KEY), pl.col("session").rank("dense", descending=True).cast(pl.Float64)
        ),
    },
}


def _trend(values: Any, smoothness: float) -> Any:
    second = np.diff(np.eye(len(values)), 2, axis=0)
    return np.linalg.solve(np.eye(len(values)) + smoothness * second.T @ second, values)


def _spline(values: Any, every: int) -> Any:
    from scipy.interpolate import CubicSpline

    knots = np.unique(np.append(np.arange(0, len(values), every), len(values) - 1))
    return CubicSpline(knots, values[knots])(np.arange(len(values)))


INPUTS = tuple(Leak(kind, words, "frame", make) for kind, leaks in _KINDS.items() for words, make in leaks.items())
