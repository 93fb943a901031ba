"""Ingest of bars within a session."""

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.ingest.intake import Intake, Writes
from jobs.tasks.ingest.reference import new_instruments
from lake.sources.intraday import INTRADAY_COLUMNS, close_instants

__all__ = ["bars_intraday"]


def bars_intraday(intake: Intake, context: TaskContext) -> Writes:
    """Ingest intraday bars.

    Parameters
    ----------
    intake : Intake
    context : TaskContext

    Returns
    -------
    Writes
    """
    spec, time = intake.spec, intake.spec.time
    assert time is not None
    intake.rows = close_instants(intake.rows, intake.market, frequency=time.frequency, label=time.label)
    rows = intake.refuse(("instrument", "ts")).with_columns(price_basis=pl.lit(spec.price_basis))
    intake.warn(rows, _stored(rows, intake, context))
    return Writes(
        {
            "instruments": new_instruments(rows["instrument"].unique(maintain_order=True), intake, context),
            "bars_intraday": rows.select(INTRADAY_COLUMNS),
        }
    )


def _stored(rows: pl.DataFrame, intake: Intake, context: TaskContext) -> pl.DataFrame:
    span = rows.select(first=pl.col("ts").min(), last=pl.col("ts").max())
    first, last = span.select(pl.all().dt.strftime("%Y-%m")).row(0)
    wanted = (
        (pl.col("market") == intake.market.code)
        & pl.col("month").is_between(pl.lit(first), pl.lit(last))
        & pl.col("ts").is_between(*span.row(0))
        & pl.col("instrument").is_in(rows["instrument"].unique().implode())
    )
    return context.lake.scan("bars_intraday").filter(wanted).collect()
