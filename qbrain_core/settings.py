"""Every setting of an installation, typed, read from the environment in this one place."""

import hashlib
import secrets
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from qbrain_core.errors import InvalidInputError

__all__ = ["DEFAULT_SECRET", "QUEUES", "Settings"]

QUEUES = ("data", "train", "backtest")
"""Queue names; each worker process serves exactly one."""

DEFAULT_SECRET = "development-only"
"""Signs nothing outside `dev` and `test`; `prod` refuses it."""

_MAX_SOCKET_PATH = 100  # bytes; the kernel's limit for a unix socket's path is 107


def _default_home() -> Path:
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".qbrain"
    return Path.home() / ".qbrain"


class Settings(BaseSettings):
    """Settings of one installation; every field is the environment variable `QBRAIN_<NAME>`.

    Raises
    ------
    InvalidInputError
        If `env` is `prod` and the secret is missing, the default, or shorter than 32 characters.
    """

    model_config = SettingsConfigDict(env_prefix="QBRAIN_", frozen=True, extra="ignore", hide_input_in_errors=True)

    env: Literal["dev", "test", "prod"] = Field("dev", description="Where this runs; prod refuses default secrets.")
    home: Path = Field(default_factory=_default_home, description="Folder that holds everything the product writes.")
    host: str = Field("127.0.0.1", description="Address the web server binds.")
    port: int = Field(8501, ge=1, le=65535, description="Port of the web server.")
    lake_url: str = Field("", description="Where tables live: a folder or s3://bucket/prefix; empty: HOME/lake.")
    database_url: str = Field("", description="Records: a SQLAlchemy URL; empty: SQLite at HOME/qbrain.db.")
    mlflow_url: str = Field("", description="Model registry: a SQLAlchemy URL; empty: SQLite at HOME/mlflow.db.")
    redis_url: str = Field("", description="Redis or Valkey; empty: an embedded Valkey on a socket under HOME/run.")
    secret: SecretStr = Field(SecretStr(DEFAULT_SECRET), description="Signs sessions and tokens; required in prod.")
    owner: str = Field("local", description="User that jobs and objects made from this shell belong to.")
    workers: str = Field("", description="Workers of a queue where it is not one, as 'train:2,data:3'.")
    retry_attempts: int = Field(3, ge=0, description="How often a job is tried again after a transient failure.")
    retry_delay_s: float = Field(60.0, ge=0, description="Pause before such a retry, in seconds.")
    lease_s: float = Field(6.0, gt=0, description="A worker not heard of for this long has lost its job, in seconds.")
    lease_renew_s: float = Field(2.0, gt=0, description="How often a worker renews its lease, in seconds.")
    janitor_interval_s: float = Field(2.0, gt=0, description="How often lost jobs are looked for, in seconds.")
    sql_timeout_s: float = Field(30.0, gt=0, description="Wall-clock limit of one query on the SQL page, in seconds.")
    sql_memory_mib: int = Field(2048, ge=256, description="Memory limit of one query on the SQL page, in MiB.")
    cache_memory_mib: int = Field(256, ge=0, description="Memory one process keeps results of reads in, MiB; 0: none.")
    cache_redis_mib: int = Field(64, ge=0, description="Small results kept in Redis for all processes, MiB; 0: none.")
    cache_disk_mib: int = Field(4096, ge=0, description="Dense panels kept under HOME/cache, in MiB; 0: none.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe level logged.")

    @model_validator(mode="after")
    def _prod_has_secrets(self) -> Self:
        value = self.secret.get_secret_value()
        if self.env == "prod" and (value == DEFAULT_SECRET or len(value) < 32):
            rule = "QBRAIN_ENV=prod needs a secret of its own of at least 32 characters"
            raise InvalidInputError("QBRAIN_SECRET", "***" if value != DEFAULT_SECRET else "the default", rule)
        return self

    @property
    def lake_root(self) -> str:
        """Root of the tables, a path or an s3:// URL, without a trailing slash."""
        return (self.lake_url or str(self.home / "lake")).rstrip("/")

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the records."""
        return self.database_url or f"sqlite:///{self.home / 'qbrain.db'}"

    @property
    def mlflow_database(self) -> str:
        """SQLAlchemy URL of the model registry; never the records' own database."""
        return self.mlflow_url or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def artifacts_root(self) -> str:
        """Root of model artifacts, a path or an s3:// URL."""
        if self.lake_url.startswith("s3://"):
            return self.lake_root + "/_artifacts"
        return str(self.home / "artifacts")

    @cached_property
    def valkey_socket(self) -> Path:
        """Socket of the embedded Valkey; in the temporary folder where HOME's own path is too long for one."""
        path = self.home.resolve() / "run" / "valkey.sock"
        if len(str(path).encode()) <= _MAX_SOCKET_PATH:
            return path
        digest = hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"qbrain-{digest}" / "valkey.sock"

    @property
    def redis(self) -> str:
        """URL of Redis or Valkey."""
        return self.redis_url or f"unix://{self.valkey_socket}"

    @property
    def embedded_redis(self) -> bool:
        """Whether this installation runs its own Valkey."""
        return not self.redis_url

    def make_home(self) -> Path:
        """Create HOME with its folders (mode 700) and a secret of its own; safe to call again.

        Returns
        -------
        Path
            HOME.
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("lake", "artifacts", "valkey", "cache", "logs", "run"):
            (self.home / name).mkdir(mode=0o700, exist_ok=True)
        self.valkey_socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = self.home / "secret"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_hex(32))
        return self.home
