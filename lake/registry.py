"""Registered models: MLflow holds versions, aliases and provenance; the files lie with the lake's artifacts.

MLflow is imported when first needed, and nowhere else.
"""

import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import fsspec
import sqlalchemy

from lake.model_version import ModelFilesError, ModelVersion, to_tags
from lake.s3 import S3Access
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings
from qbrain_core.specs.predict import ModelRef

__all__ = ["ALIASES", "ModelFilesError", "ModelVersion", "Registry"]

ALIASES = ("champion", "challenger")
"""Aliases a version may carry; each points at one version of a model."""

_EXPERIMENT = "qbrain"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # also keeps MLflow's filter language out of names
_LOCK = 0x71627261  # "qbra": PostgreSQL's advisory lock of the registry
_BATCH = 1000  # metrics MLflow takes at once


class Registry:
    """Models of one installation; opening one costs nothing until it is used.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        root = settings.artifacts_root
        bucket = root.startswith("s3://")
        self._files = (
            S3Access.from_environment().file_system() if bucket else fsspec.filesystem("file", auto_mkdir=True)
        )
        self._root = root if bucket else str(Path(root).absolute())

    def register(
        self,
        name: str,
        files: Mapping[str, bytes],
        *,
        job_id: str,
        owner: str,
        visibility: str,
        metrics: Mapping[str, Mapping[str, float | int | None]],
        params: Mapping[str, Any],
        pins: Mapping[str, int],
        code_hash: str,
        environment: Mapping[str, str],
        seed: int,
        history: Mapping[str, list[float]] | None = None,
        fence: Callable[[], None] | None = None,
    ) -> ModelVersion:
        """Register a new version; the version a job has registered before is found again.

        The version appears last and at once, when its files are complete.

        Parameters
        ----------
        name : str
            Model; made on its first version.
        files : mapping of str to bytes
            Content by file name.
        job_id, owner, visibility, metrics, params, pins, code_hash, environment, seed
            As in `ModelVersion`.
        history : mapping of str to list of float, optional
            Metrics of every round, kept with MLflow's run.
        fence : callable, optional
            Called right before the version is made; raises when the job is no longer the caller's.

        Returns
        -------
        ModelVersion

        Raises
        ------
        InvalidInputError
            If the name is not a letter or digit followed by at most 63 letters, digits, `_`, `.` and `-`.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInputError("register_as", name, "it should be letters, digits, '_', '.' and '-', at most 64")
        digests = {file: hashlib.sha256(content).hexdigest() for file, content in sorted(files.items())}
        folder = hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:32]  # equal content, equal place
        source = f"{self._root}/models/{name}/{folder}"
        tags = to_tags(
            job_id=job_id, owner=owner, visibility=visibility, code_hash=code_hash, seed=seed, metrics=metrics,
            params=params, pins=pins, environment=environment, files=digests,
        )  # fmt: skip
        client = self._client
        with self._exclusive():
            done = [v for v in self._versions(name) if v.job_id == job_id]
            if done:
                return done[0]
            self._files.pipe({f"{source}/{file}": content for file, content in files.items()})
            if fence is not None:
                fence()
            run = self._log_run(name, tags, metrics, params, history or {})
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            made = client.create_model_version(name, source, run, tags=tags, await_creation_for=None)
        return self.get(name, int(made.version))

    def models(self) -> list[ModelVersion]:
        """List the newest version of every model.

        Returns
        -------
        list of ModelVersion
            Newest first.
        """
        newest = [versions[0] for m in self._all_models() if (versions := self._versions(m.name))]
        return sorted(newest, key=lambda v: v.created_at, reverse=True)

    def versions(self, name: str) -> list[ModelVersion]:
        """List the versions of a model.

        Parameters
        ----------
        name : str

        Returns
        -------
        list of ModelVersion
            Newest first.

        Raises
        ------
        UnknownNameError
            If there is no such model.
        """
        found = self._versions(name) if _NAME.fullmatch(name) else []
        if not found:
            raise UnknownNameError("model.name", name, [m.name for m in self._all_models()])
        return found

    def get(self, name: str, version: int) -> ModelVersion:
        """Look a version up.

        Parameters
        ----------
        name : str
        version : int

        Returns
        -------
        ModelVersion

        Raises
        ------
        UnknownNameError
            If there is no such model.
        InvalidInputError
            If the model has no such version.
        """
        versions = self.versions(name)
        for found in versions:
            if found.version == version:
                return found
        raise InvalidInputError("model.version", version, f"the newest version of {name} is {versions[0].version}")

    def resolve(self, ref: ModelRef) -> ModelVersion:
        """Find the version a reference means: its version, its alias, or the newest.

        Parameters
        ----------
        ref : ModelRef

        Returns
        -------
        ModelVersion

        Raises
        ------
        UnknownNameError
            If there is no such model.
        InvalidInputError
            If the model has no such version or alias.
        """
        if ref.version is not None:
            return self.get(ref.name, ref.version)
        versions = self.versions(ref.name)
        if ref.alias is None:
            return versions[0]
        for found in versions:
            if ref.alias in found.aliases:
                return found
        raise InvalidInputError("model.alias", ref.alias, f"no version of {ref.name} carries it")

    def set_alias(self, name: str, alias: Literal["champion", "challenger"], version: int) -> None:
        """Point an alias at a version, away from the one it pointed at.

        Parameters
        ----------
        name : str
        alias : {"champion", "challenger"}
        version : int

        Raises
        ------
        UnknownNameError
            If there is no such model or alias.
        InvalidInputError
            If the model has no such version.
        """
        if alias not in ALIASES:
            raise UnknownNameError("model.alias", alias, ALIASES)
        self.get(name, version)
        with self._exclusive():
            self._client.set_registered_model_alias(name, alias, str(version))

    def load(self, name: str, version: int) -> dict[str, bytes]:
        """Read the files of a version, each checked against the SHA-256 it was registered with.

        Parameters
        ----------
        name : str
        version : int

        Returns
        -------
        dict of str to bytes

        Raises
        ------
        UnknownNameError, InvalidInputError
            If there is no such model or version.
        ModelFilesError
            If a file is missing or is not the one that was registered.
        """
        found = self.get(name, version)
        return {file: self._read(found, file) for file in found.files}

    def load_file(self, name: str, version: int, file: str) -> bytes:
        """Read one file of a version; checks and errors are those of `load`.

        Parameters
        ----------
        name : str
        version : int
        file : str

        Returns
        -------
        bytes

        Raises
        ------
        UnknownNameError
            Also if the version has no such file.
        ModelFilesError
            If the file is missing or is not the one that was registered.
        """
        found = self.get(name, version)
        if file not in found.files:
            raise UnknownNameError("file", file, found.files)
        return self._read(found, file)

    def _read(self, found: ModelVersion, file: str) -> bytes:
        try:
            content: bytes = self._files.cat_file(f"{found.source}/{file}")
        except FileNotFoundError:
            raise ModelFilesError(found.name, found.version, file, "is missing") from None
        if hashlib.sha256(content).hexdigest() != found.files[file]:
            raise ModelFilesError(found.name, found.version, file, "is not the one that was registered")
        return content

    @cached_property
    def _client(self) -> Any:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it reports its use when imported
        from mlflow.tracking import MlflowClient

        for logger in ("mlflow", "alembic"):
            logging.getLogger(logger).setLevel(logging.WARNING)
        url = self._settings.mlflow_database
        with self._exclusive():  # the first one to come makes the tables
            client = MlflowClient(tracking_uri=url, registry_uri=url)
            client.search_registered_models(max_results=1)
            if client.get_experiment_by_name(_EXPERIMENT) is None:
                client.create_experiment(_EXPERIMENT, artifact_location=f"{self._root}/runs")
        return client

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        url = self._settings.mlflow_database
        if url.startswith("sqlite"):
            self._settings.make_home()
            with (self._settings.home / "run" / "registry.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            return
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:  # closing the connection frees the lock
            connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            yield

    def _all_models(self) -> list[Any]:
        return _pages(self._client.search_registered_models)

    def _versions(self, name: str) -> list[ModelVersion]:
        found = _pages(self._client.search_model_versions, f"name = '{name}'")
        if not found:
            return []
        aliases = {a: int(v) for a, v in self._client.get_registered_model(name).aliases.items()}
        versions = [
            ModelVersion.from_tags(
                v.name, int(v.version), created_ms=v.creation_timestamp, source=v.source, tags=v.tags,
                aliases=tuple(a for a in ALIASES if aliases.get(a) == int(v.version)),
            )
            for v in found
        ]  # fmt: skip
        return sorted(versions, key=lambda v: v.version, reverse=True)

    def _log_run(
        self,
        name: str,
        tags: Mapping[str, str],
        metrics: Mapping[str, Mapping[str, float | int | None]],
        params: Mapping[str, Any],
        history: Mapping[str, list[float]],
    ) -> str:
        from mlflow.entities import Metric, Param, RunTag

        experiment = self._client.get_experiment_by_name(_EXPERIMENT).experiment_id
        run: str = self._client.create_run(experiment, run_name=name).info.run_id
        now = int(datetime.now(UTC).timestamp() * 1000)
        points = [
            Metric(f"{segment}.{metric}", float(value), now, 0)
            for segment, values in metrics.items()
            for metric, value in values.items()
            if value is not None
        ]
        points += [Metric(m, value, now, step) for m, values in history.items() for step, value in enumerate(values)]
        kept = [RunTag(key, tags[key]) for key in ("job_id", "owner", "visibility", "code_hash", "seed")]
        self._client.log_batch(run, params=[Param(k, str(v)) for k, v in params.items()], tags=kept)
        for start in range(0, len(points), _BATCH):
            self._client.log_batch(run, metrics=points[start : start + _BATCH])
        self._client.set_terminated(run)
        return run


def _pages(search: Callable[..., Any], *query: str) -> list[Any]:
    found: list[Any] = []
    token: str | None = None
    while True:
        page = search(*query, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
