"""The job that looks after the lake, over small tables that need it."""

import json
import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import jobs
from jobs.context import TaskContext
from jobs.tasks.upkeep import run
from lake import Lake, open_lake
from lake.records import open_records
from lake.records.models import AuditRow
from qbrain_core.errors import InvalidInputError, JobCancelledError, JobLostError, UnknownNameError
from qbrain_core.reporting import NULL_REPORTER, NullReporter, Reporter
from qbrain_core.settings import Settings
from qbrain_core.specs import UPKEEP_STEPS, UpkeepSpec, parse_spec

DAYS = [date(2023, 1, day) for day in range(2, 8)]
KEEP = {"bars": (datetime.now(UTC).date() - date(2023, 1, 1)).days}


def bars(instrument: str, sessions: list[date]) -> pl.DataFrame:
    return pl.DataFrame({"session": sessions}).with_columns(
        instrument=pl.lit(instrument), close=1.0, factor=1.0, halted=False, price_basis=pl.lit("raw")
    )


@pytest.fixture
def worn(lake: Lake, settings: Settings) -> Lake:
    """A lake with rows of 2022 and, one day a commit, of 2023; an orphan file; and old lines in the audit trail."""
    with lake.commit("old", 1) as tx:
        tx.upsert("bars", bars("A.US", [date(2022, 3, 1), date(2022, 3, 2)]))
    for day in range(2, 8):
        with lake.commit(f"day-{day}", 1) as tx:
            tx.upsert("bars", bars("A.US", [date(2023, 1, day)]))
    with open_records(settings).write() as session:
        session.add(AuditRow(at=datetime(2020, 1, 1, tzinfo=UTC), user="anna", action="old", object="x"))
    path, _ = lake.catalog.storage.write("bars", {"market": "US", "year": 2023}, pl.DataFrame({"close": [1.0]}))
    if not settings.lake_url:
        os.utime(Path(settings.lake_root, "bars", path), (time.time() - 40 * 86_400,) * 2)
    return lake


def context(
    lake: Lake, *, reporter: Reporter = NULL_REPORTER, attempt: int = 1, fence: Any = lambda: None
) -> TaskContext:
    return TaskContext(
        settings=lake.settings, lake=lake, reporter=reporter, job_id="upkeep-1", attempt=attempt, versions={},
        upstream={}, code_hash="", fence=fence,
    )  # fmt: skip


def grow_old(settings: Settings, table: str, *, days: int) -> None:
    """Make a table's history as if it had been written so many days ago."""
    root, shift = Path(settings.lake_root, table), days * 86_400
    for entry in (root / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in entry.read_text().splitlines()]
        for info in (line["commitInfo"] for line in lines if "commitInfo" in line):
            info["timestamp"] -= shift * 1000
        entry.write_text("\n".join(json.dumps(line) for line in lines))
    for path in root.rglob("*.parquet"):
        os.utime(path, (time.time() - shift,) * 2)


def trail(settings: Settings) -> list[tuple[str, str, str]]:
    with open_records(settings).read() as session:
        return [(r.user, r.action, r.object) for r in session.query(AuditRow).order_by(AuditRow.id)]


@pytest.mark.usefixtures("in_folder")
def test_round_does_every_step_and_tells_what_it_did(worn: Lake, settings: Settings) -> None:
    before = worn.bars(start=date(2023, 1, 1))
    result = run(UpkeepSpec(retention=KEEP, owner="anna"), context(worn))
    done = result["tables"]["bars"]
    assert result["audit_archived"] == 1
    assert (done["rows_removed"], done["partitions_compacted"], done["files_deleted"]) == (2, 1, 1)
    assert (done["files_before"], done["files_after"]) == (7, 1)
    assert done["bytes_freed"] > 0
    assert set(result["tables"]) == {"bars"}
    assert worn.bars().equals(before)
    assert worn.bars(as_of={"bars": 7}).height == 8, "what is not old enough to be cleaned up can be read"
    assert worn.scan("audit").collect()["action"].to_list() == ["old"]
    assert trail(settings) == [("anna", "retain", "bars"), ("anna", "vacuum", "bars")]


@pytest.mark.usefixtures("in_folder")
def test_dry_run_tells_the_same_and_does_nothing(worn: Lake, settings: Settings) -> None:
    versions, files = worn.versions(), worn.catalog.storage.stored_files("bars")
    result = run(UpkeepSpec(retention=KEEP, dry_run=True), context(worn))
    done = result["tables"]["bars"]
    assert (result["audit_archived"], done["rows_removed"], done["partitions_compacted"]) == (1, 2, 1)
    assert done["files_deleted"] == 1
    assert (worn.versions(), worn.catalog.storage.stored_files("bars")) == (versions, files)
    assert trail(settings) == [("anna", "old", "x")]


def test_second_round_finds_nothing_left_to_do(worn: Lake) -> None:
    spec = UpkeepSpec(retention=KEEP)
    run(spec, context(worn))
    versions = worn.versions()
    again = run(spec, context(worn, attempt=2))
    assert (again["tables"], again["audit_archived"]) == ({}, 0)
    assert worn.versions() == versions


