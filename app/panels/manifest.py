"""What a registered model says about itself, read once per version."""

import json
from typing import Any

from app.session import read
from lake import Lake
from qbrain_core.errors import QBrainError

__all__ = ["manifest", "training_report"]


def manifest(model: str, version: int) -> dict[str, Any]:
    """Read what a model version was made from.

    Parameters
    ----------
    model : str
    version : int

    Returns
    -------
    dict
        dataset, segments, params, seed, best_iteration, features, about …; empty where the model is not registered or
        its files are gone.
    """
    return read(_load, model=model, version=version, file="model.json")


def training_report(model: str, version: int) -> dict[str, Any]:
    """Read how a model version learned.

    Parameters
    ----------
    model : str
    version : int

    Returns
    -------
    dict
        metrics, history, feature_importance, best_iteration; empty as for `manifest`.
    """
    return read(_load, model=model, version=version, file="report.json")


def _load(lake: Lake, as_of: dict[str, int], model: str, version: int, file: str) -> dict[str, Any]:
    from lake.registry import Registry  # brings MLflow in, which most pages do without

    try:
        found: dict[str, Any] = json.loads(Registry(lake.settings).load_file(model, version, file))
    except QBrainError:
        return {}
    return found
