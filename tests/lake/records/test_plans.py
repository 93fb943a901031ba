"""Every question that a page, the queue or the upkeep asks of the records is answered through an index."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text

from jobs import transitions
from jobs.archive import archive_events
from jobs.chain import settle_waiting
from jobs.janitor import announce_lost
from jobs.queue import attempts, jobs
from jobs.timetable import claim_due, schedules
from lake import open_lake
from lake.audit import archive_audit
from lake.pins import pinned_versions
from lake.records import Records, open_records
from lake.records.models import (
    AuditRow,
    JobAttemptRow,
    JobLinkRow,
    JobRow,
    PinRow,
    QueryRunRow,
    SavedQueryRow,
    ScheduleRow,
)
from lake.records.query_runs import QueryRun, list_runs, record_run
from lake.records.saved_queries import list_queries
from qbrain_core.settings import Settings

JOBS = 5_000
START = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = ("waiting", "queued", "running", *["succeeded"] * 300, "failed", "cancelled")
LOOKS = re.compile(
    r"(SELECT|UPDATE|DELETE)\b.*\s(jobs|job_\w+|schedules|saved_queries|query_runs|pins|audit)\s", re.DOTALL
)
RUN = QueryRun("SELECT 1", "", "done", 0.1)
QUESTIONS: dict[str, Callable[[Settings, Records], Any]] = {
    "jobs": lambda settings, _: jobs(settings=settings),
    "jobs of a status": lambda settings, _: [jobs(status=s, settings=settings) for s in ("running", "succeeded")],
    "jobs of a kind": lambda settings, _: jobs(kind="train", settings=settings),
    "jobs of a user": lambda settings, _: jobs(owner="u7", settings=settings),
    "jobs of a kind, user and status": lambda settings, _: jobs(
        kind="train", owner="u7", status="failed", settings=settings
    ),
    "attempts": lambda settings, _: attempts("j7", settings=settings),
    "lost leases": lambda _, records: transitions.expired(records),
    "waiting jobs": lambda _, records: settle_waiting(records),
    "lost announcements": lambda settings, records: announce_lost(settings, records),
    "events to archive": lambda settings, records: archive_events(settings, records),
    "due schedules": lambda settings, _: claim_due(settings, now=START),
    "schedules": lambda settings, _: schedules(settings=settings),
    "what a vacuum keeps": lambda settings, _: pinned_versions(open_lake(settings)),
    "pins": lambda _, records: records.pins(),
    "old audit lines": lambda settings, _: archive_audit(open_lake(settings), date(2020, 1, 1)),
    "audit of a user": lambda _, records: audit(records, AuditRow.user == "u7"),
    "audit of an action": lambda _, records: audit(records, AuditRow.action == "a7"),
    "audit of an object": lambda _, records: audit(records, AuditRow.object == "o7"),
    "audit of a day": lambda _, records: audit(records, AuditRow.at >= START, AuditRow.at < START + timedelta(1)),
    "saved queries": lambda _, records: list_queries(records, user="u7"),
    "queries run": lambda _, records: list_runs(records, owner="u7"),
    "a query that has run": lambda _, records: record_run(records, RUN, owner="u7"),
}


def audit(records: Records, *conditions: Any) -> list[Any]:
    with records.read() as session:
        return list(session.scalars(select(AuditRow).where(*conditions).order_by(AuditRow.at.desc()).limit(50)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = request.getfixturevalue("postgres")() if request.param == "postgresql" else ""
    home = tmp_path_factory.mktemp("plans")
    made = Settings(env="test", home=home, database_url=url, lake_url=str(home / "lake"))
    made.make_home()
    fill(open_records(made))
    return made


def fill(records: Records) -> None:
    owned = [{"owner": f"u{n % 50}", "created_at": START + timedelta(minutes=n)} for n in range(JOBS)]
    visible = {"visibility": "private"}
    rows: dict[Any, list[dict[str, Any]]] = {
        JobRow: [
            {
                "id": f"j{n}", "kind": ("ingest", "train", "backtest", *["factors"] * 30)[n % 33], "queue": "data",
                "status": STATUSES[n % len(STATUSES)], "spec": {}, "spec_hash": "", "code_hash": "", "versions": {},
                "archived": n < JOBS - 50, "finished_at": START, "lease_until": 2e10, "attempt": 1, **who, **visible,
            }
            for n, who in enumerate(owned)
        ],
        JobAttemptRow: [{"job_id": f"j{n}", "attempt": 1, "worker": "", "started_at": START} for n in range(JOBS)],
        JobLinkRow: [{"job_id": f"j{n}", "after_id": f"j{n - 1}", "position": 0} for n in range(1, JOBS)],
        ScheduleRow: [
            {"id": f"s{n}", "name": f"s{n}", "trigger": "0 0 * * *", "timezone": "UTC", "specs": [], "enabled": True,
             "next_at": START + timedelta(minutes=n + 1), **who, **visible}
            for n, who in enumerate(owned[:2000])
        ],
        SavedQueryRow: [
            {"id": f"q{n}", "name": f"q{n}", "query": "", "updated_at": START, **who,
             "visibility": "private" if n % 50 else "team"}
            for n, who in enumerate(owned)
        ],
        QueryRunRow: [
            {"at": who["created_at"], "owner": who["owner"], "query": "", "as_of": "", "outcome": "done",
             "seconds": 0.1, "versions": {}}
            for who in owned
        ],
        PinRow: [{"name": f"p{n}", "versions": {}, "note": "", **who, **visible} for n, who in enumerate(owned[:200])],
        AuditRow: [
            {"at": who["created_at"], "user": who["owner"], "action": f"a{n % 40}", "object": f"o{n % 900}",
             "detail": {}}
            for n, who in enumerate(owned)
        ],
    }  # fmt: skip
    with records.write() as session:
        for table, values in rows.items():
            session.execute(insert(table), values)
    with records.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))


@contextmanager
def asked(records: Records) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that look for rows, as the driver gets them."""
    found: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if LOOKS.match(statement):
            found.append((statement, parameters))

    event.listen(records.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(records.engine, "before_cursor_execute", note)


def plan(connection: Connection, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        explain = "EXPLAIN"
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # the table is small: reading all of it is cheap
    rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_is_answered_through_an_index(filled: Settings, valkey_of: str, question: str) -> None:
    settings = filled.model_copy(update={"redis_url": valkey_of})
    records = open_records(settings)
    with asked(records) as statements:
        QUESTIONS[question](settings, records)
    assert statements
    with records.engine.connect() as connection:
        for statement, parameters in statements:
            told = plan(connection, statement, parameters)
            if "WHERE" not in statement and "LIMIT" not in statement:
                continue  # it wants every row
            assert not re.search(r"^SCAN \w+$|Seq Scan", told, re.MULTILINE), f"{statement}\n{told}"


def test_question_without_an_index_is_noticed(filled: Settings) -> None:
    records = open_records(filled)
    with records.engine.connect() as connection:
        told = plan(connection, "SELECT id FROM jobs WHERE peak_rss_mib > 5", ())
    assert re.search(r"^SCAN \w+$|Seq Scan", told, re.MULTILINE)


@pytest.fixture(scope="module")
def valkey_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from jobs.valkey import start_valkey

    made = Settings(env="test", home=tmp_path_factory.mktemp("valkey"))
    made.make_home()
    with start_valkey(made):
        yield made.redis
