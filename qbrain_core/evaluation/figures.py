"""Put what was found out about single factors beside each other: one row a factor, and how they resemble each other."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.evaluation.details import Details
from qbrain_core.evaluation.inference import mean_test
from qbrain_core.evaluation.relations import relate
from qbrain_core.evaluation.rules import FactorReport

__all__ = ["factor_figures", "related_figures"]


def related_figures(
    reports: Mapping[str, FactorReport], label: NDArray[np.float32],
    others: Mapping[str, NDArray[np.float32]] | None = None,
) -> tuple[dict[str, dict[str, float | str]], dict[str, pl.DataFrame]]:  # fmt: skip
    """Compare factors with each other, and with others that are not judged.

    Parameters
    ----------
    reports : mapping of str to FactorReport
        With `scores`.
    label : ndarray of float32, shape (n_sampled, n_instruments)
        Rank scores of the label.
    others : mapping of str to ndarray of float32, optional
        Rank scores of further factors.

    Returns
    -------
    figures : dict of str to dict
        By factor: `nearest` (text), `nearest_correlation`, `marginal_ic`, `marginal_t`; empty where there is only one.
    details : dict of str to DataFrame
        By factor: its section `correlation`, the strongest first.
    """
    named = {name: report.scores for name, report in reports.items()} | dict(others or {})
    names = list(named)
    if len(names) < 2:
        return {name: {} for name in reports}, {}
    found = relate(np.stack([named[name] for name in names]), label)
    figures: dict[str, dict[str, float | str]] = {}
    details: dict[str, pl.DataFrame] = {}
    for position, name in enumerate(names[: len(reports)]):
        correlation = found.correlation[position]
        strength = np.where(np.isfinite(correlation), np.abs(correlation), -1.0)
        strength[position] = -1.0
        order = [k for k in np.argsort(-strength, kind="stable") if strength[k] >= 0]
        section = Details()
        for k in order:
            section.add("correlation", names[k], {"rank_correlation": correlation[k]})
        details[name] = section.frame()
        test = mean_test(found.marginal[:, position])
        figures[name] = {"marginal_ic": test.mean, "marginal_t": test.t}
        if order:
            figures[name] |= {"nearest": names[order[0]], "nearest_correlation": float(correlation[order[0]])}
    return figures, details


def factor_figures(
    reports: Mapping[str, FactorReport], related: Mapping[str, Mapping[str, float | str]],
    expressions: Mapping[str, str], columns: Sequence[str],
) -> pl.DataFrame:  # fmt: skip
    """Make one row per factor.

    Parameters
    ----------
    reports : mapping of str to FactorReport
    related : mapping of str to mapping
        As from `related_figures`.
    expressions : mapping of str to str
        By factor, as far as known.
    columns : sequence of str
        Figures wanted, in order.

    Returns
    -------
    DataFrame, columns (factor: str, expression: str, sessions: i32, nearest: str, then `columns`: f64)
        Null where a figure is undefined.
    """
    rows = []
    for name, report in reports.items():
        figures = {**report.metrics, **related.get(name, {})}
        row: dict[str, object] = {
            "factor": name, "expression": expressions.get(name, ""), "sessions": int(report.metrics["sessions"]),
            "nearest": figures.get("nearest"),
        }  # fmt: skip
        for column in columns:
            value = figures.get(column, math.nan)
            row[column] = value if isinstance(value, float) and math.isfinite(value) else None
        rows.append(row)
    schema = {"factor": pl.String, "expression": pl.String, "sessions": pl.Int32, "nearest": pl.String}
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(columns, pl.Float64))
