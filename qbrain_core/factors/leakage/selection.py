"""See whether the choice of rows, or what stands in them, depends on the labels that a model is to foretell."""

import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import polars as pl

from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors.leakage.report import Check, Finding, Outcome

__all__ = ["RowsOf", "check_selection"]

RowsOf: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
"""Labels → the rows that are kept: `instrument`, `session`, perhaps `segment` (which set of rows), `learns` (whether a
model is fitted to them, so that a missing label may cost a row), and features."""

_KEY = ("segment", "instrument", "session")
_LOST = 0.3  # of the labels


def check_selection(rows_of: RowsOf, labels: pl.DataFrame, *, seed: int = 7) -> Check:
    """Build the rows again with other labels.

    Labels change places, change sign and grow a hundredfold: the rows and their features must stay. Then some labels
    are taken away: a row that a model learns from may go with its label, any other row must stay.

    Parameters
    ----------
    rows_of : callable
        Labels → rows that are kept.
    labels : DataFrame, columns (instrument, session, label: float)
        Null where there is none.
    seed : int

    Returns
    -------
    Check
        `label_decides`, `label_in_features` and `missing_label_decides`, all failures.
    """
    begun = time.perf_counter()
    random = np.random.default_rng(seed)
    whole = _tidy(rows_of(labels))
    present = labels["label"].is_not_null() & labels["label"].is_not_nan()
    places = np.flatnonzero(present.to_numpy())
    shuffled = labels["label"].scatter(places, labels["label"].gather(random.permutation(places)))
    others = [
        labels.with_columns(label=shuffled),
        labels.with_columns(label=-100.0 * pl.col("label")),
        labels.with_columns(label=pl.when(pl.col("label") > 0).then(-0.5).when(pl.col("label") <= 0).then(0.5)),
    ]
    found: dict[tuple[str, str], Finding] = {}
    for other in others:
        made = _again(rows_of, other, whole)
        _note(found, "label_decides", _strangers(whole, made))
        _note(found, "label_in_features", _changed(whole, made))
    lost = pl.Series(random.random(labels.height) < _LOST)
    fewer = labels.with_columns(label=pl.when(~lost).then("label"))
    made = _again(rows_of, fewer, whole)
    asked = whole.filter(~pl.col("learns"))
    _note(found, "missing_label_decides", _strangers(asked, made.filter(~pl.col("learns"))))
    gone = whole.filter("learns").join(made, on=_KEY, how="anti").join(labels.filter(lost), on=_KEY[1:], how="anti")
    _note(found, "label_decides", gone.select(_KEY))
    return Check(name="selection", findings=tuple(found.values()), seconds=round(time.perf_counter() - begun, 3))


def _again(rows_of: RowsOf, labels: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    try:
        return _tidy(rows_of(labels))
    except InsufficientDataError:  # no row is left, and that by the labels
        return whole.head(0)


def _tidy(rows: pl.DataFrame) -> pl.DataFrame:
    if "segment" not in rows.columns:
        rows = rows.with_columns(segment=pl.lit("all"))
    if "learns" not in rows.columns:
        rows = rows.with_columns(learns=pl.lit(True))
    return rows.sort(_KEY)


def _strangers(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    # rows that only one of the two holds
    keys = [rows.select(_KEY) for rows in (a, b)]
    return pl.concat([keys[0].join(keys[1], on=_KEY, how="anti"), keys[1].join(keys[0], on=_KEY, how="anti")])


def _changed(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    names = [n for n in a.columns if n not in (*_KEY, "learns") and n in b.columns]
    both = a.join(b.select(*_KEY, *(pl.col(n).alias(f"{n} then") for n in names)), on=_KEY, how="inner")
    differs = [pl.col(n).fill_nan(None).ne_missing(pl.col(f"{n} then").fill_nan(None)) for n in names]
    return both.filter(pl.any_horizontal(differs)).select(_KEY) if differs else both.head(0).select(_KEY)


def _note(found: dict[tuple[str, str], Finding], code: str, rows: pl.DataFrame) -> None:
    for part in rows.partition_by("segment", maintain_order=True):
        segment, instrument, session = part.select(_KEY).row(0)
        params = {"rows": part.height, "segment": segment, "instrument": instrument, "session": str(session)}
        found.setdefault((code, segment), Finding(code=code, severity=Outcome.FAIL, params=params))
