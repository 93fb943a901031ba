from datetime import UTC, datetime

import pytest

import jobs
from jobs.schedule import run_due
from jobs.timetable import claim_due, next_runs
from lake.records import open_records
from lake.records.models import AuditRow, ScheduleRow
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.specs import FactorsSpec, IngestSpec


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_cron_line_is_read_in_its_time_zone():
    # 18:30 in Shanghai is 10:30 UTC, Monday to Friday; 2024-01-05 is a Friday
    runs = next_runs("30 18 * * 1-5", timezone="Asia/Shanghai", after=utc(2024, 1, 5, 10, 0), n=3)
    assert runs == [utc(2024, 1, 5, 10, 30), utc(2024, 1, 8, 10, 30), utc(2024, 1, 9, 10, 30)]


def test_session_trigger_follows_the_exchange():
    # SSE closes at 15:00 (07:00 UTC); the national holiday of 2024 was 1 to 7 October
    runs = next_runs("30 min after the SH close", after=utc(2024, 9, 30, 0, 0), n=2)
    assert runs == [utc(2024, 9, 30, 7, 30), utc(2024, 10, 8, 7, 30)]
    # NYSE opens at 09:30 New York time: 14:30 UTC in winter, 13:30 in summer; 2024-12-25 is a holiday
    assert next_runs("10 min before the US open", after=utc(2024, 12, 24, 20, 0), n=1) == [utc(2024, 12, 26, 14, 20)]
    assert next_runs("10 min before the US open", after=utc(2024, 7, 1, 0, 0), n=1) == [utc(2024, 7, 1, 13, 20)]
    # and closed at 13:00 (18:00 UTC) on 2024-12-24
    assert next_runs("0 min after the US close", after=utc(2024, 12, 24, 15, 0), n=1) == [utc(2024, 12, 24, 18, 0)]


@pytest.mark.parametrize(
    ("trigger", "zone", "error"),
    [
        ("every day", "UTC", InvalidInputError), ("61 * * * *", "UTC", InvalidInputError),
        ("* * * * * *", "UTC", InvalidInputError), ("0 1 * * *", "Mars/Olympus", InvalidInputError),
        ("5 min after the XX close", "UTC", UnknownNameError),
    ],
)  # fmt: skip
def test_trigger_that_means_nothing_is_refused(trigger, zone, error):
    with pytest.raises(error):
        next_runs(trigger, timezone=zone)


def make_due(settings, name):
    with open_records(settings).write() as session:
        session.query(ScheduleRow).filter_by(name=name).update({"next_at": utc(2024, 1, 1)})


def test_due_schedule_is_submitted_once_and_moves_on(settings, tmp_path):
    file = tmp_path / "bars.csv"
    file.write_text("instrument,session,close\n")
    added = jobs.add_schedule(
        "nightly", "0 1 * * *", [IngestSpec(path=str(file), market="US", name="nightly bars")], settings=settings
    )
    assert added.next_at > datetime.now(UTC)
    assert run_due(settings) == []
    make_due(settings, "nightly")
    assert [s.name for s in run_due(settings)] == ["nightly"]
    assert claim_due(settings) == []
    (job,) = jobs.jobs(settings=settings)
    assert (job.name, job.status, job.owner) == ("nightly bars", "queued", "local")
    (kept,) = jobs.schedules(settings=settings)
    assert kept.last_at is not None
    assert kept.next_at == added.next_at
    assert kept.last_error is None


def test_refused_submission_is_kept_with_its_reason(settings, tmp_path):
    jobs.add_schedule("gone", "0 1 * * *", [IngestSpec(path=str(tmp_path / "no.csv"), market="US")], settings=settings)
    make_due(settings, "gone")
    run_due(settings)
    (kept,) = jobs.schedules(settings=settings)
    assert "there is no such file" in kept.last_error
    assert jobs.jobs(settings=settings) == []


def test_schedule_with_a_wrong_spec_or_a_taken_name_is_not_kept(settings):
    with pytest.raises(UnknownNameError, match="alpha158"):
        jobs.add_schedule("x", "0 1 * * *", [FactorsSpec(factor_set="alfa158", market="US")], settings=settings)
    with pytest.raises(InvalidInputError):
        jobs.add_schedule("x", "0 1 * * *", [], settings=settings)
    jobs.add_schedule("x", "0 1 * * *", [FactorsSpec(market="US")], settings=settings)
    with pytest.raises(InvalidInputError, match="exists"):
        jobs.add_schedule("x", "0 1 * * *", [FactorsSpec(market="US")], settings=settings)
    jobs.remove_schedule("x", settings=settings)
    assert jobs.schedules(settings=settings) == []
    with pytest.raises(UnknownNameError):
        jobs.remove_schedule("x", settings=settings)


def test_disabled_schedule_is_not_due_and_enabled_starts_from_now(settings):
    jobs.add_schedule("x", "0 1 * * *", [FactorsSpec(market="US")], settings=settings)
    make_due(settings, "x")
    disabled = jobs.enable_schedule("x", False, settings=settings)
    assert (disabled.enabled, disabled.next_at) == (False, None)
    assert claim_due(settings) == []
    enabled = jobs.enable_schedule("x", settings=settings)
    assert enabled.enabled
    assert enabled.next_at > datetime.now(UTC), "what it missed is not made up for"
    assert jobs.enable_schedule("x", settings=settings).next_at == enabled.next_at
    with pytest.raises(UnknownNameError, match="schedule is 'y'"):
        jobs.enable_schedule("y", settings=settings)


def test_changes_of_schedules_are_in_the_audit_trail(settings):
    jobs.add_schedule("x", "0 1 * * *", [FactorsSpec(market="US")], owner="anna", settings=settings)
    jobs.enable_schedule("x", False, settings=settings)
    jobs.enable_schedule("x", settings=settings)
    jobs.remove_schedule("x", settings=settings)
    with open_records(settings).read() as session:
        rows = [(r.user, r.action, r.object) for r in session.query(AuditRow).order_by(AuditRow.id)]
    assert rows == [
        ("anna", "add schedule", "x"), ("local", "disable schedule", "x"), ("local", "enable schedule", "x"),
        ("local", "remove schedule", "x"),
    ]  # fmt: skip
