"""Compute one block of a factor set for the job it is a part of, into files that no table names yet."""

from typing import Any

from jobs.context import TaskContext
from jobs.factor_sets import factor_set_of
from jobs.tasks.factors.blocks import Block, make_block
from jobs.tasks.factors.work import FactorWork
from lake.staging import discard_staged
from qbrain_core.specs import FactorBlockSpec, JobSpec

__all__ = ["run"]


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Compute, write and compare; what an earlier attempt has left behind is deleted first.

    Parameters
    ----------
    spec : FactorBlockSpec
    context : TaskContext

    Returns
    -------
    dict
        See `Made.as_dict`.

    Raises
    ------
    JobCancelledError
        If the job it is a part of has stopped; then it leaves no file.
    """
    assert isinstance(spec, FactorBlockSpec)
    lake, reporter = context.lake, context.reporter
    reporter.stage("load")
    factors = factor_set_of(spec.factor_set, context.settings, owner=spec.owner)
    work = FactorWork(lake, factors, spec.market, lake.versions(context.versions), spec.start, spec.end)
    mark = f"{spec.parent}-{context.job_id}-"
    if context.attempt > 1:
        discard_staged(lake.catalog.storage, work.table, mark)
    calendar = None if work.crosses else work.sessions(None, work.end)
    block = Block(spec.low, spec.high, spec.first, spec.last)
    return make_block(
        work, block, spec.base, mark=f"{mark}{context.attempt}", reporter=reporter, calendar=calendar
    ).as_dict()
