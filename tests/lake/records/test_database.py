"""Migrations, locking and pins, on SQLite and PostgreSQL."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from lake.records import open_records
from lake.records.columns import clock
from lake.records.database import _open
from lake.records.models import AuditRow, JobRow, Tables, UserRow
from qbrain_core.errors import InvalidInputError, TransientError

COUNTER = """
import contextlib, sys
from sqlalchemy.exc import IntegrityError
from qbrain_core.errors import InvalidInputError
from lake.records import open_records
from lake.records.models import PinRow
from qbrain_core.settings import Settings
records = open_records(Settings(env="test", database_url=sys.argv[1]))
with contextlib.suppress(IntegrityError, InvalidInputError):  # the others put it there too
    records.set_pin("counter", {"n": 0}, owner="local")
for _ in range(int(sys.argv[2])):
    with records.write() as session:
        row = session.get(PinRow, "counter", with_for_update=True)
        row.versions = {"n": row.versions["n"] + 1}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def local(request, settings):
    if request.param == "postgresql":
        return settings.model_copy(update={"database_url": request.getfixturevalue("postgres")()})
    return settings


def test_migrations_make_exactly_the_models(local):
    records = open_records(local)
    with records.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Tables.metadata) == []
    with records.read() as session:
        assert [u.id for u in session.scalars(select(UserRow))] == ["local"]
    for table in Tables.metadata.tables.values():
        if table.name in ("jobs", "schedules", "saved_queries", "factor_sets", "pins"):
            assert {"owner", "visibility"} <= set(table.columns.keys())


def test_writers_that_open_at_once_and_read_first_lose_nothing(local):
    each, n = 25, 3
    command = [sys.executable, "-c", COUNTER, local.database, str(each)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(n)]
    for process in running:
        assert process.communicate()[1].decode() == ""
    records = open_records(local)
    assert records.pin("counter") == {"n": each * n}
    with records.read() as session:
        assert len(list(session.scalars(select(UserRow)))) == 1  # migrated once


def test_readers_do_not_wait_for_a_writer(settings):
    records = open_records(settings)
    with records.write() as writing, ThreadPoolExecutor(1) as other:
        writing.add(AuditRow(user="local", action="x"))
        writing.flush()

        def count() -> int:
            with records.read() as session:
                return len(list(session.scalars(select(AuditRow))))

        assert other.submit(count).result(timeout=5) == 0


def test_block_that_raises_changes_nothing(local):
    records = open_records(local)

    def write_and_raise() -> None:
        with records.write() as session:
            session.add(AuditRow(user="local", action="x"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_raise()
    with records.read() as session:
        assert list(session.scalars(select(AuditRow))) == []


def test_schema_of_a_newer_version_is_refused(settings):
    with open_records(settings).write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    _open.cache_clear()
    with pytest.raises(InvalidInputError, match="install the newer one"):
        open_records(settings)


def test_database_that_is_no_database_is_refused(settings):
    with pytest.raises(InvalidInputError, match="QBRAIN_DATABASE_URL"):
        open_records(settings.model_copy(update={"database_url": "what://ever"}))
    with pytest.raises(TransientError, match="does not answer"):
        open_records(settings.model_copy(update={"database_url": "postgresql+psycopg://127.0.0.1:9/x"}))


def test_pin_means_one_thing_for_ever(local):
    records = open_records(local)
    assert records.pin("paper") is None
    records.set_pin("paper", {"bars": 3, "factors/alpha158-00000000": 1}, owner="local")
    records.set_pin("paper", {"bars": 3, "factors/alpha158-00000000": 1}, owner="local")
    assert records.pin("paper") == {"bars": 3, "factors/alpha158-00000000": 1}
    with pytest.raises(InvalidInputError, match="means other versions"):
        records.set_pin("paper", {"bars": 4}, owner="local")


def test_lake_reads_as_of_a_pin(settings, lake):
    open_records(settings).set_pin("paper", {"bars": 0}, owner="local")
    assert lake.versions("paper")["bars"] == 0


def test_clock_is_the_time(local):
    import time

    with open_records(local).read() as session:
        assert session.execute(select(clock())).scalar() == pytest.approx(time.time(), abs=5)


def test_instant_comes_back_in_utc_and_json_as_it_was(local):
    from datetime import datetime, timedelta, timezone

    records = open_records(local)
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=8)))
    records.note("local", "submit", "job", names=["中文", 1.5, None])
    with records.write() as session:
        session.scalars(select(AuditRow)).one().at = at
    with records.read() as session:
        row = session.scalars(select(AuditRow)).one()
    assert (row.at, row.at.utcoffset()) == (at, timedelta(0))
    assert row.detail == {"names": ["中文", 1.5, None]}


@pytest.mark.parametrize("column", ["status", "visibility"])
def test_word_outside_the_vocabulary_is_refused(local, column):
    from sqlalchemy.exc import IntegrityError

    fields = {"status": "queued", "visibility": "private"} | {column: "whatever"}
    row = JobRow(id="a", kind="ingest", queue="data", owner="local", spec={}, spec_hash="", code_hash="", **fields)
    with pytest.raises(IntegrityError), open_records(local).write() as session:
        session.add(row)
