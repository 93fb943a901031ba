"""Which factor set a spec means: one that ships, or one that people keep, pinned to its version on submission."""

from typing import Any

from lake.records import open_records
from lake.records.factor_sets import find_set, list_sets
from lake.tables import FACTOR_PREFIX
from qbrain_core.errors import UnknownNameError
from qbrain_core.factors import FACTOR_SETS, FactorSet
from qbrain_core.settings import Settings
from qbrain_core.specs import EvaluateSpec, FactorsSpec, JobSpec, TrainSpec

__all__ = ["factor_set_of", "factor_table_name", "pinned"]


def factor_set_of(reference: str, settings: Settings | None, *, owner: str, path: str = "factor_set") -> FactorSet:
    """Find a factor set.

    Parameters
    ----------
    reference : str
        `alpha158`, `momentum` or `momentum@3`.
    settings : Settings or None
        Of the installation whose records hold the sets of people; None: only those that ship.
    owner : str
        Who asks.
    path : str
        What an error names.

    Returns
    -------
    FactorSet

    Raises
    ------
    UnknownNameError
        If there is no such set, or none that the owner may see.
    InvalidInputError
        If the set has no such version.
    """
    if reference in FACTOR_SETS:
        return FACTOR_SETS[reference]
    if settings is None:
        raise UnknownNameError(path, reference, FACTOR_SETS)
    records = open_records(settings)
    try:
        return find_set(records, reference, user=owner)
    except UnknownNameError:
        raise UnknownNameError(path, reference, [s.name for s in list_sets(records, user=owner)]) from None


def factor_table_name(reference: str, settings: Settings | None, *, owner: str, path: str = "factor_set") -> str:
    """Name the table of a factor set.

    Parameters
    ----------
    reference, settings, owner, path
        As for `factor_set_of`.

    Returns
    -------
    str
        `factors/<set>-<hash8>`.

    Raises
    ------
    UnknownNameError, InvalidInputError
        As `factor_set_of` does.
    """
    found = factor_set_of(reference, settings, owner=owner, path=path)
    return f"{FACTOR_PREFIX}{found.name}-{found.digest[:8]}"


def pinned(spec: JobSpec, settings: Settings) -> JobSpec:
    """Write into a spec which version of a set it means, so that a later version makes another job.

    Parameters
    ----------
    spec : JobSpec
    settings : Settings

    Returns
    -------
    JobSpec
        The same where it names no set but those that ship.

    Raises
    ------
    UnknownNameError, InvalidInputError
        As `factor_set_of` does.
    """

    def reference(name: str, path: str) -> str:
        return factor_set_of(name, settings, owner=spec.owner, path=path).reference

    changes: dict[str, Any] = {}
    if isinstance(spec, FactorsSpec):
        changes["factor_set"] = reference(spec.factor_set, "factor_set")
    elif isinstance(spec, EvaluateSpec):
        given = {"factor_set": spec.factor_set, "against": spec.against}
        changes = {path: reference(name, path) for path, name in given.items() if name is not None}
    elif isinstance(spec, TrainSpec):
        name = reference(spec.dataset.factor_set, "dataset.factor_set")
        changes["dataset"] = spec.dataset.model_copy(update={"factor_set": name})
    return spec.model_copy(update=changes) if changes else spec
