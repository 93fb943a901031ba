"""Probe a factor set for leakage beside computing it, and keep the report with the set."""

import polars as pl

from jobs.context import TaskContext
from jobs.tasks.factors.work import FactorWork, factor_frame
from lake.lakehouse import Lake
from lake.leakage import check_factor_set
from lake.records import open_records
from lake.records.leakage_reports import find_leakage, keep_leakage
from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors.leakage import Outcome

__all__ = ["probe_set"]

_SHOWN = 5  # findings told in the log; the report has all


def probe_set(work: FactorWork, context: TaskContext, *, anew: bool) -> str | None:
    """Find the report on a set over a market, or make one on a sample of its instruments.

    Parameters
    ----------
    work : FactorWork
    context : TaskContext
    anew : bool
        Make one even where the same code has looked at the same expressions on this market before.

    Returns
    -------
    str or None
        `pass`, `warn` or `fail`; None where the market has too few sessions to look.

    Raises
    ------
    JobCancelledError
        If the user asked for it.
    """
    records, factors = open_records(context.settings), work.factors
    known = find_leakage(records, factors.digest, work.market)
    if known is not None and known.code_hash == work.code and not anew:
        return known.outcome.value

    def frame_of(small: Lake) -> pl.DataFrame:
        return factor_frame(small, factors.expressions, market=work.market)

    try:
        report = check_factor_set(
            work.lake, factors, frame_of, market=work.market, as_of=work.as_of, code_hash=work.code,
            reporter=context.reporter,
        )  # fmt: skip
    except InsufficientDataError as error:
        context.reporter.log(f"not probed for leakage: {error}", level="warning")
        return None
    keep_leakage(records, report)
    grave = [f for f in report.findings if f.severity is not Outcome.PASS]
    for finding in grave[:_SHOWN]:
        context.reporter.log(f"leakage: {finding.factor} {finding.sentence}", level="warning")
    outcome = report.outcome.value
    context.reporter.log(f"leakage: {outcome} on {report.instruments} stocks, cut at {len(report.cuts)} days")
    return outcome
