"""What a job looks like from outside: its status, its record, its events."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

__all__ = ["FINAL", "Attempt", "EventType", "Job", "JobEvent", "JobStatus", "WorkerInfo"]

EventType = Literal["state", "stage", "metric", "log"]


class JobStatus(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    """For a job it comes after."""
    QUEUED = "queued"
    """For a worker, or for the pause before a retry to pass."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})
"""Statuses nothing leads out of but an explicit retry."""


@dataclass(frozen=True)
class Job:
    """A job as its record has it.

    Attributes
    ----------
    versions : dict of str to int
        Table versions it reads.
    result : dict, optional
        What the task returned, once it succeeded.
    error, hint : str, optional
        Plain cause of a failure or cancellation, and what may help.
    attempt : int
        Number of the newest attempt; 0 before the first.
    progress : float, optional
        Share of the present stage that is done, in [0, 1]; only while it runs.
    after : list of str
        Ids of the jobs it comes after.
    """

    id: str
    kind: str
    name: str
    queue: str
    status: JobStatus
    owner: str
    visibility: str
    spec: dict[str, Any]
    versions: dict[str, int]
    code_hash: str
    result: dict[str, Any] | None
    error: str | None
    hint: str | None
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    peak_rss_mib: float | None
    cancel_requested: bool
    parent: str | None = None
    after: list[str] = field(default_factory=list)
    progress: float | None = None
    stage: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has succeeded, failed or been cancelled."""
        return self.status in FINAL

    def as_dict(self) -> dict[str, Any]:
        """Give the fields; instants stay datetimes."""
        return {**asdict(self), "status": str(self.status)}


@dataclass(frozen=True)
class Attempt:
    """One attempt at a job.

    `outcome` is succeeded, failed, cancelled, retried, lost or released, and None while it runs.
    """

    job_id: str
    attempt: int
    worker: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    error: str | None
    peak_rss_mib: float | None


@dataclass(frozen=True)
class JobEvent:
    """Something a job told.

    Attributes
    ----------
    seq : int
        Rises within a job; what `after` takes.
    payload : dict
        state: status, and where they apply error, hint, reason; stage: name, fraction, detail; metric: step, total,
        values; log: level, message.
    """

    seq: int
    job_id: str
    attempt: int
    ts: datetime
    type: EventType
    payload: dict[str, Any]


@dataclass(frozen=True)
class WorkerInfo:
    """A worker that was heard of lately."""

    name: str
    queue: str
    host: str
    pid: int
    state: str
    job_id: str | None
    started_at: datetime | None
    seen_at: datetime | None
    rss_mib: float | None
