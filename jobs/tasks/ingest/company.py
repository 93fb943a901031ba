"""Ingest of what companies reported, did, and were worth."""

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.ingest.intake import Intake, Writes
from lake.quality import check_named, finding
from lake.sources.company import FILED, dated_fundamentals, first_filings
from lake.tables import table

__all__ = ["by_session", "fundamentals"]


def fundamentals(intake: Intake, context: TaskContext) -> Writes:
    """Ingest reported figures; what was known before with the same figures is counted and left out.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes

    Raises
    ------
    InvalidInputError
        If the rows do not say when they became known, or no row is usable.
    """
    intake.rows = dated_fundamentals(intake.rows, known_after_days=intake.spec.known_after_days)
    filed = intake.rows.filter(pl.col("instrument").is_not_null())
    stored = context.lake.scan("fundamentals").filter(pl.col("market") == intake.market.code).collect()
    stored = stored.join(filed.select("instrument").unique(), on="instrument", how="semi")
    _, repeats = first_filings(filed, stored)
    if repeats.height:
        intake.findings.append(finding(check_named("repeated_filing"), repeats))
        intake.rows = intake.rows.join(repeats.select("row"), on="row", how="anti")
    if intake.rows.is_empty():  # a batch that says nothing new is no failure
        return Writes({"fundamentals": _declared(intake.rows, "fundamentals")})
    rows = intake.refuse((*FILED, "known_at"))
    intake.warn(rows, stored)
    return Writes({"fundamentals": _declared(rows, "fundamentals")})


def by_session(intake: Intake, context: TaskContext) -> Writes:
    """Ingest ratios and sizes, or dividends, splits and other events.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes
    """
    name = intake.spec.table
    if "action" in intake.rows.columns:
        intake.rows = intake.rows.with_columns(pl.col("action").str.to_lowercase())
    rows = intake.refuse(table(name).key)
    same = pl.col("session").is_between(rows["session"].min(), rows["session"].max())
    stored = context.lake.scan(name).filter(same).collect()
    intake.warn(rows, stored.join(rows, on=["instrument", "session"], how="semi"))
    return Writes({name: _declared(rows, name)})


def _declared(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.select(c.name for c in table(name).columns if c.name in rows.columns)
