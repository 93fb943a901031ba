"""Run one attempt at one job, in the process made for it: the spec from the records, the result back into them."""

import importlib
import logging
import math
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from numbers import Integral, Real
from typing import Any

from sqlalchemy.exc import DBAPIError

from jobs import transitions
from jobs.announce import announce
from jobs.chain import Change
from jobs.code_hash import code_hash
from jobs.connection import REDIS_DOWN, connect
from jobs.context import Task, TaskContext
from jobs.event_stream import EventPublisher, state_payload
from jobs.reporter import JobReporter
from jobs.status import JobStatus
from jobs.tasks import TASKS
from lake.records import Records, open_records
from lake.records.models import JobLinkRow, JobRow
from qbrain_core.errors import (
    CommitConflictError,
    InsufficientDataError,
    InvalidInputError,
    JobCancelledError,
    JobLostError,
    TransientError,
    UnknownNameError,
)
from qbrain_core.settings import Settings
from qbrain_core.specs import parse_spec

__all__ = ["perform", "plain"]

_log = logging.getLogger("qbrain.jobs")

_MAY_PASS = (TransientError, CommitConflictError, ConnectionError, TimeoutError, OSError, *REDIS_DOWN)


def perform(settings: Settings, job_id: str, attempt: int, *, parent: int | None = None) -> JobStatus | None:
    """Run an attempt that was claimed, and record how it ended.

    Parameters
    ----------
    settings : Settings
    job_id : str
    attempt : int
    parent : int, optional
        Process that renews the lease, where it is another one: without it the job stops.

    Returns
    -------
    JobStatus or None
        The job's new status; None where another attempt had taken the job over and nothing was recorded.
    """
    records = open_records(settings)
    redis = connect(settings)
    started = state_payload(JobStatus.RUNNING, attempt=attempt)
    EventPublisher(redis, job_id, attempt).publish("state", started)
    reporter = JobReporter(redis, records, job_id, attempt, parent=parent)
    try:
        result = plain(_run_task(settings, records, reporter, job_id, attempt))
        changes = transitions.succeed(records, job_id, attempt, result, peak_rss_mib=_peak_rss_mib())
    except JobCancelledError:
        changes = transitions.end_cancelled(records, job_id, attempt, peak_rss_mib=_peak_rss_mib())
    except JobLostError as error:
        _log.warning("%s; nothing more is written", error)
        return None
    except Exception as error:
        changes = _record_failure(settings, records, reporter, job_id, attempt, error)
    if not changes:
        _log.warning("attempt %d at job %s ended after another had taken the job over", attempt, job_id)
        return None
    announce(settings, changes)
    return changes[0].status


def _run_task(settings: Settings, records: Records, reporter: JobReporter, job_id: str, attempt: int) -> dict[str, Any]:
    from lake import open_lake

    with records.read() as session:
        row = session.get_one(JobRow, job_id)
    spec = parse_spec(row.spec)
    kind = str(row.spec.get("kind"))
    if (kind, spec.owner, spec.queue) != (row.kind, row.owner, row.queue):
        raise InvalidInputError("job", job_id, "its record and its spec disagree about kind, owner or queue")
    if kind not in TASKS:
        raise UnknownNameError("kind", kind, TASKS)
    if row.code_hash != code_hash():
        reporter.log(f"submitted with code {row.code_hash}, run with {code_hash()}", level="warning")

    def fence() -> None:
        if not transitions.owns(records, job_id, attempt):
            raise JobLostError(f"attempt {attempt} no longer owns job {job_id}")

    context = TaskContext(
        settings=settings, lake=open_lake(settings), reporter=reporter, job_id=job_id, attempt=attempt,
        versions=row.versions, upstream=_results_before(records, job_id), code_hash=code_hash(), fence=fence,
    )  # fmt: skip
    task: Task = importlib.import_module(TASKS[kind]).run
    return task(spec, context)


def _record_failure(
    settings: Settings, records: Records, reporter: JobReporter, job_id: str, attempt: int, error: Exception
) -> list[Change]:
    sentence, hint, may_pass = _explain(error, f"{job_id}-{attempt}")
    if hint is not None or may_pass:
        _log.error("job %s-%d failed: %s", job_id, attempt, sentence, exc_info=error)
    reporter.log(sentence, level="error")
    delay = settings.retry_delay_s if may_pass else None
    return transitions.fail(
        records, job_id, attempt, sentence, hint=hint, retry_delay_s=delay, peak_rss_mib=_peak_rss_mib()
    )


def _explain(error: Exception, log_id: str) -> tuple[str, str | None, bool]:
    # (one sentence, hint, whether trying again may help)
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, InvalidInputError | InsufficientDataError):
        return text, None, False
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return text, "check the path and who may read it", False
    if isinstance(error, MemoryError):
        return "the job ran out of memory", "fewer instruments, a shorter range, or a bigger machine", False
    if isinstance(error, DBAPIError):
        return "the records' database did not answer", f"log id {log_id}", True
    if isinstance(error, _MAY_PASS):
        return text, None, True
    return f"unexpected {type(error).__name__}: {text[:500]}", f"the log has more under {log_id}", False


def _results_before(records: Records, job_id: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    with records.read() as session:
        pending = [job_id]
        while pending:
            links = session.query(JobLinkRow).filter(JobLinkRow.job_id.in_(pending)).all()
            pending = [link.after_id for link in links if link.after_id not in found]
            for row in session.query(JobRow).filter(JobRow.id.in_(pending)):
                found[row.id] = row.result or {}
    return found


def plain(value: Any) -> Any:
    """Turn what a task returned into JSON values.

    Parameters
    ----------
    value : object

    Returns
    -------
    object
        dict, list, str, int, float, bool or None; a number that is not finite becomes None.

    Raises
    ------
    TypeError
        For a value that JSON has no form for.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    unboxed: Callable[[], Any] | None = getattr(value, "item", None)  # NumPy's scalars
    if unboxed is not None:
        return plain(unboxed())
    raise TypeError(f"a result holds a {type(value).__name__}, which JSON has no form for")


def _peak_rss_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 if sys.platform == "darwin" else 1024) / (1024 if sys.platform == "darwin" else 1), 1)
