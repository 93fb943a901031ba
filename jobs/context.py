"""What a running task is given: settings, the lake, a reporter, and who it is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from lake import Lake
from lake.commit import Transaction
from qbrain_core.reporting import Reporter
from qbrain_core.settings import Settings
from qbrain_core.specs import JobSpec

__all__ = ["Fence", "Task", "TaskContext"]


class Fence(Protocol):
    """Raises `JobLostError` unless this attempt still owns its job."""

    def __call__(self) -> None:
        """Check now."""


@dataclass(frozen=True)
class TaskContext:
    """One attempt at one job.

    Attributes
    ----------
    versions : mapping of str to int
        Table versions resolved at submit time; reads pass it as `as_of`. A table it does not name is read at its
        newest version (because a job in `after` writes it).
    upstream : mapping of str to dict
        Results of the jobs this one comes after, by job id, ancestors of ancestors included.
    """

    settings: Settings
    lake: Lake
    reporter: Reporter
    job_id: str
    attempt: int
    versions: Mapping[str, int]
    upstream: Mapping[str, dict[str, Any]]
    code_hash: str
    fence: Fence

    @contextmanager
    def commit(self) -> Iterator[Transaction]:
        """Collect writes and apply them when the block ends well; idempotent and fenced by attempt.

        Yields
        ------
        Transaction

        Raises
        ------
        JobLostError
            If a newer attempt owns the job.
        CommitConflictError
            If other writers kept winning.
        """
        with self.lake.commit(self.job_id, self.attempt, fence=self.fence) as transaction:
            yield transaction


class Task(Protocol):
    """Does the work of one kind of job; registered in `jobs.tasks.TASKS`."""

    def __call__(self, spec: JobSpec, context: TaskContext) -> dict[str, Any]:
        """Do it.

        Parameters
        ----------
        spec : JobSpec
        context : TaskContext

        Returns
        -------
        dict
            JSON values: what came out, kept in the job's record.
        """
