"""What is kept of a trained model: the booster as text and a JSON beside it. Scoring needs neither Qlib nor pickle."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = ["BOOSTER_FILE", "MANIFEST_FILE", "SavedModel"]

BOOSTER_FILE = "model.txt"
MANIFEST_FILE = "model.json"

_FORMAT = 1  # of the manifest


@dataclass(frozen=True)
class SavedModel:
    """A trained model that can be written, read back and asked for scores.

    Attributes
    ----------
    family : str
        Family of the catalogue.
    booster : str
        LightGBM's text format, up to the best iteration.
    features : tuple of str
        Inputs, in the order the booster numbers them.
    label : str
        Expression it was trained on.
    dataset : mapping
        The dataset's spec, as JSON values.
    segments : mapping of str to (str, str)
        First and last session of each segment as used, purged.
    processors : tuple of mapping
        Fitted processors to apply to features before scoring (`preprocessing.dump_processors`).
    params : mapping
        Every parameter of the family.
    seed, num_threads, best_iteration : int
    about : mapping
        Where it comes from: factor table, table versions, code hash, environment, job.
    """

    family: str
    booster: str
    features: tuple[str, ...]
    label: str
    dataset: Mapping[str, Any]
    segments: Mapping[str, tuple[str, str]]
    processors: tuple[Mapping[str, Any], ...]
    params: Mapping[str, Any]
    seed: int
    num_threads: int
    best_iteration: int
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.booster)

    def predict(self, features: pl.DataFrame) -> pl.DataFrame:
        """Score rows.

        Parameters
        ----------
        features : DataFrame, columns (instrument: str, session: date, every feature: float)
            Null or NaN where a feature has no value. With processors that look across instruments, whole sessions.

        Returns
        -------
        DataFrame, columns (instrument: str, session: date, score: f64)
            Higher is better. In the order of `features`; where there are processors, sorted by session, instrument and
            without the rows they drop. Never null.

        Raises
        ------
        InvalidInputError
            If a feature is missing.
        """
        missing = [name for name in self.features if name not in features.columns]
        if missing:
            raise InvalidInputError("features", missing[:5], "the model was trained on these columns and needs them")
        if self.processors:
            from qbrain_core.models.preprocessing import apply_processors  # brings Qlib in

            features = apply_processors(features, self.processors)
        matrix: npt.NDArray[np.float32] = features.select(pl.col(self.features).cast(pl.Float32)).to_numpy()
        scores = self._booster.predict(matrix, num_threads=self.num_threads)
        return features.select("instrument", "session").with_columns(score=pl.Series(np.asarray(scores, np.float64)))

    def to_files(self) -> dict[str, bytes]:
        """Write the model.

        Returns
        -------
        dict of str to bytes
            `model.txt` and `model.json`; equal models give equal bytes.
        """
        manifest = {
            "format": _FORMAT,
            "family": self.family,
            "features": list(self.features),
            "label": self.label,
            "dataset": dict(self.dataset),
            "segments": {name: list(span) for name, span in self.segments.items()},
            "processors": [dict(p) for p in self.processors],
            "params": dict(self.params),
            "seed": self.seed,
            "num_threads": self.num_threads,
            "best_iteration": self.best_iteration,
            "about": dict(self.about),
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
        return {BOOSTER_FILE: self.booster.encode(), MANIFEST_FILE: text.encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "SavedModel":
        """Read a model that `to_files` wrote.

        Parameters
        ----------
        files : mapping of str to bytes

        Returns
        -------
        SavedModel

        Raises
        ------
        InvalidInputError
            If a file is missing or of a format this version does not know.
        """
        for name in (BOOSTER_FILE, MANIFEST_FILE):
            if name not in files:
                raise InvalidInputError("model", sorted(files), f"a saved model has a file {name}")
        manifest = json.loads(files[MANIFEST_FILE])
        version = manifest.pop("format", None)
        if version != _FORMAT:
            raise InvalidInputError("model.format", version, f"this version reads format {_FORMAT}")
        manifest["features"] = tuple(manifest["features"])
        manifest["processors"] = tuple(manifest["processors"])
        manifest["segments"] = {name: (span[0], span[1]) for name, span in manifest["segments"].items()}
        return cls(booster=files[BOOSTER_FILE].decode(), **manifest)
