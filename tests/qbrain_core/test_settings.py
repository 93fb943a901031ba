import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from qbrain_core.settings import DEFAULT_SECRET, Settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QBRAIN_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("secret", [None, DEFAULT_SECRET, "short"])
def test_prod_without_a_secret_of_its_own_is_refused(secret: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBRAIN_ENV", "prod")
    if secret is not None:
        monkeypatch.setenv("QBRAIN_SECRET", secret)
    with pytest.raises(ValidationError, match="at least 32 characters") as caught:
        Settings()
    assert secret is None or secret == DEFAULT_SECRET or secret not in str(caught.value)


def test_prod_with_a_secret_of_its_own_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBRAIN_ENV", "prod")
    monkeypatch.setenv("QBRAIN_SECRET", "s" * 32)
    settings = Settings()
    assert settings.env == "prod"
    assert "sss" not in repr(settings)


def test_everything_lies_under_home_by_default(tmp_path: Path) -> None:
    settings = Settings()
    home = str(tmp_path / "home")
    assert settings.lake_root == f"{home}/lake"
    assert settings.database == f"sqlite:///{home}/qbrain.db"
    assert settings.mlflow_database != settings.database
    assert settings.artifacts_root.startswith(home)
    assert settings.embedded_redis


def test_servers_take_over_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBRAIN_LAKE_URL", "s3://bucket/lake/")
    monkeypatch.setenv("QBRAIN_DATABASE_URL", "postgresql+psycopg://u@h/db")
    monkeypatch.setenv("QBRAIN_REDIS_URL", "redis://h:6379/0")
    settings = Settings()
    assert settings.lake_root == "s3://bucket/lake"
    assert settings.artifacts_root == "s3://bucket/lake/_artifacts"
    assert settings.database == "postgresql+psycopg://u@h/db"
    assert settings.redis == "redis://h:6379/0"
    assert not settings.embedded_redis


def test_make_home_is_private_and_keeps_its_secret() -> None:
    settings = Settings()
    home = settings.make_home()
    secret = (home / "secret").read_text()
    settings.make_home()
    assert (home / "secret").read_text() == secret
    assert len(secret) == 64
    assert stat.S_IMODE((home / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_valkey_socket_of_a_deep_home_stays_within_the_kernels_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QBRAIN_HOME", str(tmp_path / ("d" * 120)))
    deep = Settings()
    assert len(str(deep.valkey_socket)) <= 100
    monkeypatch.setenv("QBRAIN_HOME", str(tmp_path / ("e" * 120)))
    assert Settings().valkey_socket != deep.valkey_socket


def test_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBRAIN_ENV", "staging")
    with pytest.raises(ValidationError, match="'dev', 'test' or 'prod'"):
        Settings()
