"""Leaks of row selection: what a model learns from depends on the labels it is to foretell."""

from collections.abc import Callable

import polars as pl

from bench.leakage.planted import KEY, Leak
from bench.leakage.worlds import bars_frame

__all__ = ["HONEST_ROWS", "ROWS"]

_Y = pl.col("label")


def _keep(condition: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda labels: labels.filter(condition).select(KEY)


def _with(value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda labels: labels.select(*KEY, x=value)


def _predicted(condition: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    # train rows that have a label, and test rows chosen in some way
    def rows_of(labels: pl.DataFrame) -> pl.DataFrame:
        middle = labels["session"].median()
        learnt = labels.filter(pl.col("session") < middle, _Y.is_not_null()).select(
            *KEY, segment=pl.lit("train"), learns=True
        )
        asked = (
            labels.filter(pl.col("session") >= middle)
            .filter(condition)
            .select(*KEY, segment=pl.lit("test"), learns=False)
        )
        return pl.concat([learnt, asked])

    return rows_of


_LEAKS = {
    "outliers of the label dropped": _keep(_Y.abs() < 0.05),
    "rows beyond three deviations dropped": _keep((_Y - _Y.mean()).abs() < 2 * _Y.std()),
    "best and worst thirds of each session kept": _keep((_Y.rank() / _Y.count() - 0.5).abs().over("session") > 0.2),
    "rows that moved kept": _keep(_Y.abs() > 0.002),
    "names that did well in the end kept": _keep(_Y.mean().over("instrument") > 0),
    "sessions with a wide spread kept": _keep(_Y.std().over("session") > _Y.std() * 0.8),
    "rising rows taken twice as often": _keep((_Y > 0) | (pl.int_range(pl.len()) % 2 == 0)),
    "label winsorised and kept as a feature": _with(_Y.clip(-0.1, 0.1)),
    "name's mean label as a feature": _with(_Y.mean().over("instrument")),
    "session's rank of the label as a feature": _with(_Y.rank().over("session")),
    "rows without a label dropped from what is predicted": _predicted(_Y.is_not_null()),
    "falling rows dropped from what is predicted": _predicted(_Y > -0.03),
}  # fmt: skip

ROWS = tuple(Leak("choice of rows", words, "rows", make) for words, make in _LEAKS.items())

HONEST_ROWS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "all rows": _keep(pl.lit(True)),
    "rows that have a label, to learn from": lambda labels: labels.filter(_Y.is_not_null()).select(KEY),
    "rows that can be traded": lambda labels: labels.select(KEY).join(
        bars_frame().filter(pl.col("close").is_not_null()).select(KEY), on=KEY, how="semi"
    ),
    "train with labels, test without": _predicted(pl.lit(True)),
}
"""Choices that look at labels as they may."""
