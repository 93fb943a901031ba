"""Task `predict`: a registered model and factors in, scores in the lake out."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from jobs.context import TaskContext
from lake.registry import Registry
from qbrain_core.errors import InsufficientDataError
from qbrain_core.membership import member_mask
from qbrain_core.models.artifact import BOOSTER_FILE, MANIFEST_FILE, SavedModel
from qbrain_core.specs import DatasetSpec, JobSpec, ModelRef, PredictSpec

__all__ = ["run"]


def run(spec: JobSpec, context: TaskContext) -> dict[str, Any]:
    """Score every member of the model's universe on every session of a range.

    Parameters
    ----------
    spec : PredictSpec
    context : TaskContext

    Returns
    -------
    dict
        `model`, `version`, `table`, `table_version`, `rows`, `sessions` (how many), `start` and `end` (ISO dates).

    Raises
    ------
    UnknownNameError, InvalidInputError
        If there is no such model, version or alias, or the model's factor table is not in the lake.
    ModelFilesError
        If the model's files are not the ones that were registered.
    InsufficientDataError
        If there is nothing to score.
    JobCancelledError
        If the user asked to stop.
    """
    assert isinstance(spec, PredictSpec)
    context.reporter.stage("load")
    registry = Registry(context.settings)
    found = registry.resolve(_registered_upstream(spec.model, context.upstream))
    files = {file: registry.load_file(found.name, found.version, file) for file in (BOOSTER_FILE, MANIFEST_FILE)}
    model = SavedModel.from_files(files)
    start, end = spec.start or date.fromisoformat(model.segments["test"][0]), spec.end
    parts = list(_scores(model, start, end, context))
    if not parts:
        span = f"from {start} to {end or 'the last session'}"
        raise InsufficientDataError(
            f"{found.name} version {found.version} has no factors of its universe to score {span}"
        )
    scores = pl.concat(parts).select(
        pl.lit(found.name).alias("model"),
        pl.lit(found.version, pl.Int32).alias("version"),
        "instrument",
        "session",
        pl.col("session").dt.year().cast(pl.Int32).alias("year"),
        "score",
    )
    context.reporter.stage("write")
    with context.commit() as transaction:
        transaction.upsert("predictions", scores)
    sessions = scores.get_column("session").unique().sort()
    return {
        "model": found.name,
        "version": found.version,
        "table": "predictions",
        "table_version": transaction.versions["predictions"],
        "rows": scores.height,
        "sessions": len(sessions),
        "start": sessions[0].isoformat(),
        "end": sessions[-1].isoformat(),
    }


def _registered_upstream(ref: ModelRef, upstream: Mapping[str, Mapping[str, Any]]) -> ModelRef:
    # "the newest" means the one that a job before this one has just made, whatever else was registered meanwhile
    if ref.version is not None or ref.alias is not None:
        return ref
    made = [r["version"] for r in upstream.values() if r.get("model") == ref.name and "best_iteration" in r]
    return ModelRef(name=ref.name, version=max(made)) if made else ref


def _scores(model: SavedModel, start: date, end: date | None, context: TaskContext) -> Iterator[pl.DataFrame]:
    # a year at a time, so that memory does not grow with the range
    lake, reporter = context.lake, context.reporter
    dataset = DatasetSpec.model_validate(model.dataset)
    table = str(model.about["factor_table"])
    snapshot = lake.snapshot(table, as_of=context.versions)
    universes = lake.snapshot("universes", as_of=context.versions).version
    spells = None if dataset.universe is None else lake.universe(dataset.universe, as_of={"universes": universes})
    names = None if spells is None else spells.get_column("instrument").unique().sort().to_list()
    years = {int(f.partition["year"]) for f in snapshot.files if f.partition["market"] == dataset.market}
    wanted = sorted(y for y in years if y >= start.year and (end is None or y <= end.year))
    for position, year in enumerate(wanted):
        reporter.check()
        reporter.stage("predict", fraction=position / len(wanted), detail=str(year))
        first, last = max(start, date(year, 1, 1)), min(end or date.max, date(year, 12, 31))
        features = lake.factors(
            table, market=dataset.market, instruments=names, start=first, end=last, columns=model.features,
            as_of={table: snapshot.version},
        )  # fmt: skip
        if spells is not None:
            features = features.filter(member_mask(features, spells))
        if features.height:
            yield model.predict(features)
