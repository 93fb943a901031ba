"""What the end of one job means for those that come after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.status import FINAL, JobStatus
from lake.records import Records
from lake.records.models import JobLinkRow, JobRow
from qbrain_core.errors import InvalidInputError

__all__ = [
    "MAX_TAKEOVERS", "PART_KINDS", "Change", "requeue", "settle", "settle_after", "settle_waiting", "stop_parts",
    "take_down",
]  # fmt: skip

MAX_TAKEOVERS = 2
"""How often a job is taken over after its worker died; the next death fails it."""

PART_KINDS = ("factor_block",)
"""Kinds of job that are a part of the job in their `parent`, and of no use without it."""

_GONE = (JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class Change:
    """A job got a new status; `delay_s` is how long it may not start yet."""

    job_id: str
    queue: str
    attempt: int
    status: JobStatus
    error: str | None = None
    hint: str | None = None
    reason: str | None = None
    delay_s: float = 0.0


def settle(session: Session, waiting: Sequence[JobRow]) -> list[Change]:
    """Queue the waiting jobs whose parents have all succeeded; cancel those with a parent that will not.

    Parameters
    ----------
    session : Session
        A writing one.
    waiting : sequence of JobRow

    Returns
    -------
    list of Change
    """
    changes: list[Change] = []
    for row in waiting:
        parents = _parents(session, row.id)
        gone = next((p for p in parents if p.status in _GONE), None)
        if gone is not None:
            changes += take_down(session, gone)
        elif all(p.status == JobStatus.SUCCEEDED for p in parents):
            row.status = JobStatus.QUEUED
            session.flush()
            changes.append(Change(row.id, row.queue, row.attempt, JobStatus.QUEUED))
    return changes


def settle_after(session: Session, row: JobRow) -> list[Change]:
    """Settle the jobs that waited for one.

    Parameters
    ----------
    session : Session
        A writing one.
    row : JobRow
        A job that has succeeded.

    Returns
    -------
    list of Change
    """
    return settle(session, _after(session, row.id, JobStatus.WAITING))


def settle_waiting(records: Records) -> list[Change]:
    """Settle waiting jobs whom nobody told: two parents that end at one moment may each take the other for running.

    Parameters
    ----------
    records : Records

    Returns
    -------
    list of Change
    """
    waiting = select(JobRow).where(JobRow.status == JobStatus.WAITING)
    with records.read() as session:
        if session.scalars(waiting.limit(1)).first() is None:
            return []
    with records.write() as session:
        return settle(session, list(session.scalars(waiting.with_for_update())))


def take_down(session: Session, row: JobRow) -> list[Change]:
    """Cancel what waits for a job that has failed or was cancelled, what waits for that, and its parts.

    Parameters
    ----------
    session : Session
        A writing one.
    row : JobRow

    Returns
    -------
    list of Change
    """
    changes = stop_parts(session, row)
    for child in _after(session, row.id, JobStatus.WAITING):
        reason = f"not run: the job before it, {row.name or row.kind} ({row.id}), {_how_it_ended(row)}"
        child.status, child.error, child.finished_at = JobStatus.CANCELLED, reason, datetime.now(UTC)
        child.cancelled_by = row.id
        session.flush()
        changes.append(Change(child.id, child.queue, child.attempt, JobStatus.CANCELLED, error=reason))
        changes += take_down(session, child)
    return changes


def stop_parts(session: Session, row: JobRow) -> list[Change]:
    """Cancel the parts of a job that do not run yet, and ask those that run to stop.

    Parameters
    ----------
    session : Session
        A writing one.
    row : JobRow

    Returns
    -------
    list of Change
        Of those that were cancelled at once.
    """
    changes: list[Change] = []
    parts = select(JobRow).where(JobRow.parent == row.id, JobRow.kind.in_(PART_KINDS), JobRow.status.not_in(FINAL))
    for part in session.scalars(parts.with_for_update()):
        part.cancel_requested = True
        if part.status != JobStatus.RUNNING:
            reason = f"not run: the job it is a part of, {row.name or row.kind} ({row.id}), has stopped"
            part.status, part.error, part.finished_at = JobStatus.CANCELLED, reason, datetime.now(UTC)
            part.cancelled_by = row.id
            changes.append(Change(part.id, part.queue, part.attempt, JobStatus.CANCELLED, error=reason))
    session.flush()
    return changes


def requeue(session: Session, row: JobRow, *, retry_attempts: int) -> list[Change]:
    """Let a failed or cancelled job be tried again, with those its end had taken down.

    Parameters
    ----------
    session : Session
        A writing one.
    row : JobRow
    retry_attempts : int

    Returns
    -------
    list of Change

    Raises
    ------
    InvalidInputError
        If a job it comes after has failed or was cancelled.
    """
    for parent in _parents(session, row.id):
        if parent.status in _GONE:
            before = f"the job before it, {parent.name or parent.kind} ({parent.id}), {_how_it_ended(parent)}"
            rule = f"{before}; retry that one"
            raise InvalidInputError("job", row.id, rule)
    row.status = JobStatus.WAITING
    row.retries_left, row.takeovers_left = retry_attempts, MAX_TAKEOVERS
    row.cancel_requested, row.cancelled_by, row.archived = False, None, False
    row.error = row.hint = row.result = row.finished_at = row.started_at = row.not_before = row.worker = None
    session.flush()
    changes = settle(session, [row]) or [Change(row.id, row.queue, row.attempt, JobStatus.WAITING)]
    for child in _after(session, row.id, JobStatus.CANCELLED):
        if child.cancelled_by == row.id and all(p.status not in _GONE for p in _parents(session, child.id)):
            changes += requeue(session, child, retry_attempts=retry_attempts)
    return changes


def _after(session: Session, job_id: str, status: JobStatus) -> list[JobRow]:
    query = select(JobRow).join(JobLinkRow, JobLinkRow.job_id == JobRow.id)
    return list(session.scalars(query.where(JobLinkRow.after_id == job_id, JobRow.status == status)))


def _parents(session: Session, job_id: str) -> list[JobRow]:
    query = select(JobRow).join(JobLinkRow, JobLinkRow.after_id == JobRow.id)
    return list(session.scalars(query.where(JobLinkRow.job_id == job_id)))


def _how_it_ended(row: JobRow) -> str:
    return f"failed: {row.error}" if row.status == JobStatus.FAILED else "was cancelled"
