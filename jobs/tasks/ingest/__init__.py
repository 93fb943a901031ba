"""Read files into the lake: good rows in, bad rows aside, everything odd told."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.context import TaskContext
from jobs.tasks.ingest.bars import bars
from jobs.tasks.ingest.company import by_session, fundamentals
from jobs.tasks.ingest.intake import Intake, Writes
from jobs.tasks.ingest.intraday import bars_intraday
from jobs.tasks.ingest.reference import (
    calendar_overrides,
    industries,
    instrument_status,
    instruments,
    symbol_history,
    universes,
)
from jobs.tasks.ingest.series import series
from lake.sources import Conversion, Layout, read_rows
from qbrain_core.specs import IngestSpec, JobSpec

__all__ = ["layout_of", "run"]

_TABLES: dict[str, Callable[[Intake, TaskContext], Writes]] = {
    "bars": bars, "bars_intraday": bars_intraday, "instruments": instruments, "universes": universes,
    "fundamentals": fundamentals, "valuation": by_session, "corporate_actions": by_session,
    "industries": industries, "symbol_history": symbol_history, "instrument_status": instrument_status,
    "fx_rates": series, "interest_rates": series, "factor_returns": series,
    "calendar_overrides": calendar_overrides,
}  # fmt: skip


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Ingest files.

    Parameters
    ----------
    spec : IngestSpec
    context : TaskContext

    Returns
    -------
    dict
        `table`, its `version`, `rows_in`, `rows_written` (good rows, now in the table), `rows_changed` (those of them
        that were not so before), `rows_quarantined`, and `findings`: a list of {check, severity, rows, examples}.

    Raises
    ------
    InvalidInputError
        If a file cannot be read, lacks a column, or none of them has a usable row; nothing is written then.
    """
    assert isinstance(spec, IngestSpec)
    context.reporter.stage("read", detail=Path(spec.path).name)
    source = read_rows(spec.path, spec.table, layout_of(spec))
    context.reporter.check()
    context.reporter.stage("check")
    intake = Intake(spec, source, context.lake)
    writes = _TABLES[spec.table](intake, context)
    context.reporter.check()
    context.reporter.stage("write")
    now = datetime.now(UTC)
    with context.commit() as transaction:
        for table, frame in intake.account(context.job_id, now).items():
            transaction.upsert(table, frame)
        for table, frame, where in writes.replaced:
            transaction.replace(table, frame, where=where)
        for table, frame in writes.rows.items():
            transaction.upsert(table, frame)
    for finding in intake.findings:
        context.reporter.log(f"{finding.check}: {finding.rows} rows", level=finding.severity)
    return {
        "table": spec.table,
        "version": transaction.versions[spec.table],
        "rows_in": source.rows.height,
        "rows_written": intake.written,
        "rows_changed": transaction.changed.get(spec.table, 0),
        "rows_quarantined": intake.refused.height,
        "findings": [
            {"check": f.check, "severity": f.severity, "rows": f.rows, "examples": f.examples} for f in intake.findings
        ],
    }


def layout_of(spec: IngestSpec) -> Layout:
    """Say how the files of a spec are to be read.

    Parameters
    ----------
    spec : IngestSpec

    Returns
    -------
    Layout
    """
    unit, zone = (spec.time.unit, spec.time.zone) if spec.time else ("clock", "UTC")
    return Layout(
        spec.columns, header=spec.header, names=spec.names, member=spec.member, unpivot=spec.unpivot,
        conversion=Conversion(spec.scale, unit, zone),
    )  # fmt: skip
