"""The door to a bucket: it reads what the lake names, from many threads, and does nothing else."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.door import Door
from lake.s3 import S3Access

ROWS = 20_000
ROOT = "s3://qbrain/door"


@pytest.fixture(scope="module")
def access(s3_store: dict[str, str]) -> S3Access:
    access = S3Access.from_environment(s3_store)
    files = access.file_system()
    for name in ("a", "b"):
        buffer = io.BytesIO()
        numbers = np.arange(ROWS)
        pq.write_table(pa.table({"n": numbers, "x": numbers / 2, "y": numbers % 7}), buffer, row_group_size=8192)
        files.pipe_file(f"{ROOT}/year=2024/{name}.parquet", buffer.getvalue())
    files.pipe_file("s3://qbrain/door-of-another/secret.txt", b"secret")
    return access


def connect(door: Door) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(":memory:", config={"threads": 4})
    engine.register_filesystem(door)
    return engine


def test_queries_of_many_threads_all_succeed(access: S3Access) -> None:
    engine = connect(Door(access, root=ROOT))
    engine.execute("SET GLOBAL enable_external_file_cache = false")  # every query reads the store
    files = [f"{ROOT}/year=2024/{name}.parquet" for name in ("a", "b")]

    def total(number: int) -> float:
        query = "SELECT sum(x) FROM read_parquet($files, hive_partitioning=true) WHERE n >= $n AND year = 2024"
        row = engine.cursor().execute(query, {"files": files, "n": number * 300}).fetchone()
        assert row is not None
        return float(row[0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(total, range(64))) == [float(np.arange(n * 300, ROWS).sum()) for n in range(64)]


def test_handle_has_a_place_for_every_thread(access: S3Access) -> None:
    handle = Door(access, root=ROOT).open(f"{ROOT}/year=2024/a.parquet")
    assert handle.read(4) == b"PAR1"
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(handle.tell).result() == 0
    assert handle.tell() == 4
    handle.seek(-4, 2)
    assert handle.read() == b"PAR1"
    assert handle.read(10) == b""


@pytest.mark.parametrize(
    "path",
    [
        "s3://qbrain/door-of-another/secret.txt",
        "s3://qbrain/door/../door-of-another/secret.txt",
        "s3://qbrain/door",
        "s3://qbrain/door//year=2024/a.parquet",
        "s3://another/door/year=2024/a.parquet",
        "/etc/hostname",
    ],
)
def test_path_outside_the_root_is_refused(access: S3Access, path: str) -> None:
    door = Door(access, root=ROOT)
    for reach in (door.open, door.info, door.glob, door.size):
        with pytest.raises(PermissionError):
            reach(path)


def test_door_of_listed_files_opens_no_other(access: S3Access) -> None:
    door = Door(access, root=ROOT, files=[f"{ROOT}/year=2024/a.parquet"])
    assert door.size(f"{ROOT}/year=2024/a.parquet") > 0
    with pytest.raises(PermissionError):
        door.open(f"{ROOT}/year=2024/b.parquet")


@pytest.mark.parametrize(
    "change",
    [
        lambda door, path: door.open(path, "wb"),
        lambda door, path: door.open(path, "r+b"),
        lambda door, path: door.pipe_file(path, b"x"),
        lambda door, path: door.touch(path),
        lambda door, path: door.rm(path),
        lambda door, path: door.mv(path, path + "2"),
        lambda door, path: door.cp_file(path, path + "2"),
        lambda door, path: door.mkdir(path),
        lambda door, path: door.makedirs(path),
        lambda door, path: door.ls(ROOT),
    ],
)
def test_nothing_is_written_or_listed(access: S3Access, change: Callable[[Door, str], object]) -> None:
    with pytest.raises(PermissionError):
        change(Door(access, root=ROOT), f"{ROOT}/year=2024/a.parquet")


def test_engine_cannot_write_through_it(access: S3Access) -> None:
    engine = connect(Door(access, root=ROOT))
    with pytest.raises(duckdb.Error, match="PermissionError"):
        engine.execute(f"COPY (SELECT 1) TO '{ROOT}/new.csv'")
    with pytest.raises(duckdb.Error, match="PermissionError"):
        engine.execute(f"COPY (SELECT 1) TO '{ROOT}/year=2024/a.parquet'")


def test_missing_file_is_said_to_be_missing(access: S3Access) -> None:
    with pytest.raises(FileNotFoundError):
        Door(access, root=ROOT).open(f"{ROOT}/none.parquet")
