"""Submit: check specs, find out which jobs they are, record them, queue them."""

import os
import socket
import time
import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import transitions
from jobs.announce import announce
from jobs.chain import MAX_TAKEOVERS, Change, requeue, settle
from jobs.code_hash import code_hash
from jobs.identity import Ancestor, Inputs, job_id, resolve_inputs
from jobs.intake import Submission, in_order, read_submission
from jobs.janitor import take_over
from jobs.lease import Lease, keep_in_background
from jobs.queue import job
from jobs.status import Job, JobStatus
from jobs.validate import check_names, check_spec
from lake import open_lake
from lake.records import open_records
from lake.records.models import JobLinkRow, JobRow
from lake.registry import Registry
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings
from qbrain_core.specs import JobSpec, dump_spec, parse_spec, spec_hash

__all__ = ["run", "submit"]

_LOOK_AGAIN_S = 0.3


def submit(
    submission: Submission, *, settings: Settings | None = None, owner: str | None = None, force: bool = False,
    values: Mapping[str, str] | None = None,
) -> Job | list[Job]:  # fmt: skip
    """Check specs and queue them as jobs; either all are right or none is queued.

    A spec that is already queued, running or finished over the same data and code is found again, not run again; one
    that failed or was cancelled is tried again.

    Parameters
    ----------
    submission : JobSpec, dict, path, YAML text, or a sequence of the first two
        `after` of one names others of the same submission, or ids of jobs.
    settings : Settings, optional
    owner : str, optional
        User they belong to; empty: what the spec says, else the settings' owner.
    force : bool
        Run again even where the same job exists.
    values : mapping of str to str, optional
        What each `${NAME}` in a file or text stands for.

    Returns
    -------
    Job or list of Job
        One for a single spec; else a list in the order given.

    Raises
    ------
    InvalidInputError
        For the first thing that is wrong, in one sentence.
    """
    settings = settings or Settings()
    specs, single = read_submission(submission, settings=settings, owner=owner, values=values)
    identified = _identify(settings, specs, nonce=uuid.uuid4().hex if force else "")
    changes: list[Change] = []
    with open_records(settings).write() as session:
        for spec, name, inputs, parents in identified:
            changes += _record(session, settings, spec, name, inputs, parents)
    announce(settings, changes)
    by_spec = {id(spec): name for spec, name, _, _ in identified}
    found = [job(by_spec[id(spec)], settings=settings) for spec in specs]
    return found[0] if single else found


def run(spec: JobSpec, *, settings: Settings | None = None, force: bool = False) -> Job:
    """Run one job in this process and return when it has ended; it is recorded like any other.

    Parameters
    ----------
    spec : JobSpec
    settings : Settings, optional
    force : bool
        Run again even where the same job has finished.

    Returns
    -------
    Job
        Ended; where a worker already runs it, it is waited for.

    Raises
    ------
    InvalidInputError
        If the spec is wrong.
    """
    from jobs.runner import perform

    settings = settings or Settings()
    ((spec, *_), _) = read_submission(spec, settings=settings)
    ((spec, name, inputs, parents),) = _identify(settings, [spec], nonce=uuid.uuid4().hex if force else "")
    records = open_records(settings)
    worker = f"here-{socket.gethostname()}-{os.getpid()}"
    with records.write() as session:
        _record(session, settings, spec, name, inputs, parents)  # not announced: it is taken here and now
    while not (found := job(name, settings=settings)).is_final:
        attempt = transitions.claim(records, name, queue=None, worker=worker, lease_s=settings.lease_s)
        if attempt is None:
            # somebody runs it, or had begun to: there may be no janitor where nothing else is started
            take_over(settings, records)
            time.sleep(_LOOK_AGAIN_S)  # until it has ended, or its lease has
            continue
        lease = Lease(records, name, attempt, lease_s=settings.lease_s, renew_s=settings.lease_renew_s)
        try:
            with keep_in_background(lease, renew_s=settings.lease_renew_s):
                perform(settings, name, attempt)
        except KeyboardInterrupt:
            announce(settings, transitions.end_cancelled(records, name, attempt))
            raise
    return found


def _identify(
    settings: Settings, specs: Sequence[JobSpec], *, nonce: str
) -> list[tuple[JobSpec, str, Inputs, list[str]]]:
    lake, registry = open_lake(settings), Registry(settings)
    for spec in specs:
        check_names(spec, settings)
    before: dict[int, list[Ancestor]] = {}
    names: dict[int, str] = {}
    identified = []
    for spec, parents, ids in in_order(specs):
        ancestors = {a.id: a for job_id in ids for a in _recorded_ancestors(settings, job_id)}
        for parent in parents:
            ancestors |= {a.id: a for a in before[id(parent)]}
            ancestors[names[id(parent)]] = Ancestor(names[id(parent)], parent)
        before[id(spec)] = list(ancestors.values())
        check_spec(spec, before[id(spec)], lake=lake)
        inputs = resolve_inputs(spec, before[id(spec)], lake=lake, registry=registry)
        names[id(spec)] = job_id(spec, inputs, nonce=nonce)
        identified.append((spec, names[id(spec)], inputs, [names[id(p)] for p in parents] + ids))
    return identified


def _recorded_ancestors(settings: Settings, name: str) -> list[Ancestor]:
    found: dict[str, Ancestor] = {}
    with open_records(settings).read() as session:
        pending = [name]
        while pending:
            rows = list(session.scalars(select(JobRow).where(JobRow.id.in_(pending))))
            if not found and not rows:
                rule = "no job of this file has that name and no job that id"
                raise InvalidInputError("after", name, rule)
            found |= {row.id: Ancestor(row.id, parse_spec(row.spec)) for row in rows}
            pending = [link.after_id for row in rows for link in row.links if link.after_id not in found]
    return list(found.values())


def _record(
    session: Session, settings: Settings, spec: JobSpec, name: str, inputs: Inputs, parents: list[str]
) -> list[Change]:
    row = session.get(JobRow, name, with_for_update=True)
    if row is not None:
        if row.status in (JobStatus.FAILED, JobStatus.CANCELLED):
            return requeue(session, row, retry_attempts=settings.retry_attempts)
        return []
    gone = session.scalars(select(JobRow).where(JobRow.id.in_(parents), JobRow.status.in_(("failed", "cancelled"))))
    for parent in gone:
        rule = f"that job {parent.status}; retry it first" if parent.status == "failed" else "that job was cancelled"
        raise InvalidInputError("after", parent.id, rule)
    row = JobRow(
        id=name, kind=dump_spec(spec)["kind"], name=spec.name, queue=spec.queue, status=JobStatus.WAITING,
        owner=spec.owner, visibility=spec.visibility, spec=dump_spec(spec), spec_hash=spec_hash(spec),
        code_hash=code_hash(), versions=inputs.versions, parent=spec.parent, retries_left=settings.retry_attempts,
        takeovers_left=MAX_TAKEOVERS,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add_all(JobLinkRow(job_id=name, after_id=p, position=i) for i, p in enumerate(dict.fromkeys(parents)))
    session.flush()
    return settle(session, [row]) or [Change(name, spec.queue, 0, JobStatus.WAITING)]
