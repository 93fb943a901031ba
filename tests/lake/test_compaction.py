"""Compaction: the same rows in fewer, sorted files; other writers may do what they like meanwhile."""

import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake.transaction import AddAction

from lake import Lake, compaction, open_lake, swap
from lake.compaction import Compacted, compact
from lake.tables import TABLES, factor_table
from qbrain_core.errors import InvalidInputError, JobLostError
from qbrain_core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2024, 6, 1)
KEY = ["instrument", "session"]


def bars(names: list[str], days: list[date], close: float = 1.0) -> pl.DataFrame:
    return (
        pl.DataFrame({"instrument": names})
        .join(pl.DataFrame({"session": days}), how="cross")
        .with_columns(close=close, factor=1.0, halted=False, price_basis=pl.lit("raw"))
    )


def upsert(lake: Lake, job: str, frame: pl.DataFrame) -> int:
    with lake.commit(job, 1) as tx:
        tx.upsert("bars", frame)
    return tx.versions["bars"]


NAMES = ["C.US", "A.US", "B.US"]


@pytest.fixture
def daily(lake: Lake) -> Lake:
    """Append six days of 2023 and five of 2024, each as a commit of its own."""
    for n in range(11):
        upsert(lake, f"d{n}", bars(NAMES, [date(2023, 12, 26) + timedelta(days=n)], close=float(n)))
    return lake


def stored_files(lake: Lake, table: str = "bars") -> set[str]:
    return set(lake.catalog.storage.stored_files(table))


def test_compact_rewrites_closed_partitions_sorted(daily: Lake) -> None:
    before = daily.bars()
    assert compact(daily, today=TODAY) == [Compacted("bars", {"market": "US", "year": 2023}, 18, 6, 1, "rewritten")]
    assert daily.bars().equals(before)
    assert daily.sql("select * from bars order by instrument, session").equals(daily.scan("bars").sort(KEY).collect())
    closed = [file for file in daily.snapshot("bars").files if file.partition["year"] == 2023]
    assert [file.rows for file in closed] == [18]
    assert (closed[0].low["instrument"], closed[0].high["session"]) == ("A.US", date(2023, 12, 31))
    stored = pl.read_parquet(closed[0].uri, hive_partitioning=False)
    assert stored.select(KEY).equals(stored.sort(KEY).select(KEY))


def test_compact_again_has_nothing_to_do(daily: Lake) -> None:
    assert len(compact(daily, include_open=True, today=TODAY)) == 2
    version = daily.versions()["bars"]
    assert compact(daily, include_open=True, today=TODAY) == []
    assert daily.versions()["bars"] == version


def test_dry_run_tells_and_does_nothing(daily: Lake) -> None:
    before = stored_files(daily)
    planned = compact(daily, dry_run=True, today=TODAY)
    assert planned == [Compacted("bars", {"market": "US", "year": 2023}, 18, 6, 1, "planned")]
    assert (stored_files(daily), daily.versions()["bars"]) == (before, 11)


def test_data_version_does_not_see_compaction(daily: Lake, settings: Settings) -> None:
    data, old = daily.data_versions(), daily.bars(as_of={"bars": 11})
    compact(daily, include_open=True, today=TODAY)
    assert daily.versions()["bars"] == 13
    for lake in (daily, open_lake(settings)):
        assert lake.data_versions() == data | {"bars": 11}
        assert [lake.catalog.data_version("bars", version) for version in (10, 11, 12, 13)] == [10, 11, 11, 11]
        assert lake.bars(as_of={"bars": 11}).equals(old)
        assert lake.bars(as_of={"bars": 5}).height == 15
    upsert(daily, "more", bars(["D.US"], [date(2024, 1, 9)]))
    assert daily.data_versions()["bars"] == 14
    assert daily.catalog.settled_version("bars", 11) == 13


def test_read_of_a_pinned_version_takes_its_compacted_files(daily: Lake) -> None:
    assert len(daily.snapshot("bars", as_of={"bars": 11}).files) == 11
    compact(daily, include_open=True, today=TODAY)
    snapshot = daily.snapshot("bars", as_of={"bars": 11})
    assert (snapshot.version, len(snapshot.files)) == (11, 2)


