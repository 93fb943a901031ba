"""Which job a spec is: what it asks for, of which data, by which code. The same three make the same id."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from jobs.code_hash import code_hash
from jobs.factor_sets import factor_set_of, factor_table_name
from lake import Lake
from lake.quality.standing import CHECKED_TABLES, CONTEXT_TABLES
from lake.reads.factor_inputs import input_tables
from lake.registry import Registry
from lake.sources import matching_files
from lake.tables import FACTOR_PREFIX
from qbrain_core.errors import InvalidInputError
from qbrain_core.factors.expression import dependencies, parse
from qbrain_core.settings import Settings
from qbrain_core.specs import (
    BacktestSpec,
    CheckSpec,
    CleanSpec,
    DownsampleSpec,
    EvaluateSpec,
    FactorBlockSpec,
    FactorsSpec,
    IngestSpec,
    JobSpec,
    ModelRef,
    PredictSpec,
    TrainSpec,
    UpkeepSpec,
    spec_hash,
)

__all__ = ["Ancestor", "Inputs", "job_id", "registers", "resolve_inputs", "writes"]

_ID_DIGITS = 20
_WRITTEN_BESIDE = {
    "bars": ("instruments", "corporate_actions", "valuation", "instrument_status"),
    "bars_intraday": ("instruments",),
    "instruments": ("instrument_status",),
}  # tables an ingest writes besides its own


@dataclass(frozen=True)
class Ancestor:
    """A job that comes before another, however far."""

    id: str
    spec: JobSpec


@dataclass(frozen=True)
class Inputs:
    """What a job reads.

    Attributes
    ----------
    versions : dict of str to int
        Data versions (`Lake.data_versions`) of tables that are there now: compaction makes no other job. Kept with the
        job as what it reads, and not cleaned up before it has ended.
    jobs : dict of str to tuple of str
        Tables and models that jobs before it write → ids of those jobs.
    models : dict of str to int
        Registered models by version.
    files : dict of str to str
        SHA-256 by path.
    moment : str
        What else makes the job another one than yesterday's; "" where data and code say it all.
    """

    versions: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    moment: str = ""


def job_id(spec: JobSpec, inputs: Inputs, *, nonce: str = "") -> str:
    """Name the job that a spec is.

    Parameters
    ----------
    spec : JobSpec
    inputs : Inputs
    nonce : str
        Makes another job of the same spec.

    Returns
    -------
    str
        20 hexadecimal digits.
    """
    identity = {
        "spec": spec_hash(spec), "code": code_hash(), "versions": inputs.versions, "jobs": inputs.jobs,
        "models": inputs.models, "files": sorted(inputs.files.values()), "nonce": nonce,
    }  # fmt: skip
    if inputs.moment:
        identity["moment"] = inputs.moment
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]


def resolve_inputs(spec: JobSpec, ancestors: Sequence[Ancestor], *, lake: Lake, registry: Registry) -> Inputs:
    """Find out what a job would read now.

    Parameters
    ----------
    spec : JobSpec
    ancestors : sequence of Ancestor
        Every job before it: what they write is not there yet, or not as it will be.
    lake : Lake
    registry : Registry

    Returns
    -------
    Inputs

    Raises
    ------
    UnknownNameError
        If a factor set or a model is unknown, or a pinned table.
    InvalidInputError
        If a factor set has not been computed, a file is missing, or a pinned version does not exist.
    """
    if isinstance(spec, IngestSpec):
        files = _digests(spec.path, "path")
        return Inputs(files=files | (_digests(spec.adjustments.path, "adjustments.path") if spec.adjustments else {}))
    if isinstance(spec, UpkeepSpec):
        return Inputs(moment=_state_of_the_lake(spec, lake))
    if isinstance(spec, CleanSpec):
        found = lake.data_versions()
        return Inputs(moment=json.dumps({name: found[name] for name in (spec.table, "quarantine")}))
    tables, models = _reads(spec, ancestors, lake, registry)
    made = {table: by for table in tables if (by := _writers(table, ancestors, lake))}
    known = lake.versions(spec.pins or None)
    missing = [table for table in tables if table not in made and table not in known]
    if missing:
        factor_set = missing[0].removeprefix(FACTOR_PREFIX).rpartition("-")[0]
        raise InvalidInputError("factor_set", factor_set, "it has not been computed; run a factors job first")
    for name, reference in models.items():
        by = tuple(a.id for a in ancestors if registers(a.spec) == name)
        if by and reference.version is None and reference.alias is None:
            made[f"model:{name}"] = by
    versions = {table: lake.catalog.data_version(table, known[table]) for table in tables if table not in made}
    resolved = {name: registry.resolve(ref).version for name, ref in models.items() if f"model:{name}" not in made}
    # what is late tomorrow is not late today, over the same data
    moment = f"{datetime.now(UTC):%Y-%m-%d}" if isinstance(spec, CheckSpec) else ""
    return Inputs(versions=versions, jobs=made, models=resolved, moment=moment)


def writes(spec: JobSpec, table: str, settings: Settings | None = None) -> bool:
    """Tell whether jobs of a spec write a table.

    Parameters
    ----------
    spec : JobSpec
    table : str
    settings : Settings, optional
        Of the installation whose factor sets are meant; only those that ship when left out.

    Returns
    -------
    bool
    """
    if isinstance(spec, IngestSpec):
        return table == spec.table or table in _WRITTEN_BESIDE.get(spec.table, ())
    if isinstance(spec, DownsampleSpec):
        return table == "bars_intraday" or (table == "bars" and "1d" in spec.to_frequencies)
    if isinstance(spec, CleanSpec):
        return not spec.preview and table in (spec.table, *_WRITTEN_BESIDE.get(spec.table, ()))
    if isinstance(spec, FactorsSpec):
        return table.startswith(FACTOR_PREFIX) and table == factor_table_name(
            spec.factor_set, settings, owner=spec.owner
        )
    return isinstance(spec, PredictSpec) and table == "predictions"


def registers(spec: JobSpec) -> str | None:
    """Name the model that jobs of a spec register.

    Parameters
    ----------
    spec : JobSpec

    Returns
    -------
    str or None
    """
    return spec.register_as if isinstance(spec, TrainSpec) else None


def _writers(table: str, ancestors: Sequence[Ancestor], lake: Lake) -> tuple[str, ...]:
    return tuple(a.id for a in ancestors if writes(a.spec, table, lake.settings))


def _reads(
    spec: JobSpec, ancestors: Sequence[Ancestor], lake: Lake, registry: Registry
) -> tuple[tuple[str, ...], Mapping[str, ModelRef]]:
    if isinstance(spec, DownsampleSpec):
        return ("bars_intraday", "calendar_overrides", *(("bars",) if "1d" in spec.to_frequencies else ())), {}
    if isinstance(spec, CheckSpec):
        return tuple(dict.fromkeys((*(spec.tables or CHECKED_TABLES), *CONTEXT_TABLES))), {}
    if isinstance(spec, FactorsSpec | FactorBlockSpec):
        factors = factor_set_of(spec.factor_set, lake.settings, owner=spec.owner)
        reads = [dependencies(parse(text, parameter=name)) for name, text in factors.expressions.items()]
        fields, items = (
            set[str]().union(*names) for names in ([r.fields for r in reads], [r.statements for r in reads])
        )
        return tuple(sorted({*input_tables(fields, items), "instruments"})), {}
    if isinstance(spec, EvaluateSpec):
        sets = [name for name in (spec.factor_set, spec.against) if name is not None]
        own = (factor_table_name(name, lake.settings, owner=spec.owner) for name in sets)
        return (*own, "bars", "instruments", "universes", "industries", "valuation", "fundamentals"), {}
    if isinstance(spec, TrainSpec):
        table = factor_table_name(spec.dataset.factor_set, lake.settings, owner=spec.owner)
        return (table, "bars", "instruments", "universes"), {}
    if isinstance(spec, PredictSpec):
        tables = _factor_tables(spec.model, ancestors, lake, registry)
        return (*tables, "bars", "instruments", "universes"), {spec.model.name: spec.model}
    if isinstance(spec, BacktestSpec):
        tables = ("predictions", "bars", "instruments", "universes", "corporate_actions")
        return tables, {spec.model.name: spec.model}
    return (), {}


def _factor_tables(model: ModelRef, ancestors: Sequence[Ancestor], lake: Lake, registry: Registry) -> tuple[str, ...]:
    for ancestor in ancestors:
        if isinstance(ancestor.spec, TrainSpec) and ancestor.spec.register_as == model.name:
            name = ancestor.spec.dataset.factor_set
            return (factor_table_name(name, lake.settings, owner=ancestor.spec.owner),)
    return tuple(sorted(t for t in registry.resolve(model).pins if t.startswith(FACTOR_PREFIX)))


def _state_of_the_lake(spec: UpkeepSpec, lake: Lake) -> str:
    # once a day over the same data: rows and files grow old without a commit. Nothing of it is read, so nothing is kept
    tables = {lake.catalog.find(name) for name in spec.tables}
    versions = {name: v for name, v in lake.data_versions().items() if not tables or name in tables}
    return json.dumps({"day": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions}, sort_keys=True)


def _digests(path: str, parameter: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for source in matching_files(path, parameter=parameter):
        inside = sorted(p for p in source.path.rglob("*") if p.is_file()) if source.path.is_dir() else [source.path]
        files |= {str(p): _digest(p, parameter) for p in inside}
    return files


def _digest(path: Path, parameter: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInputError(parameter, str(path), f"it cannot be read: {error.strerror}") from None
