"""Compute a factor set over a market's stocks, from the lake into the lake."""

from typing import Any

from jobs.context import TaskContext
from jobs.tasks.factors.attempt import FactorAttempt
from jobs.tasks.factors.leakage import probe_set
from jobs.tasks.factors.work import factor_frame
from qbrain_core.specs import FactorsSpec, JobSpec

__all__ = ["factor_frame", "run"]


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Make the stored rows of a market those that its bars give; only what differs is computed where that can be told.

    Memory is bounded: blocks are written to files as they are made, and one commit takes all files in. An attempt that
    is killed leaves files that no version names.

    Parameters
    ----------
    spec : FactorsSpec
    context : TaskContext

    Returns
    -------
    dict
        `table`, `version`, `rows` (all that were asked for), `rows_computed`, `rows_written` (those that are new or
        changed), `rows_deleted`, `columns`, `instruments`, `start` and `end` (ISO dates), `mode` (`full`, `update`, or
        `none` where nothing had changed), `missing` (fields that the lake has nothing of), and `leakage` (`pass`,
        `warn` or `fail`; None where the market has too few sessions to probe).

    Raises
    ------
    UnknownNameError
        If there is no such factor set, or the lake has no field that it reads.
    InsufficientDataError
        If the market has no stock with bars between `start` and `end`.
    CommitConflictError
        If others wrote to the table while its rows were being made.
    JobCancelledError
        If the user asked for it.
    """
    assert isinstance(spec, FactorsSpec)
    attempt = FactorAttempt(spec, context)
    result = attempt.result()
    return result | {"leakage": probe_set(attempt.work, context, anew=result["mode"] == "full")}
