"""Killed while a lake is made, while a table grows, during a rollback and during a vacuum."""

import random
import signal
import time
from pathlib import Path

import polars as pl
import pytest
from crash_ledger import ROWS, rows_of, states
from crash_moments import grown
from crash_stage import Stage

from lake import Lake, open_lake
from lake.tables import TABLES
from qbrain_core.settings import Settings

COUNTS = [2, pytest.param(40, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]


@pytest.fixture
def stage(tmp_path: Path, settings: Settings) -> Stage:
    folder = settings.model_copy(update={"home": tmp_path / "home", "lake_url": str(tmp_path / "lake")})
    return Stage(folder, seed=random.SystemRandom().randrange(10**6))


def kill(stage: Stage, what: str, run: int, chance: random.Random) -> None:
    """Start a process that does one thing again and again, and kill it in the middle."""
    process = stage.start("crash_moments.py", what, run)
    assert process.stdout is not None
    times = [time.monotonic() for _ in range(chance.randint(2, 5)) if process.stdout.readline()]
    time.sleep(chance.uniform(0, 1.2) * (times[-1] - times[-2]))
    process.send_signal(signal.SIGKILL)
    process.communicate()


def write(lake: Lake, job: str, rows: pl.DataFrame) -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert("bars", rows)


@pytest.mark.parametrize("count", COUNTS)
def test_lake_half_made_is_completed_by_the_next_who_opens_it(tmp_path: Path, settings: Settings, count: int) -> None:
    chance = random.Random(seed := random.SystemRandom().randrange(10**6))
    print(f"seed {seed}")
    half = 0
    for number in range(count):
        home = tmp_path / f"home{number}"
        fresh = settings.model_copy(update={"home": home, "lake_url": str(home / "lake")})
        process = Stage.start(_Bare(fresh), "crash_moments.py", "open_it", 0)  # type: ignore[arg-type]
        _kill_once_it_writes(process, home / "lake", chance)
        made = sum(1 for name in TABLES if (home / "lake" / name / "_delta_log" / f"{0:020}.json").is_file())
        half += 0 < made < len(TABLES)
        lake = open_lake(fresh)
        assert lake.versions() == dict.fromkeys(TABLES, 0)
        write(lake, "first", rows_of("A", 1))
        assert states(lake.scan("bars").collect()) == {"A": 1}
    print(f"{count} kills, {half} of them left a lake half made")


class _Bare:
    # what `Stage.start` needs, without making the lake
    def __init__(self, settings: Settings) -> None:
        self.settings = settings


def _kill_once_it_writes(process: object, root: Path, chance: random.Random) -> None:
    ends = time.monotonic() + 60
    wanted = chance.randrange(len(TABLES))
    while sum(1 for _ in root.rglob("*.json")) < wanted and time.monotonic() < ends:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.01))
    process.kill()  # type: ignore[attr-defined]
    process.communicate()  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", COUNTS)
def test_table_killed_while_it_grows_is_sound_and_grows_on(stage: Stage, count: int) -> None:
    print(f"seed {stage.seed}")
    between = 0
    for run in range(count):
        kill(stage, "widen", run, random.Random(f"{stage.seed}-{run}"))
        lake = open_lake(stage.settings)
        name = max(lake.factor_sets(), default=None)
        if name is None or int(name[-8:], 16) // 10_000 != run:
            continue
        number = int(name[-8:], 16)
        rows = rows_of("A", number % 10_000).select("instrument", "session", a="close", b="volume")
        found = lake.factors(name)
        between += "b" not in found.columns or found.height == 6
        assert found.height in (6, 12)
        with lake.commit(f"wide-{number}", 2) as tx:
            tx.upsert(grown(number, "a", "b"), rows.tail(6))
        again = open_lake(stage.settings).factors(name)
        assert again.height == 12
        assert again["b"].null_count() == 6
        assert stage.lake.sql(f"SELECT count(*) FROM factors_grow_{number:08x}").item() == 12
    print(f"{count} kills, {between} of them between the narrow table and the wide one")


@pytest.mark.parametrize("count", COUNTS)
def test_rollback_killed_leaves_one_state_or_the_other(stage: Stage, count: int) -> None:
    print(f"seed {stage.seed}")
    write(stage.lake, "one", rows_of("A", 1))
    write(stage.lake, "two", pl.concat([rows_of("A", 2), rows_of("B", 2)]))
    allowed: list[dict[str, int]] = [{"A": 1}, {"A": 2, "B": 2}]
    for run in range(count):
        kill(stage, "roll_back", run, random.Random(f"{stage.seed}-{run}"))
        assert states(stage.lake.scan("bars").collect()) in allowed
    versions = stage.lake.versions()["bars"]
    for version in range(1, versions + 1):
        assert states(stage.lake.scan("bars", as_of={"bars": version}).collect()) in allowed
    orphans = stage.clean()
    print(f"{count} kills, {versions} versions, {orphans} orphans removed")
    stage.lake.rollback("bars", 1, "last")
    assert states(stage.lake.scan("bars").collect()) == {"A": 1}


@pytest.mark.parametrize("count", COUNTS)
def test_vacuum_killed_takes_nothing_that_is_needed(stage: Stage, count: int) -> None:
    print(f"seed {stage.seed}")
    write(stage.lake, "one", rows_of("A", 1))
    for run in range(1, count + 1):
        kill(stage, "clean", run, random.Random(f"{stage.seed}-{run}"))
        lake = open_lake(stage.settings)
        assert list(states(lake.scan("bars").collect())) == ["A"]
        assert lake.sql("SELECT count(*) FROM bars").item() == ROWS
        write(lake, f"after-{run}", rows_of("A", run * 10_000 + 9_999))
    stage.clean()
    assert states(open_lake(stage.settings).scan("bars").collect()) == {"A": count * 10_000 + 9_999}
