"""Look jobs up, wait for them, stop them, try them again: what scripts, commands and pages call."""

import contextlib
import time
from collections.abc import Sequence

from redis import Redis
from sqlalchemy import select

from jobs import transitions
from jobs.announce import announce
from jobs.chain import Change, requeue
from jobs.connection import REDIS_DOWN, connect
from jobs.event_stream import live_key
from jobs.reporter import cancel_key
from jobs.status import Attempt, Job, JobStatus
from lake.records import open_records
from lake.records.models import JobAttemptRow, JobRow
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings

__all__ = ["attempts", "cancel", "job", "jobs", "retry", "wait"]

_CANCEL_TTL_S = 86_400


def wait(job_id: str, *, timeout_s: float | None = None, settings: Settings | None = None) -> Job:
    """Wait until a job has ended.

    Parameters
    ----------
    job_id : str
    timeout_s : float, optional
        Empty: for as long as it takes.
    settings : Settings, optional

    Returns
    -------
    Job

    Raises
    ------
    UnknownNameError
        If there is no such job.
    TimeoutError
        If it has not ended in time.
    """
    settings = settings or Settings()
    started, pause = time.monotonic(), 0.02
    while True:
        found = job(job_id, settings=settings)
        if found.is_final:
            return found
        if timeout_s is not None and time.monotonic() - started > timeout_s:
            raise TimeoutError(f"job {job_id} is still {found.status} after {timeout_s:g} s")
        time.sleep(pause)  # the row in SQL is the truth, and SQL cannot be waited on
        pause = min(pause * 1.5, 0.5)


def cancel(job_id: str, *, settings: Settings | None = None) -> Job:
    """Ask a job to stop; one that has not started, and those that come after it, are cancelled at once.

    Parameters
    ----------
    job_id : str
    settings : Settings, optional

    Returns
    -------
    Job
        As it is now: still running where it has to notice first. One that has ended is left as it is.

    Raises
    ------
    UnknownNameError
        If there is no such job.
    """
    settings = settings or Settings()
    found = job(job_id, settings=settings)
    changes = transitions.request_cancel(open_records(settings), job_id)
    if not any(change.job_id == job_id for change in changes) and not found.is_final:
        # while Redis is down the record says it too; the job sees it there, a little later
        with contextlib.suppress(*REDIS_DOWN):
            connect(settings).set(cancel_key(job_id), 1, ex=_CANCEL_TTL_S)
    announce(settings, changes)
    return job(job_id, settings=settings)


def retry(job_id: str, *, settings: Settings | None = None) -> Job:
    """Try a failed or cancelled job again, with those that its end had taken down.

    Parameters
    ----------
    job_id : str
    settings : Settings, optional

    Returns
    -------
    Job

    Raises
    ------
    UnknownNameError
        If there is no such job.
    InvalidInputError
        If it has not failed or been cancelled, or a job before it has.
    """
    settings = settings or Settings()
    with open_records(settings).write() as session:
        row = session.get(JobRow, job_id, with_for_update=True)
        if row is None:
            raise UnknownNameError("job", job_id, [])
        if row.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
            raise InvalidInputError("job", job_id, f"it is {row.status}; only a failed or cancelled one is tried again")
        changes = requeue(session, row, retry_attempts=settings.retry_attempts)
    _forget_flags(connect(settings), changes)
    announce(settings, changes)
    return job(job_id, settings=settings)


def job(job_id: str, *, settings: Settings | None = None) -> Job:
    """Look a job up.

    Parameters
    ----------
    job_id : str
    settings : Settings, optional

    Returns
    -------
    Job

    Raises
    ------
    UnknownNameError
        If there is no such job.
    """
    settings = settings or Settings()
    with open_records(settings).read() as session:
        row = session.get(JobRow, job_id)
    if row is None:
        raise UnknownNameError("job", job_id, [])
    return _jobs(settings, [row])[0]


def jobs(
    *, status: str | None = None, kind: str | None = None, owner: str | None = None, limit: int = 100,
    settings: Settings | None = None,
) -> list[Job]:  # fmt: skip
    """List jobs, newest first.

    Parameters
    ----------
    status, kind, owner : str, optional
        Only those.
    limit : int
        At most this many.
    settings : Settings, optional

    Returns
    -------
    list of Job

    Raises
    ------
    UnknownNameError
        If there is no such status.
    """
    settings = settings or Settings()
    if status is not None and status not in set(JobStatus):
        raise UnknownNameError("status", status, [str(s) for s in JobStatus])
    query = select(JobRow).order_by(JobRow.created_at.desc(), JobRow.id).limit(limit)
    for column, value in ((JobRow.status, status), (JobRow.kind, kind), (JobRow.owner, owner)):
        if value is not None:
            query = query.where(column == value)
    with open_records(settings).read() as session:
        return _jobs(settings, list(session.scalars(query)))


def attempts(job_id: str, *, settings: Settings | None = None) -> list[Attempt]:
    """List the attempts at a job.

    Parameters
    ----------
    job_id : str
    settings : Settings, optional

    Returns
    -------
    list of Attempt
        The first one first.
    """
    with open_records(settings or Settings()).read() as session:
        query = select(JobAttemptRow).where(JobAttemptRow.job_id == job_id).order_by(JobAttemptRow.attempt)
        return [
            Attempt(r.job_id, r.attempt, r.worker, r.started_at, r.finished_at, r.outcome, r.error, r.peak_rss_mib)
            for r in session.scalars(query)
        ]


def _forget_flags(redis: Redis, changes: Sequence[Change]) -> None:
    # one that is left stops nothing: the record does not confirm it
    with contextlib.suppress(*REDIS_DOWN):
        redis.delete(*(cancel_key(change.job_id) for change in changes))


def _jobs(settings: Settings, rows: Sequence[JobRow]) -> list[Job]:
    live = _live(settings, [row.id for row in rows if row.status == JobStatus.RUNNING])
    return [
        Job(
            id=row.id, kind=row.kind, name=row.name, queue=row.queue, status=JobStatus(row.status), owner=row.owner,
            visibility=row.visibility, spec=row.spec, versions=row.versions, code_hash=row.code_hash,
            result=row.result, error=row.error, hint=row.hint, attempt=row.attempt, created_at=row.created_at,
            started_at=row.started_at, finished_at=row.finished_at, worker=row.worker, peak_rss_mib=row.peak_rss_mib,
            cancel_requested=row.cancel_requested, parent=row.parent, after=[link.after_id for link in row.links],
            stage=live.get(row.id, (None, None))[0], progress=live.get(row.id, (None, None))[1],
        )
        for row in rows
    ]  # fmt: skip


def _live(settings: Settings, running: Sequence[str]) -> dict[str, tuple[str | None, float | None]]:
    if not running:
        return {}
    try:
        with connect(settings).pipeline(transaction=False) as pipeline:
            for name in running:
                pipeline.hgetall(live_key(name))
            answers = pipeline.execute(raise_on_error=False)
    except REDIS_DOWN:
        return {}
    found: dict[str, tuple[str | None, float | None]] = {}
    for name, raw in zip(running, answers, strict=True):
        if not isinstance(raw, dict):
            continue
        stage = raw.get(b"stage", b"").decode("utf-8", "replace")[:80] or None
        try:
            progress = min(max(float(raw.get(b"progress", b"")), 0.0), 1.0)
        except ValueError:
            progress = None
        found[name] = (stage, progress)
    return found
