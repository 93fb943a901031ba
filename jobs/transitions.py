"""Every change of a job's status, as conditional updates that only the owner of the attempt can win.

Each function is one transaction and returns what changed, the job first, then those that come after it. An empty list
means that the attempt did not own the job any more: nothing was changed.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from jobs.chain import MAX_TAKEOVERS, Change, settle_after, stop_parts, take_down
from jobs.status import FINAL, JobStatus
from lake.records import Records
from lake.records.columns import clock
from lake.records.models import JobAttemptRow, JobRow

__all__ = ["claim", "end_cancelled", "expired", "fail", "lose", "owns", "release", "renew", "request_cancel", "succeed"]

CANCELLED = "cancelled by its owner"
"""Why a job was cancelled that nothing else took down."""


def claim(records: Records, job_id: str, *, queue: str | None, worker: str, lease_s: float) -> int | None:
    """Take a queued job.

    Parameters
    ----------
    records : Records
    job_id : str
    queue : str, optional
        Only if it belongs to this queue; None: whichever.
    worker : str
        Who takes it.
    lease_s : float
        How long it is ours without being renewed, in seconds.

    Returns
    -------
    int or None
        The attempt's number; None where the job is not there to be taken.
    """
    conditions: list[ColumnElement[bool]] = [
        JobRow.id == job_id, JobRow.status == JobStatus.QUEUED,
        or_(JobRow.not_before.is_(None), JobRow.not_before <= clock()),
    ]  # fmt: skip
    if queue is not None:
        conditions.append(JobRow.queue == queue)
    now = datetime.now(UTC)
    with records.write() as session:
        attempt = session.execute(
            update(JobRow).where(*conditions).values(
                status=JobStatus.RUNNING, attempt=JobRow.attempt + 1, worker=worker, lease_until=clock() + lease_s,
                not_before=None, started_at=now, finished_at=None, error=None, hint=None,
            ).returning(JobRow.attempt)
        ).scalar()  # fmt: skip
        if attempt is None:
            return None
        session.add(JobAttemptRow(job_id=job_id, attempt=attempt, worker=worker, started_at=now))
        return int(attempt)


def renew(records: Records, job_id: str, attempt: int, *, lease_s: float) -> bool | None:
    """Keep a job for another while.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int
    lease_s : float

    Returns
    -------
    bool or None
        Whether the user has asked for it to stop; None where the attempt has lost the job.
    """
    with records.write() as session:
        return session.execute(
            update(JobRow).where(*_running(job_id, attempt)).values(lease_until=clock() + lease_s)
            .returning(JobRow.cancel_requested)
        ).scalar()  # fmt: skip


def owns(records: Records, job_id: str, attempt: int) -> bool:
    """Tell whether an attempt still owns its job.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int

    Returns
    -------
    bool
    """
    with records.read() as session:
        return session.execute(select(JobRow.id).where(*_running(job_id, attempt))).scalar() is not None


def succeed(
    records: Records, job_id: str, attempt: int, result: dict[str, Any], *, peak_rss_mib: float | None
) -> list[Change]:
    """Record a result and let the jobs that waited for it go.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int
    result : dict
        JSON values.
    peak_rss_mib : float, optional

    Returns
    -------
    list of Change
    """
    with records.write() as session:
        row = _owned(session, job_id, attempt)
        if row is None:
            return []
        row.result = result
        return [_finish(session, row, JobStatus.SUCCEEDED, peak_rss_mib=peak_rss_mib), *settle_after(session, row)]


def fail(
    records: Records, job_id: str, attempt: int, error: str, *, hint: str | None = None,
    retry_delay_s: float | None = None, peak_rss_mib: float | None = None,
) -> list[Change]:  # fmt: skip
    """Record a failure; where it may pass and retries are left, queue the job again for later.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int
    error : str
        Plain cause.
    hint : str, optional
    retry_delay_s : float, optional
        Pause before the next attempt; None: trying again cannot help.
    peak_rss_mib : float, optional

    Returns
    -------
    list of Change
    """
    with records.write() as session:
        row = _owned(session, job_id, attempt)
        if row is None:
            return []
        if retry_delay_s is not None and row.retries_left > 0 and not row.cancel_requested:
            row.retries_left -= 1
            return [_again(session, row, "retried", error, delay_s=retry_delay_s, peak_rss_mib=peak_rss_mib)]
        change = _finish(session, row, JobStatus.FAILED, error=error, hint=hint, peak_rss_mib=peak_rss_mib)
        return [change, *take_down(session, row)]


def lose(records: Records, job_id: str, attempt: int, error: str, *, hint: str | None = None) -> list[Change]:
    """Take a job over whose worker or process died; fail it when that keeps happening.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int
    error : str
        What happened.
    hint : str, optional

    Returns
    -------
    list of Change
    """
    with records.write() as session:
        row = _owned(session, job_id, attempt)
        if row is None:
            return []
        if row.cancel_requested:
            change = _finish(session, row, JobStatus.CANCELLED, error=CANCELLED, outcome="lost")
        elif row.takeovers_left > 0:
            row.takeovers_left -= 1
            return [_again(session, row, "lost", error)]
        else:
            times = f"{error} ({MAX_TAKEOVERS + 1} times in a row)"
            change = _finish(session, row, JobStatus.FAILED, error=times, hint=hint, outcome="lost")
        return [change, *take_down(session, row)]


def release(records: Records, job_id: str, attempt: int, reason: str) -> list[Change]:
    """Give a job back to its queue because its worker is being stopped.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int
    reason : str

    Returns
    -------
    list of Change
    """
    with records.write() as session:
        row = _owned(session, job_id, attempt)
        if row is None:
            return []
        if row.cancel_requested:
            return [_finish(session, row, JobStatus.CANCELLED, error=CANCELLED), *take_down(session, row)]
        return [_again(session, row, "released", reason)]


def end_cancelled(records: Records, job_id: str, attempt: int, *, peak_rss_mib: float | None = None) -> list[Change]:
    """Record that a running job has stopped because its owner asked for it.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int
    peak_rss_mib : float, optional

    Returns
    -------
    list of Change
    """
    with records.write() as session:
        row = _owned(session, job_id, attempt)
        if row is None:
            return []
        change = _finish(session, row, JobStatus.CANCELLED, error=CANCELLED, peak_rss_mib=peak_rss_mib)
        return [change, *take_down(session, row)]


def request_cancel(records: Records, job_id: str) -> list[Change]:
    """Cancel a job that does not run yet; ask one that runs to stop.

    Parameters
    ----------
    records : Records
    job_id : str

    Returns
    -------
    list of Change
        Without the job itself where it runs (it was asked) or has ended.
    """
    with records.write() as session:
        row = session.get(JobRow, job_id, with_for_update=True)
        if row is None or row.status in FINAL:
            return []
        row.cancel_requested = True
        if row.status == JobStatus.RUNNING:
            return stop_parts(session, row)
        return [_finish(session, row, JobStatus.CANCELLED, error=CANCELLED), *take_down(session, row)]


def expired(records: Records) -> list[tuple[str, int, str]]:
    """List running jobs whose lease has run out.

    Parameters
    ----------
    records : Records

    Returns
    -------
    list of (str, int, str)
        Job id, attempt, worker.
    """
    with records.read() as session:
        rows = session.execute(
            select(JobRow.id, JobRow.attempt, JobRow.worker).where(
                JobRow.status == JobStatus.RUNNING, or_(JobRow.lease_until.is_(None), JobRow.lease_until < clock())
            )
        )
        return [(job_id, attempt, worker or "?") for job_id, attempt, worker in rows]


def _running(job_id: str, attempt: int) -> tuple[ColumnElement[bool], ...]:
    return JobRow.id == job_id, JobRow.attempt == attempt, JobRow.status == JobStatus.RUNNING


def _owned(session: Session, job_id: str, attempt: int) -> JobRow | None:
    return session.scalars(select(JobRow).where(*_running(job_id, attempt)).with_for_update()).one_or_none()


def _finish(
    session: Session, row: JobRow, status: JobStatus, *, error: str | None = None, hint: str | None = None,
    outcome: str | None = None, peak_rss_mib: float | None = None,
) -> Change:  # fmt: skip
    if row.status == JobStatus.RUNNING:
        _end_attempt(session, row, outcome or status, error, peak_rss_mib)
        row.peak_rss_mib = peak_rss_mib
    row.status, row.error, row.hint, row.finished_at = status, error, hint, datetime.now(UTC)
    row.lease_until = row.not_before = None
    session.flush()
    return Change(row.id, row.queue, row.attempt, status, error=error, hint=hint)


def _again(
    session: Session, row: JobRow, outcome: str, error: str, *, delay_s: float = 0.0, peak_rss_mib: float | None = None
) -> Change:
    _end_attempt(session, row, outcome, error, peak_rss_mib)
    row.status, row.error, row.lease_until, row.worker = JobStatus.QUEUED, error, None, None
    row.not_before = clock() + delay_s if delay_s else None  # an SQL expression
    session.flush()
    return Change(row.id, row.queue, row.attempt, JobStatus.QUEUED, error=error, reason=outcome, delay_s=delay_s)


def _end_attempt(session: Session, row: JobRow, outcome: str, error: str | None, peak_rss_mib: float | None) -> None:
    session.execute(
        update(JobAttemptRow).where(JobAttemptRow.job_id == row.id, JobAttemptRow.attempt == row.attempt)
        .values(finished_at=datetime.now(UTC), outcome=str(outcome), error=error, peak_rss_mib=peak_rss_mib)
    )  # fmt: skip
