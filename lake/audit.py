"""Move old lines of the audit trail from the records to the lake: written there first, deleted here after."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import delete, func, select

from lake.records import open_records
from lake.records.models import AuditRow

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["archive_audit"]

_BATCH = 5_000


def archive_audit(
    lake: "Lake", before: date, *, dry_run: bool = False, job_id: str = "", attempt: int = 1,
    fence: Callable[[], None] | None = None,
) -> int:  # fmt: skip
    """Move lines of earlier days to the lake's table `audit`; a line that is there already is not written twice.

    Parameters
    ----------
    lake : Lake
    before : date
        Lines of this day (UTC) and later stay in the records.
    dry_run : bool
        Only count them.
    job_id, attempt, fence
        As for `Lake.commit`; without a job an id is made of the lines.

    Returns
    -------
    int
        Lines moved.

    Raises
    ------
    CommitConflictError
        If other writers of the table kept winning.
    """
    records = open_records(lake.settings)
    old = AuditRow.at < datetime.combine(before, time(), UTC)
    moved = 0
    if dry_run:
        with records.read() as session:
            return int(session.scalar(select(func.count()).select_from(AuditRow).where(old)) or 0)
    while True:
        with records.read() as session:
            rows = list(session.scalars(select(AuditRow).where(old).order_by(AuditRow.at, AuditRow.id).limit(_BATCH)))
        if not rows:
            return moved
        # by what they say, not by their numbers alone: SQLite gives a number again once its row is gone
        digest = hashlib.sha256(repr([(row.id, row.at) for row in rows]).encode()).hexdigest()[:20]
        name = f"{job_id or 'audit'}#{digest}"
        with lake.commit(name, attempt, fence=fence) as transaction:
            transaction.upsert("audit", _frame(rows))
        with records.write() as session:
            session.execute(delete(AuditRow).where(AuditRow.id.in_([row.id for row in rows])))
        moved += len(rows)


def _frame(rows: list[AuditRow]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "at": [row.at for row in rows], "id": [row.id for row in rows], "user": [row.user for row in rows],
            "action": [row.action for row in rows], "object": [row.object for row in rows],
            "detail": [json.dumps(row.detail, ensure_ascii=False, sort_keys=True) for row in rows],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC"), "id": pl.Int64},
    )  # fmt: skip
