"""Lakes in both kinds of place: a folder, and a bucket of moto."""

import importlib.util
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.s3 import S3Access
from qbrain_core.settings import Settings

_STORES = Path(__file__).resolve().parents[1] / "support" / "s3_stores.py"


@pytest.fixture(scope="session")
def moto_variables() -> Iterator[dict[str, str]]:
    """Run moto with an empty bucket `places`; gives the variables that reach it."""
    spec = importlib.util.spec_from_file_location("s3_stores", _STORES)
    assert spec is not None
    assert spec.loader is not None
    stores = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stores)
    with stores.moto_store() as variables:
        S3Access.from_environment(variables).file_system().call_s3("create_bucket", Bucket="places")
        yield variables


@pytest.fixture(params=["folder", "bucket"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give the settings of a lake in a folder, then of one in a bucket; the records are SQLite's in both."""
    url = ""
    if request.param == "bucket":
        for name, value in request.getfixturevalue("moto_variables").items():
            monkeypatch.setenv(name, value)
        url = f"s3://places/{uuid.uuid4().hex}"
    settings = Settings(env="test", home=tmp_path / "home", lake_url=url, database_url="")
    settings.make_home()
    return settings
