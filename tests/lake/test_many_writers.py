"""Many writers and readers of one table at once: none lost, none doubled, and history replays."""

import random
import time
from pathlib import Path

import pytest
from crash_ledger import read_ledger
from crash_stage import Stage

from qbrain_core.settings import Settings

SOAK = [pytest.mark.soak, pytest.mark.timeout(7200)]


@pytest.mark.parametrize(
    ("writers", "readers", "steps"),
    [(3, 1, 5), pytest.param(8, 4, 70, marks=SOAK), pytest.param(8, 4, 500, marks=SOAK)],
)
def test_writers_beside_readers_lose_and_double_nothing(
    tmp_path: Path, settings: Settings, writers: int, readers: int, steps: int
) -> None:
    folder = settings.model_copy(update={"home": tmp_path / "home", "lake_url": str(tmp_path / "lake")})
    stage = Stage(folder, seed=random.SystemRandom().randrange(10**6))
    print(f"seed {stage.seed}")
    began = time.monotonic()
    names = [f"W{number}" for number in range(writers)]
    with stage.readers(readers):
        processes = [stage.writer(name, steps) for name in names]
        for process in processes:
            process.communicate(timeout=7000)
        assert [process.returncode for process in processes] == [0] * writers
    took = time.monotonic() - began
    done = [step for name in names for step in read_ledger(stage.ledgers, name)]
    assert all(step.version is not None for step in done)
    assert len({step.version for step in done}) == len(done), "every commit is a version of its own"
    made = stage.check(samples=60, chance=random.Random(stage.seed))
    assert made == len(done)
    versions = stage.lake.versions()["bars"]
    print(f"{made} commits, {versions} versions, {took:.0f} s; checked after {time.monotonic() - began:.0f} s")
