"""Turn YAML, JSON or plain dicts into specs, with one clear sentence for every mistake."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from qbrain_core.errors import InvalidInputError, suggest
from qbrain_core.specs.backtest import BacktestSpec
from qbrain_core.specs.check import CheckSpec
from qbrain_core.specs.clean import CleanSpec
from qbrain_core.specs.downsample import DownsampleSpec
from qbrain_core.specs.evaluate import EvaluateSpec
from qbrain_core.specs.factor_block import FactorBlockSpec
from qbrain_core.specs.factors import FactorsSpec
from qbrain_core.specs.ingest import IngestSpec
from qbrain_core.specs.job import JobSpec
from qbrain_core.specs.predict import PredictSpec
from qbrain_core.specs.train import TrainSpec
from qbrain_core.specs.upkeep import UpkeepSpec

__all__ = ["SPEC_KINDS", "Spec", "dump_spec", "parse_spec", "parse_specs", "spec_hash"]

Spec = Annotated[
    IngestSpec
    | CheckSpec
    | CleanSpec
    | DownsampleSpec
    | FactorsSpec
    | FactorBlockSpec
    | EvaluateSpec
    | TrainSpec
    | PredictSpec
    | BacktestSpec
    | UpkeepSpec,
    Field(discriminator="kind"),
]

SPEC_KINDS: dict[str, type[JobSpec]] = {
    "ingest": IngestSpec,
    "check": CheckSpec,
    "clean": CleanSpec,
    "downsample": DownsampleSpec,
    "factors": FactorsSpec,
    "factor_block": FactorBlockSpec,
    "evaluate": EvaluateSpec,
    "train": TrainSpec,
    "predict": PredictSpec,
    "backtest": BacktestSpec,
    "upkeep": UpkeepSpec,
}
"""Spec models by kind."""

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Spec)


def parse_spec(document: Mapping[str, Any]) -> JobSpec:
    """Validate one spec.

    Parameters
    ----------
    document : mapping
        Fields of the spec; `kind` chooses the model.

    Returns
    -------
    JobSpec
        Instance of the model of its kind.

    Raises
    ------
    InvalidInputError
        For the first field that is unknown (with the closest known names), missing, or breaks a rule.
    """
    if not isinstance(document, Mapping):
        raise InvalidInputError("spec", document, "a spec is a mapping of field names to values")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in SPEC_KINDS:
        raise InvalidInputError("kind", kind, f"a spec is one of {', '.join(SPEC_KINDS)}")
    try:
        spec: JobSpec = _ADAPTER.validate_python(dict(document))
    except ValidationError as error:
        raise _sentence(error, SPEC_KINDS[kind]) from None
    return spec


def parse_specs(text: str) -> list[JobSpec]:
    """Read specs from YAML or JSON text; a YAML stream holds any number.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of JobSpec
        In the order of the text.

    Raises
    ------
    InvalidInputError
        If the text is not YAML, holds no document, or a spec is invalid (see `parse_spec`).
    """
    try:
        documents = [d for d in yaml.safe_load_all(text) if d is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the text"
        problem = getattr(error, "problem", None) or "not YAML"
        raise InvalidInputError("spec", where, f"it is not valid YAML there: {problem}") from None
    if not documents:
        raise InvalidInputError("spec", "", "the file holds no spec")
    return [parse_spec(d) for d in documents]


def dump_spec(spec: JobSpec) -> dict[str, Any]:
    """Write a spec as plain JSON values, every field spelled out.

    Parameters
    ----------
    spec : JobSpec

    Returns
    -------
    dict
        `parse_spec` of it gives an equal spec.
    """
    return spec.model_dump(mode="json")


def spec_hash(spec: JobSpec) -> str:
    """Hash what a spec asks for, whoever asks and whatever it is called.

    Parameters
    ----------
    spec : JobSpec

    Returns
    -------
    str
        64 hexadecimal digits (SHA-256 of the canonical JSON without `name`, `after` and `parent`).
    """
    body = spec.model_dump(mode="json", exclude={"name", "after", "parent"})
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _sentence(error: ValidationError, model: type[BaseModel]) -> InvalidInputError:
    errors = error.errors(include_url=False, include_context=True)
    # a mistyped field is also a missing one: the typo explains both
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    # the discriminated union puts the kind in front of every path
    path = [str(p) for p in first["loc"] if str(p) not in SPEC_KINDS or p != first["loc"][0]]
    dotted = ".".join(path) or "spec"
    if first["type"] == "extra_forbidden":
        hint = suggest(path[-1], _fields_at(model, path[:-1]))
        return InvalidInputError(dotted, first["input"], f"there is no such field here; {hint}")
    if first["type"] == "missing":
        return InvalidInputError(dotted, None, "this field is required")
    message = first["msg"].removeprefix("Value error, ")
    # pydantic says "Input should be …", "String should match …": the field's name stands in front already
    _, should, rest = message.partition(" should ")
    rule = message if first["type"] == "value_error" or not should else f"it should {rest}"
    value = first["input"] if not isinstance(first["input"], dict) or len(str(first["input"])) < 120 else "{…}"
    return InvalidInputError(dotted, value, rule)


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    current: Any = model
    for name in path:
        annotation = current.model_fields[name].annotation if hasattr(current, "model_fields") else None
        parts = [annotation, *getattr(annotation, "__args__", ())]
        nested = [a for a in parts if isinstance(a, type) and issubclass(a, BaseModel)]
        if not nested:
            return []
        current = nested[0]
    return list(current.model_fields)
