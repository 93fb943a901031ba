"""Leaks of functions over one frame: scaled, fitted or chosen by the whole sample, other rows of it, or labels."""

from collections.abc import Callable

import numpy as np
import polars as pl

from bench.leakage.planted import KEY, Leak, factor

__all__ = ["SAMPLES"]

_C, _V, _Y = pl.col("close"), pl.col("volume"), pl.col("LABEL0")
_R = _C / _C.shift(1) - 1
_B = pl.col("benchmark_close") / pl.col("benchmark_close").shift(1) - 1
_OF, _DAY = "instrument", "session"
_M = _C / _C.shift(20) - 1


def _pooled(value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda bars: factor(bars.sort(KEY).with_columns(r=_R.over(_OF), m=_M.over(_OF)), value)


def _own(value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda bars: factor(bars.sort(KEY), value.over(_OF))


def _matrix(bars: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    rows = bars.sort(KEY).with_columns(a=_R.over(_OF), b=_M.over(_OF), c=_V.log().over(_OF)).fill_nan(None)
    return rows.select(KEY), rows.select("a", "b", "c").fill_null(0.0).to_numpy()


def _components(bars: pl.DataFrame) -> pl.DataFrame:
    keys, values = _matrix(bars)
    loadings = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)[2]
    return keys.with_columns(x=pl.Series((values @ loadings.T)[:, 0]))


def _whitened(bars: pl.DataFrame) -> pl.DataFrame:
    keys, values = _matrix(bars)
    return keys.with_columns(x=pl.Series((values @ np.linalg.inv(np.cov(values.T)))[:, 1]))


def _clustered(bars: pl.DataFrame) -> pl.DataFrame:
    from sklearn.cluster import KMeans

    keys, values = _matrix(bars)
    return keys.with_columns(x=pl.Series(KMeans(4, n_init=1, random_state=0).fit(values).transform(values)[:, 0]))


def _regressed(bars: pl.DataFrame) -> pl.DataFrame:
    keys, values = _matrix(bars)
    label = bars.sort(KEY)["LABEL0"].fill_nan(None).fill_null(0.0).to_numpy()
    return keys.with_columns(x=pl.Series(values @ np.linalg.lstsq(values, label, rcond=None)[0]))


def _forest(bars: pl.DataFrame) -> pl.DataFrame:
    from sklearn.tree import DecisionTreeRegressor

    keys, values = _matrix(bars)
    label = bars.sort(KEY)["LABEL0"].fill_nan(None).fill_null(0.0).to_numpy()
    return keys.with_columns(
        x=pl.Series(DecisionTreeRegressor(max_depth=6, random_state=0).fit(values, label).predict(values))
    )


def _fitted_by_fold(bars: pl.DataFrame) -> pl.DataFrame:
    # the usual cross-validation: a fold is predicted from the folds before and after it
    keys, values = _matrix(bars)
    label = bars.sort(KEY)["LABEL0"].fill_nan(None).fill_null(0.0).to_numpy()
    fold = keys[_DAY].dt.ordinal_day().to_numpy() % 5
    made = np.zeros(len(label))
    for n in range(5):
        made[fold == n] = values[fold == n] @ np.linalg.lstsq(values[fold != n], label[fold != n], rcond=None)[0]
    return keys.with_columns(x=pl.Series(made))


def _best_of(bars: pl.DataFrame) -> pl.DataFrame:
    rows = bars.sort(KEY).with_columns(**{f"m{n}": (_C / _C.shift(n) - 1).over(_OF) for n in (3, 5, 10, 20, 40)})
    score = {n: rows.select(pl.corr(f"m{n}", "LABEL0", method="spearman")).item() or 0.0 for n in (3, 5, 10, 20, 40)}
    weights = pl.sum_horizontal(pl.col(f"m{n}") * s for n, s in score.items())
    return factor(rows, weights)


def _kept(condition: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda bars: factor(bars.sort(KEY).with_columns(m=_M.over(_OF)).filter(condition), pl.col("m"))


def _among(condition: pl.Expr, value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    # across the names of a session, but which names is known later only
    return lambda bars: factor(bars.sort(KEY).with_columns(m=pl.when(condition).then(_M.over(_OF))), value.over(_DAY))


def _filled_calendar(bars: pl.DataFrame) -> pl.DataFrame:
    days, names = bars.select(_DAY).unique(), bars.select(_OF).unique()
    return names.join(days, how="cross").join(bars.select(*KEY, x="close"), on=KEY, how="left").sort(KEY)


_LAST = pl.col(_DAY).max()
_END = _LAST.over(_OF) == _LAST
_RANK = pl.col("m").rank() / pl.col("m").count()
_STAYED = (pl.len() > 340).over(_OF)

_KINDS: dict[str, dict[str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "full-sample scaling": {
        "z-score of a name over its history": _own((_C - _C.mean()) / _C.std()),
        "z-score over all rows": _pooled((pl.col("r") - pl.col("r").mean()) / pl.col("r").std()),
        "rank over a name's history": _own(_C.rank() / _C.count()),
        "rank over all rows": _pooled(pl.col("r").rank()),
        "between lowest and highest": _own((_C - _C.min()) / (_C.max() - _C.min())),
        "median and median deviation": _own((_C - _C.median()) / (_C - _C.median()).abs().median()),
        "winsorised at percentiles of all rows": _pooled(
            pl.col("r").clip(pl.col("r").quantile(0.02), pl.col("r").quantile(0.98))
        ),
        "winsorised at a name's own percentiles": _own(_R.clip(_R.quantile(0.05), _R.quantile(0.95))),
        "winsorised at three deviations of all": _pooled(
            pl.col("r").clip(-2 * pl.col("r").std(), 2 * pl.col("r").std())
        ),
        "over the largest volume there will be": _own(_V / _V.max()),
        "over the mean price of the history": _own(_C / _C.mean()),
        "log over the history's deviation": _own(_C.log() / _C.log().std()),
        "ten buckets of all rows": _pooled(
            pl.col("r")
            .fill_null(0.0)
            .qcut(10, labels=[str(n) for n in range(10)], allow_duplicates=True)
            .cast(pl.String)
            .cast(pl.Float64)
        ),
        "exposure scaled to the history's risk": _own(_M * 0.01 / _R.std()),
        "less the mean of its weekday": lambda b: factor(
            b.sort(KEY).with_columns(r=_R.over(_OF)),
            pl.col("r") - pl.col("r").mean().over(_OF, pl.col(_DAY).dt.weekday()),
        ),
        "over the usual volume of its month of the year": lambda b: factor(
            b.sort(KEY), _V / _V.mean().over(_OF, pl.col(_DAY).dt.month())
        ),
        "missing values filled by the mean of all rows": _pooled(pl.col("m").fill_null(pl.col("m").mean())),
        "less the largest of all rows": _pooled(pl.col("m") - pl.col("m").max()),
        "signed by the skewness of the history": _own(_M * _R.skew().sign()),
        "unit length over the history": _own(_R / (_R * _R).sum().sqrt()),
    },
    "fitted on everything": {
        "first principal component": _components,
        "whitened by the covariance": _whitened,
        "distance to the centre of a cluster": _clustered,
        "weights by least squares on the label": _regressed,
        "tree grown on the label": _forest,
        "cross-validated by day": _fitted_by_fold,
        "lags weighted by the IC they will have": _best_of,
        "line through the whole history taken out": _own(
            _C
            - _C.mean()
            - (pl.int_range(pl.len()) - pl.len() / 2)
            * pl.cov(_C, pl.int_range(pl.len()))
            / pl.int_range(pl.len()).var()
        ),
        "beta to the benchmark over all rows": _own(_R - _B * pl.cov(_R, _B) / _B.var()),
        "turned round if it does not pay": _own(_M * pl.corr(_M, _C.shift(-5) / _C).sign()),
        "pull of the first lag over the history": _own(_R * pl.corr(_R, _R.shift(1))),
        "sign of the history's trend": _own(_R * (_C.last() / _C.first() - 1).sign()),
        "threshold that was exceeded in one row of ten": _own((_R.quantile(0.9) < _R).cast(pl.Float64)),
    },
    "labels among the features": {
        "the label": _own(_Y),
        "the label with noise": _own(_Y + 0.01 * (_V % 7)),
        "the label's sign": _own(_Y.sign()),
        "the label of yesterday, not over yet": _own(_Y.shift(1)),
        "mean label of the last five rows": _own(_Y.rolling_mean(5, min_samples=1)),
        "label's rank within its session": lambda b: factor(b.sort(KEY), _Y.rank().over(_DAY)),
        "mean label of the session": lambda b: factor(b.sort(KEY), _Y.mean().over(_DAY)),
        "mean label of the industry": lambda b: factor(b.sort(KEY), _Y.mean().over("industry", _DAY)),
        "name encoded by its mean label": _own(_Y.mean()),
        "industry encoded by its mean label": lambda b: factor(b.sort(KEY), _Y.mean().over("industry")),
        "label where volume is high": _own(pl.when(_V.shift(1) * 1.5 < _V).then(_Y).otherwise(0.0)),
        "mean label of the others": lambda b: factor(b.sort(KEY), (_Y.sum() - _Y).over(_DAY)),
        "whether there is a label": _own(_Y.is_null().cast(pl.Int8)),
        "label computed again from closes": _own(_C.shift(-2) / _C.shift(-1) - 1),
        "return over five sessions from here": _own(_C.shift(-5) / _C - 1),
        "triple barrier's first touch": _own(
            (_C.reverse().rolling_max(10).reverse().shift(-1) > 1.05 * _C).cast(pl.Int8)
        ),
    },
    "survivors and later rows": {
        "only names that trade to the end": _kept(_END),
        "only names with a long history": _kept(_STAYED),
        "only names never halted for long": _kept((_C.is_null().sum() < 3).over(_OF)),
        "only rows with a row after them": _kept(_C.shift(-1).over(_OF).is_not_null()),
        "only rows with a label": _kept(_Y.is_not_null()),
        "names that will not fall by half left in": _kept((_C.min() > 0.6 * _C.first()).over(_OF)),
        "names worth most at the end": _kept((_C.drop_nulls().last() > 12).over(_OF)),
        "names traded most over all": _kept((_V.mean()).over(_OF) > _V.mean()),
        "names without wild days": _kept((_R.abs().max() < 0.099).over(_OF)),
        "rows before a name's last ten": _kept((pl.int_range(pl.len()) < pl.len() - 10).over(_OF)),
        "rows up to the last split": _kept((pl.col("factor") < pl.col("factor").last()).over(_OF)),
        "sessions on which most names of the end trade": _kept(pl.len().over(_DAY) >= 0.9 * pl.col(_OF).n_unique()),
        "rows of halted names that trade again": _kept(_C.fill_null(strategy="backward").over(_OF).is_not_null()),
        "calendar filled up for names not listed yet": _filled_calendar,
        "rank among names that stay": _among(_END, _RANK),
        "rank among names with a long history": _among(_STAYED, _RANK),
        "less the mean of names that stay": _among(_END, pl.col("m") - pl.col("m").mean()),
        "over the deviation of names halted later": _among(
            (_C.is_null().any()).over(_OF), pl.col("m") / pl.col("m").std()
        ),
        "rank over names and sessions together": _pooled(pl.col("m").rank() / pl.len()),
        "less the mean of the industry it ends in": lambda b: factor(
            b.sort(KEY).with_columns(m=_M.over(_OF), g=pl.col("industry").last().over(_OF)),
            (pl.col("m") - pl.col("m").mean()).over("g", _DAY),
        ),
        "number of names there will be": lambda b: factor(b.sort(KEY), pl.len().over(_DAY) / pl.col(_OF).n_unique()),
        "market made of names of the end": _among(_END, pl.col("m").mean()),
    },
    "tomorrow's market": {
        "benchmark of tomorrow": _own(pl.col("benchmark_close").shift(-1) / pl.col("benchmark_close") - 1),
        "benchmark's week to come": _own(pl.col("benchmark_close").shift(-5) / pl.col("benchmark_close") - 1),
        "benchmark's high of all time": lambda b: factor(
            b.sort(KEY), pl.col("benchmark_close") / pl.col("benchmark_close").max()
        ),
        "mean return of all names tomorrow": lambda b: factor(
            b.sort(KEY).with_columns(n=(_C.shift(-1) / _C).over(_OF)), pl.col("n").mean().over(_DAY)
        ),
        "return over the benchmark's of tomorrow": _own(_R - _B.shift(-1)),
        "size of next month": _own(pl.col("market_cap").shift(-20)),
        "industry of next month": _own(pl.col("industry").shift(-20)),
        "market's deviation over all sessions": lambda b: factor(
            b.sort(KEY).with_columns(r=_R.over(_OF)), pl.col("r") / pl.col("benchmark_close").std()
        ),
    },
}

SAMPLES = tuple(Leak(kind, words, "frame", make) for kind, leaks in _KINDS.items() for words, make in leaks.items())
