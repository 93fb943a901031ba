"""Vacuum: what nothing needs goes, what anybody may need stays."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.compaction import compact
from lake.log import read_entry
from lake.records import open_records
from lake.vacuum import SHORTEST_RETENTION_S, vacuum
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LATER = timedelta(days=60)


def upsert(lake: Lake, job: str, instrument: str, start: date = date(2024, 1, 1)) -> int:
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": ["u"], "instrument": [instrument], "start": [start]}))
    return tx.versions["universes"]


def delete(lake: Lake, job: str, instrument: str) -> int:
    with lake.commit(job, 1) as tx:
        tx.delete("universes", where={"instrument": instrument})
    return tx.versions["universes"]


def members(lake: Lake, as_of: object = None) -> list[str]:
    return lake.universe("u", as_of=as_of)["instrument"].to_list()  # type: ignore[arg-type]


def stored_files(lake: Lake, table: str = "universes") -> set[str]:
    return set(lake.catalog.storage.stored_files(table))


@pytest.fixture
def history(lake: Lake) -> Lake:
    """Versions 1 and 2 add A and B, 3 and 4 delete them, 5 adds C."""
    upsert(lake, "a", "A.US")
    upsert(lake, "b", "B.US")
    delete(lake, "-a", "A.US")
    delete(lake, "-b", "B.US")
    upsert(lake, "c", "C.US")
    return lake


def test_vacuum_within_the_retention_deletes_nothing(history: Lake) -> None:
    assert vacuum(history, keep={}) == []
    assert [members(history, {"universes": version}) for version in (1, 2)] == [["A.US"], ["A.US", "B.US"]]


def test_vacuum_after_the_retention_keeps_only_what_the_newest_needs(history: Lake, settings: Settings) -> None:
    gone = vacuum(history, keep={}, now=datetime.now(UTC) + LATER)
    assert [(done.table, len(done.files)) for done in gone] == [("universes", 2)]
    assert gone[0].size_bytes > 0
    for lake in (open_lake(settings), history):
        assert members(lake) == ["C.US"]
        assert lake.sql("select instrument from universes").item() == "C.US"
    with pytest.raises(InvalidInputError, match=r"as_of.universes is 2, but its files have been cleaned up"):
        members(open_lake(settings), {"universes": 2})
    assert vacuum(history, keep={}, now=datetime.now(UTC) + LATER) == []


def test_dry_run_lists_and_keeps(history: Lake) -> None:
    before = stored_files(history)
    planned = vacuum(history, keep={}, now=datetime.now(UTC) + LATER, dry_run=True)
    assert stored_files(history) == before
    assert vacuum(history, keep={}, now=datetime.now(UTC) + LATER) == planned
    assert stored_files(history) == before - set(planned[0].files)


def test_vacuum_keeps_what_was_newest_at_some_time_within_the_retention(history: Lake) -> None:
    moments = [read_entry(history.catalog.storage, "universes", version).made_ms for version in (2, 3)]
    between = datetime.fromtimestamp(sum(moments) / 2000, UTC)  # version 2 is the newest then
    gone = vacuum(history, keep={}, retention_s=86_400, now=between + timedelta(days=1))
    assert gone == []
    assert members(history, {"universes": 2}) == ["A.US", "B.US"]
    gone = vacuum(history, keep={}, retention_s=86_400, now=datetime.fromtimestamp((moments[1] + 1) / 1000, UTC)
                  + timedelta(days=1))  # fmt: skip
    assert [len(done.files) for done in gone] == [1], "A's file went out of use with version 3"


@pytest.mark.parametrize("pin", [1, 2])
def test_vacuum_keeps_a_pinned_version(history: Lake, settings: Settings, pin: int) -> None:
    before = members(history, {"universes": pin})
    vacuum(history, keep={"universes": {pin, 99}}, now=datetime.now(UTC) + LATER)
    assert members(open_lake(settings), {"universes": pin}) == before


def test_pin_in_the_records_and_pins_of_a_backtest_are_kept(history: Lake, settings: Settings) -> None:
    open_records(settings).set_pin("release", {"universes": 1}, owner="local")
    upsert(history, "d", "D.US")
    run = {
        "run_id": "r", "owner": "local", "visibility": "private", "created_at": datetime.now(UTC), "name": "n",
        "market": "US", "model": "m", "version": 1, "start": date(2024, 1, 1), "end": date(2024, 1, 2), "spec": "{}",
        "pins": json.dumps({"universes": 2}), "code_hash": "", "metrics": "{}", "caveats": "[]",
    }  # fmt: skip
    with history.commit("run", 1) as tx:
        tx.upsert("backtest_runs", pl.DataFrame([run]))
    vacuum(history, now=datetime.now(UTC) + LATER)
    again = open_lake(settings)
    assert members(again, "release") == ["A.US"]
    assert members(again, {"universes": 2}) == ["A.US", "B.US"]


def test_pinned_version_that_was_compacted_lives_on_in_the_sorted_files(lake: Lake, settings: Settings) -> None:
    for n in range(5):
        upsert(lake, f"u{n}", f"N{n}.US")
    compact(lake, ["universes"])
    delete(lake, "x", "N0.US")
    gone = vacuum(lake, keep={"universes": {5}}, now=datetime.now(UTC) + LATER)
    assert [len(done.files) for done in gone] == [5]
    for reader in (lake, open_lake(settings)):
        assert len(members(reader, {"universes": 5})) == 5
        assert members(reader) == [f"N{n}.US" for n in range(1, 5)]


def test_orphans_go_when_they_are_old_and_not_before(in_folder: None, history: Lake) -> None:
    folder = Path(history.settings.lake_root, "bars", "market=US", "year=2024")
    folder.mkdir(parents=True)
    young, old = folder / "part-young.parquet", folder / "part-old.parquet"
    for path in (young, old):
        path.write_bytes(b"torn")
    os.utime(old, (time.time() - 2 * SHORTEST_RETENTION_S,) * 2)
    gone = vacuum(history, keep={}, retention_s=SHORTEST_RETENTION_S)
    assert [(done.table, done.files, done.size_bytes) for done in gone] == [
        ("bars", ("market=US/year=2024/part-old.parquet",), 4)
    ]
    assert young.exists()
    assert not old.exists()


def test_partition_values_with_odd_characters_are_found_again(lake: Lake) -> None:
    scores = {"model": "a b%/é", "version": 1, "instrument": "A.US", "session": date(2024, 1, 2), "score": 1.0}
    with lake.commit("a", 1) as tx:
        tx.upsert("predictions", pl.DataFrame([scores]))
    assert vacuum(lake, keep={}, now=datetime.now(UTC) + LATER) == []
    assert lake.predictions("a b%/é", 1).height == 1
    lake.rollback("predictions", 0, "r")
    lake.rollback("predictions", 1, "s")
    assert len(vacuum(lake, keep={}, now=datetime.now(UTC) + LATER)) == 1
    assert lake.predictions("a b%/é", 1).height == 1


def test_short_retention_is_refused(lake: Lake) -> None:
    with pytest.raises(InvalidInputError, match="retention_s is 60, but it is at least"):
        vacuum(lake, keep={}, retention_s=60)


def test_records_that_cannot_be_read_stop_the_vacuum(history: Lake, settings: Settings) -> None:
    before = stored_files(history)
    blind = Lake(settings.model_copy(update={"database_url": "nonsense://"}))
    with pytest.raises(InvalidInputError, match="QBRAIN_DATABASE_URL"):
        vacuum(blind, now=datetime.now(UTC) + LATER)
    assert stored_files(history) == before


WRITER = """
import sys, polars as pl
from datetime import date
from pathlib import Path
from lake import open_lake
from qbrain_core.settings import Settings
home, writer, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
lake = open_lake(Settings(env="test", home=home))
for n in range(rounds):
    with lake.commit(f"{writer}-{n}", 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": ["u"] * 2, "instrument": [f"W{writer}N{n}.US", "SHARED.US"],
                                             "start": [date(2024, 1, 1)] * 2, "end": [date(2025, 1, 1 + n % 28)] * 2}))
    if n % 3 == 2:
        with lake.commit(f"{writer}-{n}-x", 1) as tx:
            tx.delete("universes", where={"instrument": f"W{writer}N{n}.US"})
    if n % 7 == 6:
        lake.rollback("universes", lake.versions()["universes"] - 1, f"{writer}-{n}-back")
