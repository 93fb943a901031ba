"""Task `evaluate`: factors and the returns that followed in, stored reports out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jobs.context import TaskContext
from jobs.factor_sets import factor_set_of, factor_table_name
from lake.evaluation_inputs import EvaluationInputs, factor_values, read_inputs
from lake.tables.evaluations import FACTOR_FIGURES, MAX_QUANTILES
from qbrain_core.compiled import telling
from qbrain_core.errors import InsufficientDataError, InvalidInputError, UnknownNameError
from qbrain_core.evaluation.conventions import convention
from qbrain_core.evaluation.evaluator import Evaluator
from qbrain_core.evaluation.figures import factor_figures, related_figures
from qbrain_core.evaluation.relations import rank_scores, sampled
from qbrain_core.evaluation.rules import FactorReport
from qbrain_core.sections import RowOrder
from qbrain_core.specs import EvaluateSpec, JobSpec, dump_spec

__all__ = ["run"]

_READ = ("bars", "instruments", "universes", "industries", "valuation", "fundamentals")
_NOT_FACTORS = ("instrument", "session", "market", "year")


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Judge factors and write the reports.

    Parameters
    ----------
    spec : EvaluateSpec
    context : TaskContext

    Returns
    -------
    dict
        `run_id`, `factors` (how many), `instruments`, `sessions`, `start`, `end` (ISO dates), and `best`: the factor
        with the largest |t| of its rank IC, its `rank_ic` and `t`.

    Raises
    ------
    UnknownNameError
        If there is no such factor set or factor.
    InvalidInputError
        If the set has not been computed, or the lake lacks what is to be taken out.
    InsufficientDataError
        If nothing can be judged in the span.
    JobCancelledError
        If the user asked to stop.
    """
    assert isinstance(spec, EvaluateSpec)
    lake, reporter = context.lake, context.reporter
    reporter.stage("load")
    pins = lake.versions(context.versions)
    table = _table("factor_set", spec.factor_set, pins, spec, context)
    against = _table("against", spec.against, pins, spec, context)
    names = list(spec.expressions) if table is None else _chosen(spec, _factors(table, context, pins))
    others = [] if against is None else _factors(against, context, pins)
    inputs = read_inputs(lake, spec, table=table, as_of=pins, reporter=reporter)
    layout = inputs.yardstick.layout
    sample = sampled(*layout.shape, len(names) + len(others)) if len(names) + len(others) > 1 else None
    evaluator = Evaluator(
        inputs.yardstick, inputs.rules, label=inputs.label, sectors=inputs.sectors, size=inputs.size,
        exposures=inputs.exposures, sample=sample,
    )  # fmt: skip
    reports: dict[str, FactorReport] = {}
    for name, values in factor_values(lake, spec, names, inputs, table=table, as_of=pins):
        reporter.check()
        reporter.stage("evaluate", fraction=len(reports) / len(names), detail=name)
        with telling(reporter):
            reports[name] = evaluator.evaluate(values)
    if not any(report.metrics["sessions"] for report in reports.values()):
        raise InsufficientDataError("no session has enough names with a value and a return after it")
    related: Mapping[str, Mapping[str, float | str]] = {}
    correlations: Mapping[str, pl.DataFrame] = {}
    if sample is not None:
        inputs.conventions.append(convention("relations", sessions=len(sample)))
        beside = dict(_scores(spec, others, against, inputs, sample, context, pins))
        reporter.check()
        related, correlations = related_figures(reports, evaluator.label_scores(sample), beside)
    figures = factor_figures(reports, related, _expressions(spec, context), FACTOR_FIGURES)
    reporter.stage("write")
    tables = [name for name in (table, against) if name is not None]
    _write(spec, context, tables, inputs, reports, figures, correlations, pins)
    best = figures.sort(pl.col("rank_ic_t").abs(), descending=True, nulls_last=True).row(0, named=True)
    return {
        "run_id": context.job_id, "factors": len(reports), "instruments": len(layout.instruments),
        "sessions": len(layout.sessions), "start": layout.sessions[0].isoformat(),
        "end": layout.sessions[-1].isoformat(),
        "best": {"factor": best["factor"], "rank_ic": best["rank_ic_mean"], "t": best["rank_ic_t"]},
    }  # fmt: skip


