"""What a task reports through: events out, the wish to cancel in."""

import math
import os
import time
from collections.abc import Mapping
from typing import Any

from redis import Redis

from jobs import transitions
from jobs.connection import REDIS_DOWN
from jobs.event_stream import EventPublisher, live_key
from lake.records import Records
from lake.records.models import JobRow
from qbrain_core.errors import JobCancelledError, JobLostError

__all__ = ["JobReporter", "cancel_key"]

_CHECK_S = 0.2
"""How often the flag in Redis is looked at, at most, in seconds."""

_ASK_RECORDS_S = 2.0
"""How often the record is: it is the truth, and Redis may have lost the flag."""

_LIVE_TTL_S = 3600


def cancel_key(job_id: str) -> str:
    """Name the flag that asks a job to stop."""
    return f"qbrain:cancel:{job_id}"


class JobReporter:
    """Reporter of one attempt (`qbrain_core.reporting.Reporter`).

    Parameters
    ----------
    redis : Redis
    records : Records
    job_id : str
    attempt : int
    parent : int, optional
        Process that renews the lease, where it is another one.
    """

    def __init__(self, redis: Redis, records: Records, job_id: str, attempt: int, *, parent: int | None = None) -> None:
        self._redis = redis
        self._records = records
        self._job_id = job_id
        self._attempt = attempt
        self._publisher = EventPublisher(redis, job_id, attempt)
        self._parent = parent
        self._warned: set[str] = set()
        self._checked = 0.0
        self._asked = time.monotonic()

    def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
        """Say which stage runs and how much of it is done."""
        self._publisher.publish("stage", {"name": name, "fraction": fraction, "detail": detail})
        live = {"stage": name, "progress": "" if fraction is None else f"{min(max(fraction, 0.0), 1.0):.4f}"}
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.hset(live_key(self._job_id), mapping=dict[Any, Any](live))
                pipeline.expire(live_key(self._job_id), _LIVE_TTL_S)
                pipeline.execute()
        except REDIS_DOWN:
            return  # a progress bar stands still; nothing else depends on it

    def metric(self, step: int, values: Mapping[str, float], *, total: int | None = None) -> None:
        """Publish the metrics of one iteration; one that is not finite is left out, with a warning the first time."""
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        for name in sorted(set(values) - set(finite) - self._warned):
            self._warned.add(name)
            self.log(f"{name} is not a finite number at step {step}", level="warning")
        self._publisher.publish("metric", {"step": step, "total": total, "values": finite})

    def log(self, message: str, *, level: str = "info") -> None:
        """Publish one line."""
        self._publisher.publish("log", {"level": level, "message": message[:4000]})

    def check(self) -> None:
        """Return, or raise where the job should stop or is no longer ours.

        Raises
        ------
        JobCancelledError
            If the user has asked for it.
        JobLostError
            If another attempt owns the job, or the worker that watched over this one is gone.
        """
        now = time.monotonic()
        if now - self._checked < _CHECK_S:
            return
        self._checked = now
        if self._parent is not None and os.getppid() != self._parent:
            raise JobLostError(f"the worker of job {self._job_id} is gone")
        if now - self._asked > _ASK_RECORDS_S or self._flagged():
            self._asked = now
            self._ask_records()

    def _flagged(self) -> bool:
        try:
            return bool(self._redis.exists(cancel_key(self._job_id)))
        except REDIS_DOWN:
            return False

    def _ask_records(self) -> None:
        if not transitions.owns(self._records, self._job_id, self._attempt):
            raise JobLostError(f"attempt {self._attempt} no longer owns job {self._job_id}")
        with self._records.read() as session:
            row = session.get(JobRow, self._job_id)
            if row is not None and row.cancel_requested:
                raise JobCancelledError(transitions.CANCELLED)
