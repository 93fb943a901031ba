"""What is known of a registered version of a model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qbrain_core.errors import QBrainError

__all__ = ["ModelFilesError", "ModelVersion", "to_tags"]


class ModelFilesError(QBrainError, RuntimeError):
    """The files of a model are not the ones that were registered; they are not loaded."""

    def __init__(self, name: str, version: int, file: str, problem: str) -> None:
        self.file = file
        super().__init__(f"model {name} version {version}: file {file} {problem}")


@dataclass(frozen=True)
class ModelVersion:
    """One registered version of a model.

    Attributes
    ----------
    name, version : str, int
    created_at : datetime
        UTC.
    aliases : tuple of str
    job_id, owner, visibility : str
    metrics : dict
        By segment, then by name (`ic`, `rank_ic`, `icir`, `rank_icir`, `n_sessions`, `rows`).
    params : dict
        Parameters of the model family, and `family`.
    pins : dict of str to int
        Table versions the training read.
    code_hash : str
    environment : dict of str to str
        Versions of Python and of the libraries that compute.
    seed : int
    files : dict of str to str
        SHA-256 of each file, by name.
    source : str
        Folder or URL of the files.
    """

    name: str
    version: int
    created_at: datetime
    aliases: tuple[str, ...]
    job_id: str
    owner: str
    visibility: str
    metrics: dict[str, dict[str, float | int | None]]
    params: dict[str, Any]
    pins: dict[str, int]
    code_hash: str
    environment: dict[str, str]
    seed: int
    files: dict[str, str]
    source: str

    @classmethod
    def from_tags(
        cls, name: str, version: int, *, created_ms: int, source: str, aliases: tuple[str, ...], tags: Mapping[str, str]
    ) -> "ModelVersion":
        """Read a version back from what `to_tags` wrote.

        Parameters
        ----------
        name : str
        version : int
        created_ms : int
            Milliseconds since 1970, UTC.
        source : str
        aliases : tuple of str
        tags : mapping of str to str

        Returns
        -------
        ModelVersion
        """
        kept: dict[str, Any] = {key: tags[key] for key in _TEXTS} | {key: json.loads(tags[key]) for key in _DOCUMENTS}
        return cls(
            name=name,
            version=version,
            created_at=datetime.fromtimestamp(created_ms / 1000, UTC),
            aliases=aliases,
            source=source,
            seed=int(tags["seed"]),
            **kept,
        )


_TEXTS = ("job_id", "owner", "visibility", "code_hash")
_DOCUMENTS = ("metrics", "params", "pins", "environment", "files")


def to_tags(*, seed: int, **fields: Any) -> dict[str, str]:
    """Write the fields that MLflow keeps as tags of a version.

    Parameters
    ----------
    seed : int
    fields
        `job_id`, `owner`, `visibility`, `code_hash`, `metrics`, `params`, `pins`, `environment` and `files`.

    Returns
    -------
    dict of str to str
    """
    tags = {"seed": str(seed)} | {key: fields[key] for key in _TEXTS}
    return tags | {key: json.dumps(fields[key]) for key in _DOCUMENTS}
