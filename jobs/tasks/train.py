"""Task `train`: factors and a label from the lake in, a registered model out."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from jobs.code_hash import environment
from jobs.context import TaskContext
from jobs.factor_sets import factor_table_name
from jobs.row_selection import check_rows
from lake.registry import Registry
from qbrain_core.dataset import DatasetH, build_dataset
from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import compute, expression_fields, parse
from qbrain_core.factors.expression import lookback
from qbrain_core.models.training import train
from qbrain_core.specs import DatasetSpec, JobSpec, TrainSpec

__all__ = ["REPORT_FILE", "run"]

REPORT_FILE = "report.json"
"""Beside the model: `metrics`, `history`, `feature_importance`, `best_iteration`."""

_BAR_FIELDS = ("open", "high", "low", "close", "volume", "amount", "factor", "halted")
_NOT_FEATURES = ("instrument", "session", "market", "year")


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Train a model, judge it on every segment and register it.

    Parameters
    ----------
    spec : TrainSpec
    context : TaskContext

    Returns
    -------
    dict
        `model`, `version`, `metrics` (by segment), `best_iteration`, `features` and `rows` (how many).

    Raises
    ------
    UnknownNameError, InvalidInputError
        If the factor set has not been computed, the universe is empty, or a parameter or processor is not valid.
    InsufficientDataError
        If a segment has no rows or no labels.
    JobCancelledError
        If the user asked to stop.
    """
    assert isinstance(spec, TrainSpec)
    reporter = context.reporter
    reporter.stage("load")
    table = _factor_table(spec, context)
    versions = context.lake.versions(context.versions)
    pins = {name: versions[name] for name in (table, "bars", "universes")}
    dataset = _dataset(spec, table, pins, context)
    result = train(
        dataset,
        spec.model,
        spec=spec.dataset,
        seed=spec.seed,
        num_threads=spec.num_threads,
        about={
            "factor_table": table,
            "pins": pins,
            "code_hash": context.code_hash,
            "environment": environment(),
            "job_id": context.job_id,
        },
        reporter=reporter,
    )
    reporter.stage("register")
    report = {
        "metrics": result.metrics,
        "history": result.history,
        "feature_importance": result.feature_importance,
        "best_iteration": result.best_iteration,
    }
    version = Registry(context.settings).register(
        spec.register_as,
        {**result.model.to_files(), REPORT_FILE: json.dumps(report, indent=1).encode()},
        job_id=context.job_id,
        owner=spec.owner,
        visibility=spec.visibility,
        metrics=result.metrics,
        params={"family": spec.model.family, **result.model.params},
        pins=pins,
        code_hash=context.code_hash,
        environment=environment(),
        seed=spec.seed,
        history=result.history,
        fence=context.fence,
    )
    return {
        "model": version.name,
        "version": version.version,
        "metrics": result.metrics,
        "best_iteration": result.best_iteration,
        "features": len(result.model.features),
        "rows": sum(int(m["rows"] or 0) for m in result.metrics.values()),
    }


def _factor_table(spec: TrainSpec, context: TaskContext) -> str:
    tables, factor_set = context.lake.factor_sets(as_of=context.versions), spec.dataset.factor_set
    wanted = factor_table_name(factor_set, context.settings, owner=spec.owner, path="dataset.factor_set")
    if wanted not in tables:
        raise InvalidInputError("dataset.factor_set", factor_set, "it has not been computed; run a factors job first")
    return wanted


def _dataset(job: TrainSpec, table: str, pins: Mapping[str, int], context: TaskContext) -> DatasetH:
    # in a function of its own so that the frames it reads are gone before the model is fitted
    spec, lake, reporter = job.dataset, context.lake, context.reporter
    spells = None
    if spec.universe is not None:
        spells = lake.universe(spec.universe, as_of=pins)
        if spells.is_empty():
            raise InvalidInputError("dataset.universe", spec.universe, "it has no member")
    names = None if spells is None else spells.get_column("instrument").unique().sort().to_list()
    start = min(s.start for s in spec.segments.values())
    end = max(s.end for s in spec.segments.values())
    columns = [c.name for c in lake.snapshot(table, as_of=pins).table.columns if c.name not in _NOT_FEATURES]
    features = lake.factors(
        table, market=spec.market, instruments=names, start=start, end=end, columns=columns, as_of=pins
    )
    reporter.check()
    labels = _labels(spec, features.get_column("instrument").unique().sort().to_list(), start, pins, context)
    reporter.log(f"{features.height:,} rows of {len(columns)} features from {table}")
    reporter.check()
    reporter.stage("process")
    check_rows(features, labels, job, spells=spells, context=context)
    parts = [features]
    del features
    return build_dataset(parts.pop(), labels, spec, spells=spells, reporter=reporter)


def _labels(
    spec: DatasetSpec, names: list[str], start: date, pins: Mapping[str, int], context: TaskContext
) -> pl.DataFrame:
    rows_before = lookback(parse(spec.label, parameter="dataset.label"))
    # three calendar days a session cover every holiday; a window without an end needs all there is
    first = start - timedelta(days=10 + 3 * int(rows_before)) if rows_before < 10_000 else None
    bars = context.lake.bars(market=spec.market, instruments=names, start=first, columns=_BAR_FIELDS, as_of=pins)
    return compute({"label": spec.label}, expression_fields(bars), allow_future=True, start=start)
