"""Writers killed at random, on a folder and on a bucket: nothing torn, nothing acknowledged lost, nothing doubled."""

import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from crash_stage import Stage

from lake import open_lake
from qbrain_core.settings import Settings

SOAK = [pytest.mark.soak, pytest.mark.timeout(7200)]
LANES = 3


def kill_many(stage: Stage, kills: int) -> None:
    print(f"seed {stage.seed}")
    began = time.monotonic()
    chances = [random.Random(f"{stage.seed}-{number}") for number in range(kills)]
    with stage.readers(2), ThreadPoolExecutor(LANES) as lanes:
        within = sum(lanes.map(lambda n: stage.kill_a_writer(f"L{n:04}", chances[n]), range(kills)))
    made = stage.check(samples=20, chance=random.Random(stage.seed))
    versions = stage.lake.versions()["bars"]
    gone = stage.clean()
    stage.check(samples=20, chance=random.Random(stage.seed + 1))
    print(
        f"{kills} kills, {within} of them within a commit; {made} commits, {versions} versions, "
        f"{gone} orphans removed, {time.monotonic() - began:.0f} s"
    )
    survivor = stage.writer("survivor", 5)
    assert survivor.communicate(timeout=120)
    assert survivor.returncode == 0
    stage.check_writer("survivor")
    assert within > 0


@pytest.mark.parametrize("kills", [5, pytest.param(500, marks=SOAK)])
def test_killed_writers_on_a_folder(tmp_path: Path, settings: Settings, kills: int) -> None:
    folder = settings.model_copy(update={"home": tmp_path / "home", "lake_url": str(tmp_path / "lake")})
    kill_many(Stage(folder, seed=random.SystemRandom().randrange(10**6)), kills)


@pytest.mark.timeout(7200)
@pytest.mark.soak
def test_killed_writers_on_a_bucket(
    s3_store: dict[str, str], request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_store.items():
        monkeypatch.setenv(name, value)
    bucket = settings.model_copy(update={"lake_url": f"s3://qbrain/{uuid.uuid4().hex}"})
    many = request.node.callspec.params["s3_store"] == "ceph"
    kill_many(Stage(bucket, seed=random.SystemRandom().randrange(10**6)), 100 if many else 2)


def test_checks_notice_what_is_lost_doubled_or_torn(tmp_path: Path, settings: Settings) -> None:
    folder = settings.model_copy(update={"home": tmp_path / "home", "lake_url": str(tmp_path / "lake")})
    stage = Stage(folder, seed=1)
    writer = stage.writer("w", 6)
    assert writer.communicate(timeout=60)
    stage.check(samples=3, chance=random.Random(1))
    rows = stage.lake.scan("bars").collect()
    one = rows.row(0, named=True)
    lake = open_lake(folder)
    with lake.commit("torn", 1) as tx:
        tx.delete("bars", where={"instrument": one["instrument"], "session": one["session"]})
    with pytest.raises(AssertionError, match="torn"):
        stage.check_writer("w")
    with lake.commit("lost", 1) as tx:
        for market in ("US", "HK"):
            tx.delete("bars", where={"instrument": one["instrument"][:-2] + market})
    with pytest.raises(AssertionError, match="may be at"):
        stage.check_writer("w")
    lake.rollback("bars", 1, "w-1-again")
    with pytest.raises(AssertionError, match=r"acknowledged and lost|is not what|may be at"):
        stage.check(samples=3, chance=random.Random(1))
