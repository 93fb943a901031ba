"""Check beside a training that its rows do not follow from the labels, and keep that with the factor set."""

import polars as pl

from jobs.context import TaskContext
from lake.records import open_records
from lake.records.factor_sets import find_set
from lake.records.leakage_reports import keep_check
from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors.leakage import Outcome
from qbrain_core.row_selection import check_dataset_rows
from qbrain_core.specs import TrainSpec

__all__ = ["check_rows"]

_NAMES, _SESSIONS = 4, 30  # of each segment: five small datasets are built


def check_rows(
    features: pl.DataFrame, labels: pl.DataFrame, spec: TrainSpec, *, spells: pl.DataFrame | None, context: TaskContext
) -> str | None:
    """Check on a sample of what a model is about to be trained on.

    Parameters
    ----------
    features, labels, spells
        As for `build_dataset`.
    spec : TrainSpec
    context : TaskContext

    Returns
    -------
    str or None
        `pass` or `fail`; None where the sample is too small to build a dataset of.
    """
    try:
        check = check_dataset_rows(
            features, labels, spec.dataset, spells=spells, names=_NAMES, sessions=_SESSIONS
        )  # fmt: skip
    except InsufficientDataError:
        return None
    records = open_records(context.settings)
    factors = find_set(records, spec.dataset.factor_set, user=spec.owner)
    keep_check(records, factors.digest, spec.dataset.market, check)
    for finding in check.findings:
        context.reporter.log(f"leakage: {finding.sentence}", level="warning")
    return Outcome(check.outcome).value