def test_search_and_sessions_are_not_read_again_after_compaction(daily: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = daily.sessions("US")
    compact(daily, include_open=True, today=TODAY)
    monkeypatch.setattr("lake.reads.market.scan_rows", lambda *_: pytest.fail("it was remembered"))
    assert daily.sessions("US") == sessions


def test_compact_of_factors_and_of_a_table_without_periods(lake: Lake) -> None:
    table = factor_table("tiny", "0123456789", ("x",))
    for n in range(5):
        frame = pl.DataFrame({"instrument": ["A.US"], "session": [date(2020, 1, 2 + n)], "x": [float(n)]})
        with lake.commit(f"f{n}", 1) as tx:
            tx.upsert(table, frame)
            tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": f"N{n}.US", "start": TODAY}, height=1))
    before = lake.factors("tiny"), lake.universe("u")
    done = compact(lake, ["factors/tiny", "universes"])
    assert [(c.table, c.files_before, c.files_after) for c in done] == [(table.name, 5, 1), ("universes", 5, 1)]
    assert lake.factors("tiny").equals(before[0])
    assert lake.universe("u").equals(before[1])


def test_large_partition_becomes_files_of_bounded_rows(daily: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = daily.bars()
    monkeypatch.setattr(swap, "ROWS_PER_FILE", 7)
    compact(daily, ["bars"], today=TODAY)
    closed = [file for file in daily.snapshot("bars").files if file.partition["year"] == 2023]
    assert sorted((f.low["instrument"], f.high["instrument"], f.rows) for f in closed) == [
        (name, name, 6) for name in sorted(NAMES)
    ]
    assert daily.bars().equals(before)
    assert compact(daily, ["bars"], today=TODAY) == []


def test_writer_of_the_same_partition_is_never_lost(daily: Lake, settings: Settings) -> None:
    rival, raced = open_lake(settings), []

    def fence() -> None:  # between the rewrite and its commit
        raced.append(upsert(rival, f"r{len(raced)}", bars(["A.US"], [date(2023, 12, 26)], 77.0 + len(raced)))
                     if len(raced) < 2 else 0)  # fmt: skip

    done = compact(daily, ["bars"], today=TODAY, fence=fence)
    assert [c.outcome for c in done] == ["rewritten"]
    assert len(raced) == 3
    assert daily.bars(instruments=["A.US"], end=date(2023, 12, 26))["close"].to_list() == [78.0]
    assert daily.bars().height == 33
    assert len(stored_files(daily)) == 11 + 2 + 1, "rewrites that lost are gone"


def test_append_to_the_partition_does_not_cost_the_rewrite(daily: Lake, settings: Settings) -> None:
    rival, raced = open_lake(settings), []

    def fence() -> None:
        if not raced:
            raced.append(upsert(rival, "r", bars(["Z.US"], [date(2023, 1, 3)])))

    written = stored_files(daily)
    compact(daily, ["bars"], today=TODAY, fence=fence)
    assert len(stored_files(daily) - written) == 2
    assert daily.bars().height == 34


def test_partition_that_writers_keep_changing_is_left_alone(
    daily: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "_ATTEMPTS", 3)
    rival, calls = open_lake(settings), []

    def fence() -> None:
        calls.append(upsert(rival, f"r{len(calls)}", bars(["A.US"], [date(2023, 12, 26)], 50.0 + len(calls))))

    before = stored_files(daily)
    assert [c.outcome for c in compact(daily, ["bars"], today=TODAY, fence=fence)] == ["lost"]
    assert len(stored_files(daily) - before) == len(calls) == 3
    assert daily.bars().height == 33


def test_job_that_was_lost_compacts_nothing(daily: Lake) -> None:
    before = stored_files(daily)

    def fence() -> None:
        raise JobLostError("a newer attempt owns it")

    with pytest.raises(JobLostError):
        compact(daily, today=TODAY, fence=fence)
    assert stored_files(daily) == before


def test_row_without_a_value_to_sort_by_is_not_lost(lake: Lake) -> None:
    for n in range(4):  # as another tool might append
        rows = pl.DataFrame({"universe": [None, "u"], "instrument": f"N{n}.US", "start": TODAY})
        path, size = lake.catalog.storage.write("universes", {}, rows)
        add = AddAction(path, size, {}, 0, True, '{"numRecords": 2}')
        swap.swap(lake.catalog.storage.open("universes"), TABLES["universes"], [add], [])
    with pytest.raises(InvalidInputError, match="some rows have none"):
        compact(lake, ["universes"])
    assert lake.snapshot("universes").rows == 8
    assert len(stored_files(lake, "universes")) == 4


WRITER = """
import sys, polars as pl
from datetime import date, timedelta
from pathlib import Path
from lake import open_lake
from qbrain_core.settings import Settings
home, writer, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
lake = open_lake(Settings(env="test", home=home))
print("ready", flush=True)
sys.stdin.readline()
for n in range(rounds):
    names = [f"W{writer}N{n}.US", *([] if n % 3 else [f"W{writer}LAST.US", "SHARED.US"])]
    frame = pl.DataFrame({"instrument": names}).join(
        pl.DataFrame({"session": [date(2023, 1, 2) + timedelta(days=d) for d in range(5)]}), how="cross").with_columns(
        close=float(writer * 1000 + n), factor=1.0, halted=False, price_basis=pl.lit("raw"))
    with lake.commit(f"{writer}-{n}", 1) as tx:
        tx.upsert("bars", frame)
    if n % 5 == 4:
        with lake.commit(f"{writer}-{n}-delete", 1) as tx:
            tx.delete("bars", where={"instrument": f"W{writer}N{n}.US"})
"""

COMPACTOR = """
import sys
from pathlib import Path
from lake import open_lake
from lake.compaction import compact
from qbrain_core.settings import Settings
lake = open_lake(Settings(env="test", home=Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
outcomes = []
while not Path(sys.argv[2]).exists():
    outcomes += [done.outcome for done in compact(lake, ["bars"], min_files=2)]
print(outcomes.count("rewritten"), flush=True)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.parametrize(
    ("writers", "rounds"), [(2, 7), pytest.param(4, 100, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_processes_write_and_compact_one_partition_and_lose_nothing(
    lake: Lake, settings: Settings, tmp_path: Path, writers: int, rounds: int
) -> None:
    stop = tmp_path / "stop"
    compactors = [start(COMPACTOR, settings.home, stop) for _ in range(writers // 2)]
    processes = [start(WRITER, settings.home, writer, rounds) for writer in range(writers)]
    for process in [*compactors, *processes]:
        go(process)
    for process in processes:
        assert process.wait(timeout=1500) == 0
    stop.touch()
    rewritten = [int(process.communicate(timeout=120)[0]) for process in compactors]
    assert all(process.returncode == 0 for process in compactors)
    assert sum(rewritten) > 0

    now = open_lake(settings).bars()
    assert not now.select(KEY).is_duplicated().any()
    expected: dict[str, Any] = {
        f"W{w}N{n}.US": w * 1000 + n for w in range(writers) for n in range(rounds) if n % 5 < 4
    }
    expected |= {f"W{w}LAST.US": w * 1000 + (rounds - 1) // 3 * 3 for w in range(writers)}
    own = now.filter(pl.col("instrument") != "SHARED.US").group_by("instrument").agg(pl.len(), pl.col("close").unique())
    assert {name: close for name, rows, [close] in own.iter_rows() if rows == 5} == expected
    assert own.height == len(expected)
    shared = now.filter(pl.col("instrument") == "SHARED.US")
    assert (shared.height, shared["close"].n_unique()) == (5, 1)
    rows = [lake.bars(as_of={"bars": version}) for version in range(lake.versions()["bars"] + 1)]
    for version in range(1, len(rows)):
        same = lake.catalog.data_version("bars", version) < version
        assert rows[version].equals(rows[version - 1]) == same, f"version {version}"


def test_killed_compactor_changes_nothing(daily: Lake, settings: Settings, tmp_path: Path) -> None:
    before = daily.bars()
    for delay in (0.0, 0.01, 0.03):
        process = start(COMPACTOR, settings.home, tmp_path / "never")
        go(process)
        time.sleep(delay)
        process.kill()
        process.wait()
        assert open_lake(settings).bars().equals(before)
