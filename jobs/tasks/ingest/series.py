"""Ingest of numbers by day that belong to no instrument: currencies, rates, returns of risk factors."""

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.ingest.intake import Intake, Writes
from lake.sources.series import fx_rows
from lake.tables import table

__all__ = ["factor_returns", "fx_rates", "interest_rates"]


def fx_rates(intake: Intake, _: TaskContext) -> Writes:
    """Ingest exchange rates.

    Parameters
    ----------
    intake : Intake
    _ : TaskContext

    Returns
    -------
    Writes
    """
    intake.rows = fx_rows(intake.rows)
    return _series(intake, "fx_rates")


def interest_rates(intake: Intake, _: TaskContext) -> Writes:
    """Ingest yields by tenor.

    Parameters
    ----------
    intake : Intake
    _ : TaskContext

    Returns
    -------
    Writes
    """
    return _series(intake, "interest_rates")


def factor_returns(intake: Intake, _: TaskContext) -> Writes:
    """Ingest returns of risk factors.

    Parameters
    ----------
    intake : Intake
    _ : TaskContext

    Returns
    -------
    Writes
    """
    return _series(intake, "factor_returns")


def _series(intake: Intake, name: str) -> Writes:
    declared = table(name)
    rows = intake.refuse(declared.key)
    stored = intake.lake.scan(name).join(rows.lazy().select(declared.key[:2]).unique(), on=declared.key[:2], how="semi")
    intake.warn(rows, stored.collect())
    return Writes({name: rows.select(pl.col(c.name) for c in declared.columns)})
