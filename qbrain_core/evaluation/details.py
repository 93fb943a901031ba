"""The parts of a report that are small tables: by quantile, horizon, year, sector, size, bin."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.evaluation.distribution import MEASURES
from qbrain_core.evaluation.inference import mean_test

__all__ = ["SECTIONS", "Details", "spread_section"]

_BINS = ("low", "high", "share")
_GROUP = ("rank_ic", "rank_icir", "rank_ic_t", "sessions", "names")

SECTIONS: dict[str, tuple[str, ...]] = {
    "quantile": ("return", "error", "excess", "excess_error", "turnover", "names"),
    "decay": ("ic", "rank_ic", "rank_ic_t", "lagged_rank_ic", "sessions"),
    "year": (
        "rank_ic", "rank_ic_std", "rank_icir", "rank_ic_t", "positive", "ic", "gross", "net", "turnover", "sessions",
    ),
    "month": ("rank_ic", "ic", "sessions"),
    "sector": _GROUP,
    "size": _GROUP,
    "distribution": MEASURES,
    "histogram_raw": _BINS,
    "histogram_winsorised": _BINS,
    "histogram_standardised": _BINS,
    "histogram_neutralised": _BINS,
    "ic_histogram": ("low", "high", "count"),
    "ic_qq": ("theoretical", "observed"),
    "correlation": ("rank_correlation",),
}  # fmt: skip
"""Measures of each section, in order."""


class Details:
    """Collects items of sections."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, int, str, float | None]] = []
        self._next: dict[str, int] = {}

    def add(self, section: str, item: object, values: Mapping[str, float]) -> None:
        """Add one item.

        Parameters
        ----------
        section : str
            Key of `SECTIONS`.
        item : object
            What the row is about; its text.
        values : mapping of str to float
            By measure; NaN for undefined.
        """
        position = self._next[section] = self._next.get(section, 0) + 1
        self._rows += [
            (section, str(item), position, measure, float(value) if math.isfinite(value) else None)
            for measure, value in values.items()
        ]

    def add_bins(self, section: str, edges: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
        """Add a histogram.

        Parameters
        ----------
        section : str
        edges : ndarray, shape (bins + 1,) or (0,)
        counts : ndarray of int, shape (bins,)
            Shown as shares where the section holds shares.
        """
        measure = SECTIONS[section][2]
        shown = counts / counts.sum() if measure == "share" and len(counts) else counts
        for position, value in enumerate(shown):
            bounds = {"low": edges[position], "high": edges[position + 1], measure: value}
            self.add(section, position + 1, bounds)

    def add_groups(
        self, section: str, names: Sequence[object], coefficients: NDArray[np.float64], counts: NDArray[np.int64], *,
        horizon: int = 1,
    ) -> None:  # fmt: skip
        """Add rank ICs within groups.

        Parameters
        ----------
        section : str
        names : sequence
            Of the groups.
        coefficients : ndarray, shape (n_sessions, n_groups)
            NaN where there is none.
        counts : ndarray of int, same shape
            Instruments behind each.
        horizon : int
            Sessions that each spans.
        """
        for column, name in enumerate(names):
            test = mean_test(coefficients[:, column], horizon=horizon)
            if test.n:
                there = np.isfinite(coefficients[:, column])
                values = (test.mean, test.ratio, test.t, test.n, float(counts[there, column].mean()))
                self.add(section, name, dict(zip(_GROUP, values, strict=True)))

    def frame(self) -> pl.DataFrame:
        """Give everything as one frame.

        Returns
        -------
        DataFrame, columns (section: str, item: str, position: i32, measure: str, value: f64)
            One row per value; `position` counts the items of a section from 1.
        """
        schema = {
            "section": pl.String, "item": pl.String, "position": pl.Int32, "measure": pl.String, "value": pl.Float64,
        }  # fmt: skip
        return pl.DataFrame(self._rows, schema=schema, orient="row")


def spread_section(details: pl.DataFrame, section: str) -> pl.DataFrame:
    """Make one section of `Details.frame` a table again.

    Parameters
    ----------
    details : DataFrame, columns (section, item, position, measure, value)
        Of one factor.
    section : str
        Key of `SECTIONS`.

    Returns
    -------
    DataFrame
        `item` and a column per measure of the section, in order; empty where there is nothing.
    """
    rows = details.filter(section=section)
    measures = SECTIONS[section]
    if rows.is_empty():
        return pl.DataFrame(schema={"item": pl.String} | dict.fromkeys(measures, pl.Float64))
    wide = rows.pivot("measure", index=["item", "position"], values="value", aggregate_function="first")
    missing = [pl.lit(None, pl.Float64).alias(m) for m in measures if m not in wide.columns]
    return wide.with_columns(missing).sort("position").select("item", *measures)
