"""Read the lake, call the core, write the lake, publish events: jobs, their queue and those who look after it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.event_stream import events
    from jobs.presence import workers
    from jobs.queue import attempts, cancel, job, jobs, retry, wait
    from jobs.status import Attempt, Job, JobEvent, JobStatus, WorkerInfo
    from jobs.submission import run, submit
    from jobs.timetable import add_schedule, enable_schedule, next_runs, remove_schedule, schedules

__all__ = [
    "Attempt",
    "Job",
    "JobEvent",
    "JobStatus",
    "WorkerInfo",
    "add_schedule",
    "attempts",
    "cancel",
    "enable_schedule",
    "events",
    "job",
    "jobs",
    "next_runs",
    "remove_schedule",
    "retry",
    "run",
    "schedules",
    "submit",
    "wait",
    "workers",
]

_HOMES = {
    "jobs.event_stream": ("events",),
    "jobs.queue": ("attempts", "cancel", "job", "jobs", "retry", "wait"),
    "jobs.timetable": ("add_schedule", "enable_schedule", "next_runs", "remove_schedule", "schedules"),
    "jobs.status": ("Attempt", "Job", "JobEvent", "JobStatus", "WorkerInfo"),
    "jobs.submission": ("run", "submit"),
    "jobs.presence": ("workers",),
}


def __getattr__(name: str) -> Any:
    # a worker, a page and a command need different parts: import the one that is asked for
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'jobs' has no attribute {name!r}")
