"""Connections to PostgreSQL: replaced when they died, never waiting for ever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from lake.records import Records, open_records
from lake.records.models import UserRow
from qbrain_core.settings import Settings


@pytest.fixture
def records(settings: Settings, postgres: Callable[[], str]) -> Records:
    return open_records(settings.model_copy(update={"database_url": postgres()}))


def kill_others(records: Records) -> int:
    """End every other connection to the same database, as a restarted server would."""
    with records.engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        return int(ended.scalar_one())


def test_connection_that_died_is_replaced_before_it_is_used(records: Records) -> None:
    def in_use(_: int) -> None:
        with records.read() as session:
            session.get(UserRow, "local")
            session.execute(text("SELECT pg_sleep(0.2)"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(in_use, range(3)))
    assert kill_others(records) == 2  # idle ones of the pool
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(in_use, range(3)))
    records.note("local", "after")


def test_block_whose_connection_dies_writes_nothing_and_the_next_one_does(records: Records) -> None:
    def write_and_die() -> None:
        with records.write() as session:
            session.add(UserRow(id="half"))
            session.flush()
            kill_others(records)
            session.get(UserRow, "local")

    with pytest.raises(OperationalError):
        write_and_die()
    with records.write() as session:
        assert session.get(UserRow, "half") is None
        session.add(UserRow(id="whole"))
    with records.read() as session:
        assert session.get(UserRow, "whole") is not None


def test_connection_has_limits_and_its_age_is_bounded(records: Records) -> None:
    with records.engine.connect() as connection:
        limits = {
            name: connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    assert limits == {
        "statement_timeout": "1min", "lock_timeout": "15s", "idle_in_transaction_session_timeout": "2min",
    }  # fmt: skip
    assert records.engine.pool._recycle == 1800
    assert records.engine.pool._pre_ping


def test_writer_does_not_wait_for_ever_for_a_lock(records: Records) -> None:
    with records.write() as holding, records.engine.connect() as waiting:
        holding.get(UserRow, "local", with_for_update=True)
        waiting.execute(text("SET LOCAL lock_timeout = 100"))
        with pytest.raises(OperationalError, match="lock timeout"):
            waiting.execute(text("SELECT id FROM users WHERE id = 'local' FOR UPDATE"))