def test_attempt_that_lost_its_job_leaves_the_rest_to_the_next(worn: Lake, settings: Settings) -> None:
    calls: list[str] = []

    def fence() -> None:
        calls.append("")
        if len(calls) == 3:  # 1: the audit; 2: old bars; 3: compaction
            raise JobLostError("another attempt owns the job")

    spec = UpkeepSpec(steps=("archive_audit", "retain", "compact"), retention=KEEP)
    with pytest.raises(JobLostError):
        run(spec, context(worn, fence=fence))
    assert worn.versions()["bars"] == 8
    result = run(spec, context(open_lake(settings), attempt=2))
    assert result["tables"]["bars"]["rows_removed"] == 0
    assert result["tables"]["bars"]["partitions_compacted"] == 1
    assert worn.scan("audit").collect().height == 1


def test_steps_and_tables_that_are_not_named_are_left_alone(worn: Lake) -> None:
    result = run(UpkeepSpec(steps=("compact",), tables=("universes",), retention=KEEP), context(worn))
    assert result["tables"] == {}
    assert worn.versions()["bars"] == 7
    assert parse_spec({"kind": "upkeep", "steps": ["vacuum", "retain"]}).steps == ("retain", "vacuum")  # type: ignore[attr-defined]


@pytest.mark.usefixtures("in_folder")
def test_round_long_after_keeps_what_is_pinned_and_frees_the_rest(worn: Lake, settings: Settings) -> None:
    open_records(settings).set_pin("release", {"bars": 3}, owner="local")
    with open_lake(settings).commit("b", 1) as tx:
        tx.upsert("bars", bars("B.US", [date(2023, 2, 1)]))
    with open_lake(settings).commit("-b", 1) as tx:
        tx.delete("bars", where={"instrument": "B.US"})
    for days, deleted, yesterday in ((100, 2, 8), (40, 4, 6)):
        grow_old(settings, "bars", days=days)
        result = run(UpkeepSpec(retention=KEEP, owner="anna"), context(open_lake(settings)))
        # first B's file and the orphan; once nobody reads so far back, the small files but for those of the pin
        assert result["tables"]["bars"]["files_deleted"] == deleted
        again = open_lake(settings)
        assert again.bars(as_of="release")["session"].to_list() == [date(2022, 3, 1), date(2022, 3, 2), *DAYS[:2]]
        assert again.bars(as_of=datetime.now(UTC) - timedelta(days=1)).height == yesterday
        assert again.bars()["session"].to_list() == DAYS
    with pytest.raises(InvalidInputError, match="cleaned up"):
        again.bars(as_of={"bars": 5})


def test_progress_goes_step_by_step_and_cancel_is_obeyed(worn: Lake) -> None:
    class Watcher(NullReporter):
        def __init__(self) -> None:
            self.stages: list[str] = []

        def stage(self, name: str, *, fraction: float | None = None, detail: str = "") -> None:
            if name not in self.stages:
                self.stages.append(name)
            assert fraction is None or 0 <= fraction <= 1

        def check(self) -> None:
            if "compact" in self.stages:
                raise JobCancelledError("the user asked")

    watcher = Watcher()
    with pytest.raises(JobCancelledError):
        run(UpkeepSpec(retention=KEEP), context(worn, reporter=watcher))
    assert watcher.stages == list(UPKEEP_STEPS[:3])
    assert worn.versions()["bars"] == 8, "what was done stays done"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"retention": {"instruments": 30}}, "rows of this table have no age"),
        ({"retention": {"bars": 0}}, "retention.bars"),
        ({"retention": {"bards": 9}}, "did you mean 'bars'"),
        ({"tables": ["bards"]}, "did you mean 'bars'"),
        ({"steps": ["sweep"]}, "steps"),
        ({"steps": []}, "steps names at least one of"),
        ({"keep_days": 0}, "keep_days"),
    ],
)
def test_wrong_spec_is_refused_before_anything_is_queued(
    settings: Settings, document: dict[str, Any], message: str
) -> None:
    with pytest.raises((InvalidInputError, UnknownNameError), match=message):
        jobs.submit({"kind": "upkeep"} | document, settings=settings)
    assert jobs.jobs(settings=settings) == []


def test_job_run_here_is_recorded_with_its_result(worn: Lake, settings: Settings) -> None:
    done = jobs.run(UpkeepSpec(steps=("retain",), retention=KEEP), settings=settings)
    assert (done.status, done.kind) == ("succeeded", "upkeep")
    assert done.result
    assert done.result["tables"]["bars"]["rows_removed"] == 2
    again = jobs.run(UpkeepSpec(steps=("retain",), retention=KEEP), settings=settings)
    assert again.id != done.id, "the rows are others now"
    assert jobs.run(UpkeepSpec(steps=("retain",), retention=KEEP), settings=settings).id == again.id


def test_rows_written_in_the_night_are_not_lost(worn: Lake, settings: Settings) -> None:
    rival, written, calls = open_lake(settings), [], []

    def fence() -> None:  # before every other commit of the round another process brings a day
        calls.append(None)
        if len(calls) % 2:
            return
        day = date(2024, 1, 1) + timedelta(days=len(written))
        written.append(day)
        with rival.commit(f"rival-{day}", 1) as tx:
            tx.upsert("bars", bars("R.US", [day]))

    run(UpkeepSpec(retention=KEEP), context(worn, fence=fence))
    assert len(written) >= 2
    assert worn.bars(instruments=["R.US"])["session"].to_list() == written
    assert worn.bars(instruments=["A.US"]).height == 6
