"""Judge what the lake holds of a market, and keep what was found."""

from datetime import UTC, datetime
from typing import Any

from jobs.context import TaskContext
from lake.quality.records import findings_frame
from lake.quality.standing import CHECKED_TABLES, StandingRun, standing_checks
from qbrain_core.markets import MARKETS
from qbrain_core.specs import CheckSpec, JobSpec

__all__ = ["run"]

STORED = "lake"
"""Source of findings about rows that are stored."""


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Check.

    Parameters
    ----------
    spec : CheckSpec
    context : TaskContext

    Returns
    -------
    dict
        `findings`: a list of {check, severity, rows, examples, table, …}; `tables`: rows judged, version and checks run
        by table; `errors` and `warnings`: how many findings are of each.

    Raises
    ------
    JobCancelledError
        If the user asked for it.
    """
    assert isinstance(spec, CheckSpec)
    market, now = MARKETS[spec.market], datetime.now(UTC)
    standing = StandingRun(context.lake, market, now=now, as_of=context.versions or None, reporter=context.reporter)
    judged = []
    for table in spec.tables or CHECKED_TABLES:
        context.reporter.stage("check", detail=table)
        found = standing.judge(table, spec.checks, notes=spec.notes)
        if found is not None:
            judged.append(found)
    context.reporter.stage("write")
    with context.commit() as transaction:
        for part in judged:
            rows = findings_frame(
                part.findings, job_id=context.job_id, table=part.table, source=STORED, at=now, market=market.code,
                version=part.version,
            )  # fmt: skip
            transaction.upsert("findings", rows)
    findings = [vars(f) | {"table": part.table} for part in judged for f in part.findings]
    for f in findings:
        context.reporter.log(f"{f['table']}: {f['check']}: {f['rows']} rows", level=str(f["severity"]))
    return {
        "findings": [_plain(f) for f in findings],
        "tables": {
            part.table: {
                "version": part.version, "rows": part.rows,
                "checks": [c.name for c in standing_checks(part.table, spec.checks, notes=spec.notes)],
            }
            for part in judged
        },
        "errors": sum(f["severity"] == "error" for f in findings),
        "warnings": sum(f["severity"] == "warning" for f in findings),
    }  # fmt: skip


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in found.items()}