def _table(
    parameter: str, name: str | None, pins: Mapping[str, int], spec: EvaluateSpec, context: TaskContext
) -> str | None:
    if name is None:
        return None
    table = factor_table_name(name, context.settings, owner=spec.owner, path=parameter)
    if table not in pins:
        raise InvalidInputError(parameter, name, "it has not been computed; run a factors job first")
    return table


def _factors(table: str, context: TaskContext, pins: Mapping[str, int]) -> list[str]:
    columns = context.lake.snapshot(table, as_of=pins).table.columns
    return [c.name for c in columns if c.name not in _NOT_FACTORS]


def _chosen(spec: EvaluateSpec, known: list[str]) -> list[str]:
    for name in spec.factors:
        if name not in known:
            raise UnknownNameError("factors", name, known)
    return list(dict.fromkeys(spec.factors)) or known


def _expressions(spec: EvaluateSpec, context: TaskContext) -> Mapping[str, str]:
    if spec.factor_set is None:
        return spec.expressions
    return factor_set_of(spec.factor_set, context.settings, owner=spec.owner).expressions


def _scores(
    spec: EvaluateSpec, names: list[str], table: str | None, inputs: EvaluationInputs, sample: NDArray[np.int64],
    context: TaskContext, pins: Mapping[str, int],
) -> Iterator[tuple[str, NDArray[np.float32]]]:  # fmt: skip
    # of the factors that are only compared with, on the sampled sessions
    members = inputs.yardstick.members[sample]
    for name, values in factor_values(context.lake, spec, names, inputs, table=table, as_of=pins):
        context.reporter.check()
        some = np.where(members & np.isfinite(values[sample]), values[sample], np.nan)
        yield f"{spec.against}/{name}", rank_scores(RowOrder.of(some), np.isfinite(some))


def _write(
    spec: EvaluateSpec, context: TaskContext, tables: Sequence[str], inputs: EvaluationInputs,
    reports: Mapping[str, FactorReport], figures: pl.DataFrame, correlations: Mapping[str, pl.DataFrame],
    pins: Mapping[str, int],
) -> None:  # fmt: skip
    now, layout = datetime.now(UTC), inputs.yardstick.layout
    read = {name: pins[name] for name in (*_READ, *tables)}
    table = tables[0] if spec.factor_set else None
    stamp = {"run_id": pl.lit(context.job_id), "month": pl.lit(f"{now:%Y-%m}")}
    header = {
        "run_id": context.job_id, "month": f"{now:%Y-%m}", "owner": spec.owner, "visibility": spec.visibility,
        "created_at": now, "name": spec.name or spec.factor_set or ", ".join(spec.expressions), "market": spec.market,
        "universe": spec.universe, "factor_set": spec.factor_set, "factor_table": table,
        "start": layout.sessions[0], "end": layout.sessions[-1], "horizon": spec.horizon, "quantiles": spec.quantiles,
        "n_factors": len(reports), "spec": _json(dump_spec(spec)), "pins": _json(read),
        "code_hash": context.code_hash, "conventions": _json(inputs.conventions),
        "counts": _json(inputs.yardstick.counts),
    }  # fmt: skip
    types: dict[str, type[pl.DataType]] = dict.fromkeys(("horizon", "quantiles", "n_factors"), pl.Int32)
    types.update(dict.fromkeys(("universe", "factor_set", "factor_table"), pl.String))
    sessions = pl.concat([r.sessions.with_columns(factor=pl.lit(name)) for name, r in reports.items()])
    wide = [pl.lit(None, pl.Float64).alias(f"quantile_{k}") for k in range(spec.quantiles + 1, MAX_QUANTILES + 1)]
    details = [
        frame.with_columns(factor=pl.lit(name))
        for name, report in reports.items()
        for frame in (report.details, *([correlations[name]] if name in correlations else []))
    ]
    with context.commit() as transaction:
        for name, frame in (
            ("evaluation_factors", figures),
            ("evaluation_sessions", sessions.with_columns(wide)),
            ("evaluation_details", pl.concat(details)),
            ("evaluations", pl.DataFrame([header], schema_overrides=types)),
        ):
            # the runs come last: a run is seen when all of it is there
            frame = frame if name == "evaluations" else frame.with_columns(**stamp)
            transaction.replace(name, frame, where={"run_id": context.job_id})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
