"""Figures of companies from a file's rows: when they became known, and what of them is new."""

from datetime import timedelta

import polars as pl

from lake.sources.fields import FIELDS
from qbrain_core.errors import InvalidInputError

__all__ = ["FILED", "dated_fundamentals", "first_filings"]

FILED = ("instrument", "item_set", "period_end")
"""What a filing is about; the rest of its key is when it became known."""

_FIGURES = [name for name, f in FIELDS["fundamentals"].items() if name not in {*FILED, "known_at"}]


def dated_fundamentals(rows: pl.DataFrame, *, known_after_days: int | None) -> pl.DataFrame:
    """Say of figures which set they are of and since when they are known.

    Parameters
    ----------
    rows : DataFrame, columns (period_end: date, [known_at: date], [item_set: str], [fiscal_period: str], …)
    known_after_days : int, optional
        Days after the period's end that stand for a missing filing date.

    Returns
    -------
    DataFrame
        With `item_set` (annual where the fiscal period is FY, else quarterly, unless the rows say) and `known_at`.

    Raises
    ------
    InvalidInputError
        If the rows do not say when they became known and nothing is assumed, or neither what they are of.
    """
    has = set(rows.columns)
    if "known_at" not in has:
        if known_after_days is None:
            rule = (
                "the file has no filing date: give the column known_at, or known_after_days to assume one; figures "
                "must not be used before they were known"
            )
            raise InvalidInputError("known_after_days", None, rule)
        rows = rows.with_columns(known_at=pl.col("period_end") + timedelta(days=known_after_days))
    if "item_set" not in has:
        if "fiscal_period" not in has:
            rule = "the rows do not say whether they are quarterly or annual: {item_set: '=annual'}"
            raise InvalidInputError("columns", sorted(has), rule)
        annual = pl.col("fiscal_period") == "FY"
        rows = rows.with_columns(item_set=pl.when(annual).then(pl.lit("annual")).otherwise(pl.lit("quarterly")))
    return rows


def first_filings(rows: pl.DataFrame, stored: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part filings from their repeats.

    Parameters
    ----------
    rows : DataFrame
        Fundamentals with `known_at` and `row`.
    stored : DataFrame
        Stored rows of table `fundamentals`, of the same instruments.

    Returns
    -------
    filings : DataFrame
        Rows that say something new at their date.
    repeats : DataFrame
        The others: the same figures as at the last date before on which the period was reported, here or stored.
    """
    figures = [c for c in _FIGURES if c in rows.columns]
    told = [*FILED, *figures, "known_at"]
    reports = pl.concat([stored.select(told), rows.select(told)], how="vertical_relaxed").unique()
    # dates of one period by number, so that "the last before" is an equality
    days = reports.select(*FILED, "known_at").unique().with_columns(day=pl.col("known_at").rank("dense").over(FILED))
    earlier = reports.join(days, on=[*FILED, "known_at"]).with_columns(pl.col("day") + 1).drop("known_at")
    dated = rows.join(days, on=[*FILED, "known_at"], how="left", maintain_order="left")
    again = dated.join(earlier, on=[*FILED, *figures, "day"], how="semi", nulls_equal=True).select("row")
    return rows.join(again, on="row", how="anti"), rows.join(again, on="row", how="semi")
