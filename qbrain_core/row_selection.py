"""See that the rows of a dataset, and what stands in them, do not follow from the labels' values."""

from typing import Any

import pandas as pd
import polars as pl

from qbrain_core.dataset import LABEL, build_dataset
from qbrain_core.factors.leakage import Check
from qbrain_core.factors.leakage.selection import check_selection
from qbrain_core.specs.train import DatasetSpec

__all__ = ["check_dataset_rows", "dataset_rows"]

_KEYS = {"raw": False, "infer": False, "learn": True}


def dataset_rows(dataset: Any) -> pl.DataFrame:
    """List the rows of a dataset with their features.

    Parameters
    ----------
    dataset : DatasetH
        As `build_dataset` makes it.

    Returns
    -------
    DataFrame, columns (segment: str, learns: bool, instrument: str, session: date, then the features as they are fed)
        One row for each segment and data key that a row is in: `train/learn`, `train/infer`, `train/raw` …. Only those
        of `learn` are fitted to; a label may be missing in the others.
    """
    parts = []
    for segment in dataset.segments:
        for key, learns in _KEYS.items():
            frame = dataset.prepare(segment, data_key=key)
            columns = [c if isinstance(c, str) else c[-1] for c in frame.columns]
            values = {n: frame.iloc[:, i].to_numpy() for i, n in enumerate(columns) if n != LABEL}
            names = frame.index.get_level_values("instrument").astype(str).to_numpy(dtype=object)
            days = pd.DatetimeIndex(frame.index.get_level_values("datetime")).values.astype("datetime64[D]")
            rows = pl.DataFrame({"instrument": pl.Series(names, dtype=pl.String), "session": days, **values})
            parts.append(rows.with_columns(segment=pl.lit(f"{segment}/{key}"), learns=pl.lit(learns)))
    return pl.concat(parts, how="vertical_relaxed")


def check_dataset_rows(
    features: pl.DataFrame,
    labels: pl.DataFrame,
    spec: DatasetSpec,
    *,
    spells: pl.DataFrame | None = None,
    names: int = 20,
    sessions: int = 60,
) -> Check:
    """Build a dataset again with other labels; rows and features must stay as they are.

    Parameters
    ----------
    features, labels, spec, spells
        As for `build_dataset`.
    names : int
        Instruments used, at most; those with the most rows.
    sessions : int
        Sessions used of each segment, at most; its last ones.

    Returns
    -------
    Check
        `selection`; see `check_selection`.

    Raises
    ------
    UnknownNameError, InvalidInputError
        If a processor is not known or its arguments are not valid.
    InsufficientDataError
        If a segment has no row of these instruments, or no labelled one.
    """
    counts = features.group_by("instrument").len().sort("len", "instrument", descending=[True, False])
    days = features["session"].unique().sort()
    kept = [days.filter(days.is_between(s.start, s.end)).tail(sessions) for s in spec.segments.values()]
    sample = pl.col("instrument").is_in(counts["instrument"].head(names).implode())
    sample &= pl.col("session").is_in(pl.concat(kept).implode())
    some, asked = features.filter(sample), labels.filter(sample).select("instrument", "session", "label")

    def rows_of(given: pl.DataFrame) -> pl.DataFrame:
        return dataset_rows(build_dataset(some, given, spec, spells=spells))

    return check_selection(rows_of, asked)
