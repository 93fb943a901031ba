"""Opening a lake: cheap, repeatable, safe from several processes and threads."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.storage import Storage
from lake.tables import TABLES
from qbrain_core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_open_makes_every_table_once(lake: Lake, settings: Settings) -> None:
    assert open_lake(settings).versions() == dict.fromkeys(TABLES, 0)
    bars = Storage(settings).open("bars")
    assert bars.metadata().partition_columns == ["market", "year"]
    assert bars.schema().to_arrow().field("close").nullable
    assert not bars.schema().to_arrow().field("factor").nullable


def test_second_open_is_cheap(lake: Lake, settings: Settings) -> None:
    start = time.perf_counter()
    assert open_lake(settings).bars().is_empty()
    assert time.perf_counter() - start < (1.0 if settings.lake_url else 0.1)


def test_open_reads_the_environment_when_given_nothing(settings: Settings) -> None:
    assert open_lake().settings.home == settings.home


def test_processes_that_open_a_new_lake_at_once_agree(
    settings: Settings, without_lake: Callable[[Settings], Settings]
) -> None:
    storage = Storage(without_lake(settings))
    code = "from lake import open_lake; print(sum(open_lake().versions().values()))"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["0\n"] * 3
    assert all(storage.exists(name) and not storage.exists(name, 1) for name in TABLES)


def test_relative_home_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lake = open_lake(Settings(env="test", home=Path("home")))
    with lake.commit("a", 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": ["u"], "instrument": ["A.US"], "start": [date(2024, 1, 1)]}))
    monkeypatch.chdir("/")
    assert lake.sql("select count(*) from universes").item() == 1


def test_scan_is_lazy_and_declared(lake: Lake) -> None:
    scan = lake.scan("bars")
    assert isinstance(scan, pl.LazyFrame)
    assert scan.collect_schema().names() == TABLES["bars"].schema.names


def test_threads_read_while_another_writes(lake: Lake) -> None:
    def universe(n: int) -> pl.DataFrame:
        names = [f"N{n}-{i}.US" for i in range(10)]
        return pl.DataFrame({"universe": "u", "instrument": names, "start": date(2024, 1, 1)})

    def write() -> None:
        for n in range(20):
            with lake.commit(f"w{n}", 1) as tx:
                tx.upsert("universes", universe(n))

    def read(_: int) -> bool:
        counts = [lake.sql("select count(*) from universes").item(), lake.universe("u").height]
        return all(count % 10 == 0 for count in counts) and counts[0] <= counts[1]

    with ThreadPoolExecutor(4) as pool:
        writing = pool.submit(write)
        results = list(pool.map(read, range(60)))
        writing.result()
    assert all(results)
    assert lake.universe("u").height == 200
