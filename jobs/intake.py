"""Read what somebody submits: specs from a file, text or objects, in an order in which each follows what it needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.factor_sets import pinned
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings
from qbrain_core.specs import IngestSpec, JobSpec, parse_spec, parse_specs

__all__ = ["Submission", "in_order", "read_submission"]

Submission = JobSpec | Mapping[str, Any] | str | Path | Sequence[JobSpec | Mapping[str, Any]]
"""A spec, a dict of its fields, a file, YAML text, or several of the first two."""


def read_submission(
    submission: Submission, *, settings: Settings, owner: str | None = None, values: Mapping[str, str] | None = None
) -> tuple[list[JobSpec], bool]:
    """Turn a submission into specs.

    Parameters
    ----------
    submission : Submission
    settings : Settings
    owner : str, optional
        Owner of all of them; empty: what the spec says, and where it says nothing the settings' owner.
    values : mapping of str to str, optional
        What each `${NAME}` in a file or text stands for.

    Returns
    -------
    list of JobSpec
        Paths are absolute, and factor sets of people pinned to a version.
    bool
        Whether it was a single spec.

    Raises
    ------
    InvalidInputError
        If a file does not exist, text is no YAML, or a spec is invalid.
    """
    folder, single = Path.cwd(), True
    if isinstance(submission, str | Path):
        path = Path(submission).expanduser() if _is_path(submission) else None
        if path is not None:
            folder = path.resolve().parent
        text = _text(path) if path is not None else str(submission)
        for name, value in (values or {}).items():
            text = text.replace(f"${{{name}}}", value)
        specs = parse_specs(text)
        single = len(specs) == 1
    elif isinstance(submission, JobSpec | Mapping):
        specs = [_spec(submission)]
    else:
        specs, single = [_spec(item) for item in submission], False
    return [_settle(spec, folder, owner, settings) for spec in specs], single


def in_order(specs: Sequence[JobSpec]) -> list[tuple[JobSpec, list[JobSpec], list[str]]]:
    """Order specs so that each follows those it names in `after`.

    Parameters
    ----------
    specs : sequence of JobSpec

    Returns
    -------
    list of (JobSpec, list of JobSpec, list of str)
        Spec, the specs of this batch it comes directly after, and ids of other jobs.

    Raises
    ------
    InvalidInputError
        If two specs share a name that is referred to, or specs come after each other in a circle.
    """
    names: dict[str, list[JobSpec]] = {}
    for spec in specs:
        names.setdefault(spec.name, []).append(spec)
    ordered: list[tuple[JobSpec, list[JobSpec], list[str]]] = []
    done: set[int] = set()

    def visit(spec: JobSpec, path: tuple[int, ...]) -> None:
        if id(spec) in done:
            return
        if id(spec) in path:
            raise InvalidInputError("after", spec.name, "these jobs come after each other in a circle")
        parents, ids = [], []
        for reference in spec.after:
            named = names.get(reference, []) if reference else []
            if len(named) > 1:
                raise InvalidInputError("after", reference, f"{len(named)} jobs of this file have that name")
            if not named:
                ids.append(reference)
            elif named[0] not in parents:
                parents.append(named[0])
        for parent in parents:
            visit(parent, (*path, id(spec)))
        done.add(id(spec))
        ordered.append((spec, parents, ids))

    for spec in specs:
        visit(spec, ())
    return ordered


def _is_path(submission: str | Path) -> bool:
    if isinstance(submission, Path):
        return True
    # YAML of a spec has at least "kind: …"; a path has no line break and no colon with a blank
    return "\n" not in submission and ": " not in submission and not submission.lstrip().startswith("{")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidInputError("spec", str(path), "there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError("spec", str(path), f"it cannot be read: {error}") from None


def _spec(item: JobSpec | Mapping[str, Any]) -> JobSpec:
    return item if isinstance(item, JobSpec) else parse_spec(item)


def _settle(spec: JobSpec, folder: Path, owner: str | None, settings: Settings) -> JobSpec:
    changes: dict[str, Any] = {}
    wanted = owner or (spec.owner if "owner" in spec.model_fields_set else settings.owner)
    if wanted != spec.owner:
        changes["owner"] = wanted
    if isinstance(spec, IngestSpec):
        changes["path"] = str(folder / Path(spec.path).expanduser())
        if spec.adjustments:
            absolute = str(folder / Path(spec.adjustments.path).expanduser())
            changes["adjustments"] = spec.adjustments.model_copy(update={"path": absolute})
    return pinned(spec.model_copy(update=changes) if changes else spec, settings)
