"""Split a running job: parts that any worker of the queue takes, and the job itself while nobody else does."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from jobs import transitions
from jobs.announce import announce
from jobs.chain import MAX_TAKEOVERS, Change, requeue
from jobs.code_hash import code_hash
from jobs.context import TaskContext
from jobs.identity import Inputs, job_id
from jobs.lease import Lease, keep_in_background
from jobs.status import JobStatus
from lake.records import Records, open_records
from lake.records.models import JobRow
from qbrain_core.errors import InvalidInputError
from qbrain_core.specs import JobSpec, dump_spec, spec_hash

__all__ = ["submit_part", "work_off"]

_LOOK_AGAIN_S = 0.2


def submit_part(spec: JobSpec, context: TaskContext, *, versions: Mapping[str, int], nonce: str = "") -> str:
    """Queue a part of a running job.

    Parameters
    ----------
    spec : JobSpec
        Its `parent` is the job's id, its kind one of `jobs.chain.PART_KINDS`.
    context : TaskContext
        Of the job.
    versions : mapping of str to int
        Of the tables that it reads.
    nonce : str
        Makes another part of the same spec.

    Returns
    -------
    str
        The part's id: the same in a later attempt at the job, so that what is done stays done.
    """
    settings = context.settings
    name = job_id(spec, Inputs(versions=dict(versions)), nonce=f"{spec.parent}/{nonce}")
    with open_records(settings).write() as session:
        row = session.get(JobRow, name, with_for_update=True)
        if row is not None:
            gone = row.status in (JobStatus.FAILED, JobStatus.CANCELLED)
            changes = requeue(session, row, retry_attempts=settings.retry_attempts) if gone else []
        else:
            document = dump_spec(spec)
            session.add(
                JobRow(
                    id=name, kind=document["kind"], name=spec.name, queue=spec.queue, status=JobStatus.QUEUED,
                    owner=spec.owner, visibility=spec.visibility, spec=document, spec_hash=spec_hash(spec),
                    code_hash=code_hash(), versions=dict(versions), parent=spec.parent,
                    retries_left=settings.retry_attempts, takeovers_left=MAX_TAKEOVERS,
                )
            )  # fmt: skip
            changes = [Change(name, spec.queue, 0, JobStatus.QUEUED)]
    announce(settings, changes)
    return name


def work_off(names: Sequence[str], context: TaskContext) -> dict[str, dict[str, Any]]:
    """Wait for the parts of a job, and run those here that no other worker has taken.

    Parameters
    ----------
    names : sequence of str
        Ids of parts.
    context : TaskContext
        Of the job.

    Returns
    -------
    dict of str to dict
        Results by id.

    Raises
    ------
    InvalidInputError
        If a part has failed or was cancelled.
    JobCancelledError
        If the user asked for the job to stop: its parts stop as well.
    """
    records = open_records(context.settings)
    while True:
        context.reporter.check()
        rows = _rows(records, names)
        for name in names:
            if rows[name].status in (JobStatus.FAILED, JobStatus.CANCELLED):
                rule = f"this part of the job {rows[name].status}: {rows[name].error}"
                raise InvalidInputError("part", name, rule)  # it has had its own retries
        done = [name for name in names if rows[name].status == JobStatus.SUCCEEDED]
        if len(done) == len(names):
            return {name: rows[name].result or {} for name in names}
        context.reporter.stage("compute", fraction=len(done) / len(names))
        queued = [name for name in names if rows[name].status == JobStatus.QUEUED]
        if not any(_run_here(name, context, records) for name in reversed(queued)):
            time.sleep(_LOOK_AGAIN_S)  # other workers have the rest; the records cannot be waited on


def _rows(records: Records, names: Sequence[str]) -> Mapping[str, JobRow]:
    with records.read() as session:
        return {row.id: row for row in session.query(JobRow).filter(JobRow.id.in_(names))}


def _run_here(name: str, context: TaskContext, records: Records) -> bool:
    from jobs.runner import perform  # it imports the tasks' context

    settings = context.settings
    worker = f"within-{context.job_id}-{context.attempt}"
    attempt = transitions.claim(records, name, queue=None, worker=worker, lease_s=settings.lease_s)
    if attempt is None:
        return False
    lease = Lease(records, name, attempt, lease_s=settings.lease_s, renew_s=settings.lease_renew_s)
    with keep_in_background(lease, renew_s=settings.lease_renew_s):
        perform(settings, name, attempt)
    return True
