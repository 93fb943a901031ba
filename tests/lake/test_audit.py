"""Old lines of the audit trail move to the lake: each once, and none is lost."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.audit import archive_audit
from lake.records import open_records
from lake.records.models import AuditRow
from qbrain_core.errors import JobLostError
from qbrain_core.settings import Settings

TODAY = date(2025, 3, 1)


@pytest.fixture
def trail(settings: Settings) -> None:
    """Five lines, one every ten days until today."""
    with open_records(settings).write() as session:
        for n in range(5):
            at = datetime(2025, 3, 1, 12, tzinfo=UTC) - timedelta(days=10 * n)
            session.add(AuditRow(at=at, user="anna", action=f"do {n}", object="bars", detail={"名": n}))


def in_records(settings: Settings) -> list[str]:
    with open_records(settings).read() as session:
        return sorted(row.action for row in session.query(AuditRow))


def in_lake(lake: Lake) -> list[str]:
    return lake.scan("audit").sort("action").collect()["action"].to_list()


@pytest.mark.usefixtures("trail")
def test_old_lines_move_and_young_ones_stay(lake: Lake, settings: Settings) -> None:
    assert archive_audit(lake, TODAY - timedelta(days=15), dry_run=True) == 3
    assert in_lake(lake) == []
    assert archive_audit(lake, TODAY - timedelta(days=15)) == 3
    assert (in_records(settings), in_lake(lake)) == (["do 0", "do 1"], ["do 2", "do 3", "do 4"])
    row = lake.scan("audit").filter(pl.col("action") == "do 3").collect().row(0, named=True)
    assert row["at"] == datetime(2025, 1, 30, 12, tzinfo=UTC)
    assert (row["month"], row["user"], row["object"], row["detail"]) == ("2025-01", "anna", "bars", '{"名": 3}')
    assert archive_audit(lake, TODAY - timedelta(days=15)) == 0
    assert lake.versions()["audit"] == 1


@pytest.mark.usefixtures("trail")
def test_stop_between_writing_and_deleting_doubles_nothing(
    lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise JobLostError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("lake.audit.delete", stop)  # right after the lines are in the lake
        with pytest.raises(JobLostError):
            archive_audit(lake, TODAY, job_id="job", attempt=1)
    assert (len(in_records(settings)), len(in_lake(lake))) == (5, 4)
    assert archive_audit(lake, TODAY, job_id="job", attempt=2) == 4
    assert (in_records(settings), len(in_lake(lake))) == (["do 0"], 4)


@pytest.mark.usefixtures("trail")
def test_stop_before_writing_keeps_the_records(lake: Lake, settings: Settings) -> None:
    def fence() -> None:
        raise JobLostError("lost")

    with pytest.raises(JobLostError):
        archive_audit(lake, TODAY, fence=fence)
    assert (len(in_records(settings)), in_lake(lake)) == (5, [])


def test_number_that_is_given_again_is_another_line(lake: Lake, settings: Settings) -> None:
    records = open_records(settings)
    for action in ("first", "second"):
        with records.write() as session:
            session.add(AuditRow(id=1, at=datetime.now(UTC) - timedelta(days=9), user="u", action=action))
        assert archive_audit(open_lake(settings), datetime.now(UTC).date()) == 1  # as another process does
    assert in_lake(lake) == ["first", "second"]
