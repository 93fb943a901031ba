"""The schedules an installation starts with: there at the first start, and the user's from then on."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import jobs
from jobs.default_schedules import UPKEEP_SCHEDULE, add_default_schedules
from jobs.schedule import run_due
from lake import Lake
from lake.audit import archive_audit
from lake.records import open_records
from lake.records.models import ScheduleRow
from qbrain_core.settings import Settings


def test_first_start_adds_the_nightly_upkeep_once(lake: Lake, settings: Settings) -> None:
    (added,) = add_default_schedules(settings, lake)
    assert (added.name, added.enabled, [spec["kind"] for spec in added.specs]) == (UPKEEP_SCHEDULE, True, ["upkeep"])
    assert added.next_at is not None
    assert added.next_at - datetime.now(UTC) <= timedelta(days=1)
    assert add_default_schedules(settings, lake) == []


def test_removed_schedule_does_not_come_back(lake: Lake, settings: Settings) -> None:
    add_default_schedules(settings, lake)
    jobs.remove_schedule(UPKEEP_SCHEDULE, settings=settings)
    assert add_default_schedules(settings, lake) == []
    assert archive_audit(lake, datetime.now(UTC).date() + timedelta(days=1)) == 2
    assert add_default_schedules(settings, lake) == [], "also where the trail has moved to the lake"
    assert jobs.schedules(settings=settings) == []


def test_disabled_schedule_stays_so(lake: Lake, settings: Settings) -> None:
    add_default_schedules(settings, lake)
    jobs.enable_schedule(UPKEEP_SCHEDULE, False, settings=settings)
    assert add_default_schedules(settings, lake) == []
    (kept,) = jobs.schedules(settings=settings)
    assert (kept.enabled, kept.next_at) == (False, None)


def test_each_night_is_a_job_of_its_own(lake: Lake, settings: Settings) -> None:
    add_default_schedules(settings, lake)
    for _ in range(2):
        with open_records(settings).write() as session:
            session.query(ScheduleRow).update({"next_at": datetime(2024, 1, 1, tzinfo=UTC)})
        assert [s.last_error for s in run_due(settings)] == [None]
    (job,) = jobs.jobs(settings=settings)
    assert (job.name, job.status, job.queue) == (UPKEEP_SCHEDULE, "queued", "data"), "once a day over the same data"


def test_scheduler_adds_them_when_it_starts(settings: Settings) -> None:
    process = subprocess.Popen([sys.executable, "-m", "jobs.schedule"], env=os.environ | {"QBRAIN_ENV": "dev"})
    try:
        ends = time.monotonic() + 60
        while not jobs.schedules(settings=settings) and time.monotonic() < ends:
            time.sleep(0.1)
        assert [s.name for s in jobs.schedules(settings=settings)] == [UPKEEP_SCHEDULE]
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