"""


@pytest.mark.parametrize(
    ("writers", "rounds"), [(2, 7), pytest.param(4, 150, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_vacuum_beside_writers_and_killed_writers_keeps_every_version(
    in_folder: None, lake: Lake, settings: Settings, writers: int, rounds: int
) -> None:
    command = [sys.executable, "-c", WRITER, str(settings.home)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen([*command, str(writer), str(rounds)], env=env) for writer in range(writers)]
    victim = subprocess.Popen([*command, "99", "100000"], env=env)
    root, planted = Path(settings.lake_root, "universes"), 0
    while any(process.poll() is None for process in processes):
        torn = root / f"part-torn{planted}.parquet"
        torn.write_bytes(b"torn")
        os.utime(torn, (time.time() - 2 * SHORTEST_RETENTION_S,) * 2)
        planted += 1
        gone = vacuum(lake, ["universes"], keep={}, retention_s=SHORTEST_RETENTION_S)
        assert [done.files for done in gone] == [(torn.name,)]
        if any(name.startswith("W99") for name in members(lake)):
            victim.kill()  # in the middle of its commits
        time.sleep(0.1)
    victim.kill()
    victim.wait()
    assert [process.returncode for process in processes] == [0] * writers
    again = open_lake(settings)
    newest = again.versions()["universes"]
    for version in range(newest + 1):
        assert again.scan("universes", as_of={"universes": version}).collect().select("instrument").is_unique().all()
    before = members(again)
    vacuum(again, keep={}, now=datetime.now(UTC) + LATER)
    assert members(open_lake(settings)) == before
    assert stored_files(again) == {file.path for file in again.snapshot("universes").files}
