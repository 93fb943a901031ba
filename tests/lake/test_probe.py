"""The race that tells whether a store keeps writers apart, and what follows where it does not."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest

from lake.probe import CONTENDERS, UnsafeStoreError, allow_writing, count_winners
from lake.s3 import S3Access

ROOT = Path(__file__).resolve().parents[2]
WRITER = "import sys; from lake.probe import *; from lake.s3 import S3Access; "
WRITER += "allow_writing(S3Access.from_environment(), sys.argv[1]); print('writing', flush=True); sys.stdin.read()"


@pytest.fixture(scope="module")
def careless(careless_s3_store: dict[str, str]) -> S3Access:
    return S3Access.from_environment(careless_s3_store)


@pytest.fixture
def root() -> str:
    return f"s3://qbrain/{uuid.uuid4().hex}"


def test_race_has_one_winner_where_the_condition_is_kept(s3_store: dict[str, str], root: str) -> None:
    files = S3Access.from_environment(s3_store).file_system()
    assert [count_winners(files, f"{root}/race") for _ in range(5)] == [1] * 5


def test_race_has_many_winners_where_it_is_ignored(careless: S3Access, root: str) -> None:
    assert count_winners(careless.file_system(), f"{root}/race") == CONTENDERS


def test_verdict_is_kept_beside_the_lake(s3_store: dict[str, str], root: str) -> None:
    access = S3Access.from_environment(s3_store)
    allow_writing(access, root)
    (marker,) = access.file_system().ls(f"{root}/_probe", detail=False)
    assert json.loads(access.file_system().cat_file(marker)) == {"one_winner": True, "endpoint": access.endpoint}
    access.file_system().pipe_file(marker, b"{")  # this process asks no more
    allow_writing(access, root)


def test_second_writer_is_refused_until_the_first_is_gone(careless_s3_store: dict[str, str], root: str) -> None:
    env = os.environ | careless_s3_store | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    first = subprocess.Popen([sys.executable, "-c", WRITER, root], env=env, stdin=pipe, stdout=pipe, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "writing\n"
    access = S3Access.from_environment(careless_s3_store)
    with pytest.raises(UnsafeStoreError, match=f"only one process may write, and process {first.pid} on"):
        allow_writing(access, root)
    first.communicate("")
    allow_writing(access, root)  # the process is gone, and its claim with it
    claim = json.loads(access.file_system().cat_file(f"{root}/_probe/writer.json"))
    assert claim["pid"] == os.getpid()


def test_claim_of_another_machine_is_never_taken_over(careless: S3Access, root: str) -> None:
    claim = {"host": "elsewhere", "pid": 1, "started": psutil.Process().create_time()}
    careless.file_system().pipe_file(f"{root}/_probe/writer.json", json.dumps(claim).encode())
    with pytest.raises(UnsafeStoreError, match="process 1 on elsewhere"):
        allow_writing(careless, root)
