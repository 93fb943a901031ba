"""Fixtures every package's tests share: a home of their own, a lake, real data, a real Valkey."""

import importlib.util
import itertools
import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import polars as pl
import psycopg
import pytest

from lake import Lake, open_lake
from lake.s3 import S3Access
from qbrain_core.limits import price_limits
from qbrain_core.markets import MARKETS
from qbrain_core.settings import Settings

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no defect
hypothesis.settings.load_profile("untimed")

_SERVERS = pytest.StashKey[Any]()
_SERVERS_AT = "_QBRAIN_TEST_SERVERS_AT"  # tells the processes of xdist what the first one has started
_REAL_DATA = Path(os.environ.get("QBRAIN_REAL_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"))


def pytest_configure(config: pytest.Config) -> None:
    """Start servers for the whole run where QBRAIN_TEST_SERVERS names an S3 store: `moto` or `ceph`."""
    store = os.environ.get("QBRAIN_TEST_SERVERS", "")
    if not store:
        return
    support = _support("servers")
    if _SERVERS_AT not in os.environ:
        started = ExitStack()
        config.add_cleanup(started.close)
        at = started.enter_context(support.running(store, _support("s3_stores"), _support("postgres")))
        os.environ[_SERVERS_AT] = json.dumps(at)
        started.callback(os.environ.pop, _SERVERS_AT)
    config.stash[_SERVERS] = places = support.Places(json.loads(os.environ[_SERVERS_AT]))
    os.environ.update(places.variables)


@pytest.fixture(scope="session")
def place(pytestconfig: pytest.Config) -> Callable[[], AbstractContextManager[dict[str, str]]]:
    """Give the settings that say where an installation's lake and databases are: on the run's servers, or none."""
    places = pytestconfig.stash.get(_SERVERS, None)
    return places.new if places else lambda: nullcontext({})


@pytest.fixture
def settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Callable[[], AbstractContextManager[dict[str, str]]]
) -> Iterator[Settings]:
    for name in [n for n in os.environ if n.startswith("QBRAIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QBRAIN_ENV", "test")
    monkeypatch.setenv("QBRAIN_HOME", str(tmp_path / "home"))
    with place() as fields:
        for name, value in fields.items():
            monkeypatch.setenv(f"QBRAIN_{name.upper()}", value)
        made = Settings()
        made.make_home()
        yield made


@pytest.fixture
def without_lake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Settings], Settings]:
    """Give the settings of an installation whose lake nobody has made yet; a bucket's comes with empty tables."""

    def without(settings: Settings) -> Settings:
        if not settings.lake_url:
            return settings
        monkeypatch.setenv("QBRAIN_LAKE_URL", settings.lake_url.replace("/lake", "/fresh"))
        return settings.model_copy(update={"lake_url": os.environ["QBRAIN_LAKE_URL"]})

    return without


@pytest.fixture
def in_folder(settings: Settings) -> None:
    """Skip where the lake is in a bucket: the test is about files and folders of this machine."""
    if settings.lake_url:
        pytest.skip("about the files of a lake in a folder")


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


@pytest.fixture(scope="session")
def cn_bars(real_data: Path) -> pl.DataFrame:
    """300 A-shares, 2020-01 to 2025-04, with the columns of the table `bars`: halts, ex-rights, limits, ST."""
    folder = real_data / "cn_daily"
    steps = pl.read_parquet(folder / "adj_factor_changes.parquet").sort("code", "date")
    raw = pl.read_parquet(folder / "csi300_daily_raw.parquet").sort("code", "date")
    factor = pl.col("factor").cast(pl.Float64).fill_null(1.0)
    bars = raw.join_asof(steps, on="date", by="code", check_sortedness=False).select(
        "open", "high", "low", "close", "preclose", "amount",
        instrument=pl.col("code").str.slice(3) + "." + pl.col("code").str.slice(0, 2).str.to_uppercase(),
        session="date",
        market=pl.lit("CN"),
        volume=pl.col("volume").cast(pl.Float64),
        factor=factor / factor.first().over("code"),
        halted=pl.col("tradestatus") == 0,
        special_treatment=pl.col("isST") == 1,
        price_basis=pl.lit("raw"),
    )  # fmt: skip
    bars = bars.sort("instrument", "session")
    return bars.hstack(price_limits(bars, MARKETS["CN"])).drop("preclose")


@pytest.fixture
def valkey(settings: Settings) -> Iterator[str]:
    from jobs.valkey import start_valkey

    with start_valkey(settings):
        yield settings.redis


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Give a function that makes a fresh database on a PostgreSQL of this run's own, and returns its URL."""
    server = _support("postgres")
    if server.binaries() is None:
        reason = "PostgreSQL is not installed (Debian: postgresql)"
        warnings.warn(f"SKIPPED: {reason}", stacklevel=1)
        pytest.skip(reason)
    numbers = itertools.count()
    with server.postgres_server() as url:

        def fresh() -> str:
            name = f"test{next(numbers)}"
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return url.replace("/postgres?", f"/{name}?")

        yield fresh


@pytest.fixture(scope="session", params=["moto", pytest.param("ceph", marks=pytest.mark.soak)])
def s3_store(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Run an S3 server of this run's own with an empty bucket `qbrain`; gives the variables that reach it."""
    stores = _support("s3_stores")
    places = request.config.stash.get(_SERVERS, None)
    if places and places.store == request.param:
        yield places.variables
        return
    if request.param == "ceph" and not stores.CEPH_SCRIPT.is_file():
        reason = "there is no shared/s3/ceph_rgw.sh beside the checkout"
        warnings.warn(f"SKIPPED: {reason}", stacklevel=1)
        pytest.skip(reason)
    with stores.moto_store() if request.param == "moto" else stores.ceph_store() as variables:
        S3Access.from_environment(variables).file_system().call_s3("create_bucket", Bucket="qbrain")
        yield variables


@pytest.fixture(scope="session")
def careless_s3_store() -> Iterator[dict[str, str]]:
    """Run an S3 server like `s3_store` that ignores the condition of a conditional PUT."""
    with _support("s3_stores").moto_store(careless=True) as variables:
        S3Access.from_environment(variables).file_system().call_s3("create_bucket", Bucket="qbrain")
        yield variables


def _support(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "support" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
