"""Ingest of numbers by day that belong to no instrument: currencies, rates, returns of risk factors."""

from jobs.context import TaskContext
from jobs.tasks.ingest.intake import Intake, Writes
from lake.sources.series import fx_rows
from lake.tables import table

__all__ = ["series"]


def series(intake: Intake, _: TaskContext) -> Writes:
    """Ingest exchange rates, yields by tenor, or returns of risk factors.

    Parameters
    ----------
    intake : Intake
    _ : TaskContext

    Returns
    -------
    Writes
    """
    declared = table(intake.spec.table)
    if declared.name == "fx_rates":
        intake.rows = fx_rows(intake.rows)
    rows = intake.refuse(declared.key)
    names = list(declared.key[:2])  # which series; the rest of the key is the day
    stored = intake.lake.scan(declared.name).join(rows.lazy().select(names).unique(), on=names, how="semi")
    intake.warn(rows, stored.collect())
    return Writes({declared.name: rows.select(c.name for c in declared.columns)})
