"""Servers that a whole test run shares, S3 store and PostgreSQL: each installation has a place of its own there."""

import itertools
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psycopg
from psycopg import sql

from lake.s3 import S3Access

BUCKET = "qbrain"
DATABASES = {"database_url": "records", "mlflow_url": "mlflow"}
_ROOT = Path(__file__).resolve().parents[2]
_EMPTY = f"{BUCKET}/empty"  # an installation without rows, which the others are copies of
_PREPARE = """
from lake import open_lake
from lake.records import open_records
from lake.registry import Registry
from qbrain_core.settings import Settings
open_lake(Settings())
open_records(Settings())
Registry(Settings()).models()
"""


@contextmanager
def running(store: str, s3_stores: ModuleType, postgres: ModuleType) -> Iterator[dict[str, str]]:
    """Run both, with an empty installation to copy; gives what a process needs to reach them."""
    starts = {"moto": s3_stores.moto_store, "ceph": s3_stores.ceph_store}
    if store not in starts:
        raise ValueError(f"QBRAIN_TEST_SERVERS is one of {', '.join(starts)}, not {store!r}")
    with starts[store]() as variables, postgres.postgres_server() as url, tempfile.TemporaryDirectory() as home:
        S3Access.from_environment(variables).file_system().call_s3("create_bucket", Bucket=BUCKET)
        for database in DATABASES.values():
            _execute(url, "CREATE DATABASE {}", database)
        fields = {field: _at(url, database) for field, database in DATABASES.items()}
        fields |= {"lake_url": f"s3://{_EMPTY}/lake", "env": "test", "home": home}
        settings = {f"QBRAIN_{field.upper()}": value for field, value in fields.items()}
        environment = os.environ | {"PYTHONPATH": str(_ROOT)} | settings | variables
        subprocess.run([sys.executable, "-c", _PREPARE], check=True, env=environment)
        yield {**variables, "store": store, "postgres": url}


class Places:
    """Gives each installation a prefix in the bucket and two databases, and takes them away again."""

    def __init__(self, servers: Mapping[str, str]) -> None:
        self.store = servers["store"]
        self.variables = {name: value for name, value in servers.items() if name.startswith("AWS_")}
        self._url = servers["postgres"]
        self._numbers = itertools.count()
        self._empty: list[str] = []

    @contextmanager
    def new(self) -> Iterator[dict[str, str]]:
        """Give the settings of a fresh installation that say where it lies."""
        name = f"n{os.getpid()}_{next(self._numbers)}"
        databases = {field: f"{name}_{database}" for field, database in DATABASES.items()}
        for field, database in databases.items():
            _execute(self._url, "CREATE DATABASE {} TEMPLATE {}", database, DATABASES[field])
        files = S3Access.from_environment(self.variables).file_system()
        prefix = f"{BUCKET}/{name}-{uuid.uuid4().hex[:8]}"
        self._empty = self._empty or files.find(_EMPTY)
        files.copy(self._empty, [prefix + path.removeprefix(_EMPTY) for path in self._empty])
        try:
            urls = {field: _at(self._url, database) for field, database in databases.items()}
            yield {"lake_url": f"s3://{prefix}/lake", **urls}
        finally:
            for database in databases.values():
                _execute(self._url, "DROP DATABASE {} WITH (FORCE)", database)
            files.rm(prefix, recursive=True)


def _at(url: str, database: str) -> str:
    return url.replace("/postgres?", f"/{database}?")


def _execute(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
