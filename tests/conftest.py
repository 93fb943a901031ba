"""Fixtures every package's tests share: a home of their own, a lake, real data, a real Valkey."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake import Lake, open_lake
from qbrain_core.settings import Settings

_REAL_DATA = Path(os.environ.get("QBRAIN_REAL_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [n for n in os.environ if n.startswith("QBRAIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QBRAIN_ENV", "test")
    monkeypatch.setenv("QBRAIN_HOME", str(tmp_path / "home"))
    made = Settings()
    made.make_home()
    return made


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return open_lake(settings)


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not (_REAL_DATA / "README.md").is_file():
        reason = "real market data is absent: set QBRAIN_REAL_DATA to its folder"
        warnings.warn(f"SKIPPED: {reason}", stacklevel=1)
        pytest.skip(reason)
    return _REAL_DATA


@pytest.fixture
def valkey(settings: Settings) -> Iterator[str]:
    from jobs.valkey import start_valkey

    with start_valkey(settings):
        yield settings.redis
