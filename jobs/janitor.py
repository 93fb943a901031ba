"""Look after what got lost: dead workers' jobs, ids that never reached Redis, due retries, events to archive."""

import logging

from sqlalchemy import or_, select

from jobs import transitions
from jobs.announce import announce
from jobs.archive import archive_events
from jobs.chain import settle_waiting
from jobs.connection import REDIS_DOWN, connect
from jobs.outbox import enqueue, queue_key, queued_ids
from jobs.status import JobStatus
from lake.records import Records, open_records
from lake.records.columns import clock
from lake.records.models import JobRow
from qbrain_core.settings import QUEUES, Settings

__all__ = ["announce_lost", "clean_up", "take_over"]

_log = logging.getLogger("qbrain.janitor")


def clean_up(settings: Settings) -> None:
    """Do one round of everything; several janitors at once do no harm.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        If the records cannot be reached.
    """
    records = open_records(settings)
    take_over(settings, records)
    announce(settings, settle_waiting(records))
    announce_lost(settings, records)
    archive_events(settings, records)


def take_over(settings: Settings, records: Records) -> list[str]:
    """Queue the jobs again whose worker has not renewed its lease.

    Parameters
    ----------
    settings : Settings
    records : Records

    Returns
    -------
    list of str
        Their ids.
    """
    taken = []
    for job_id, attempt, worker in transitions.expired(records):
        error = f"its worker {worker} was not heard of for {settings.lease_s:g} s"
        changes = transitions.lose(records, job_id, attempt, error, hint="look into the worker's log")
        announce(settings, changes)
        if changes:
            _log.warning("job %s, attempt %d: %s; now %s", job_id, attempt, error, changes[0].status)
            taken.append(job_id)
    return taken


def announce_lost(settings: Settings, records: Records) -> list[str]:
    """Put queued jobs into Redis that are not there: it was down, it forgot, or their pause has passed.

    Parameters
    ----------
    settings : Settings
    records : Records

    Returns
    -------
    list of str
        Their ids.
    """
    due = select(JobRow.queue, JobRow.id).where(
        JobRow.status == JobStatus.QUEUED, or_(JobRow.not_before.is_(None), JobRow.not_before <= clock())
    )
    with records.read() as session:
        queued = [(queue, job_id) for queue, job_id in session.execute(due.order_by(JobRow.created_at))]
    redis = connect(settings)
    try:
        # a job popped and not yet claimed is announced once more: the second worker finds it taken
        redis.delete(*(f"{queue_key(queue)}:intermediate" for queue in QUEUES))
        # what is no list is nothing of ours, and would stop every worker of the queue
        redis.delete("", *(key for queue in QUEUES if redis.type(key := queue_key(queue)) not in (b"list", b"none")))
        present = queued_ids(redis) if queued else {}
    except REDIS_DOWN as error:
        _log.warning("Redis cannot be reached: %s", error)
        return []
    lost = [(queue, job_id) for queue, job_id in queued if job_id not in present.get(queue, frozenset())]
    enqueue(redis, lost)
    return [job_id for _, job_id in lost]
