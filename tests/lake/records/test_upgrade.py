"""Records written by an older version of the product keep their rows, on SQLite and PostgreSQL."""

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

import lake.records
from lake.records.database import Records, _engine, _open, open_records
from lake.records.factor_sets import find_set, save_set
from lake.records.models import Tables
from qbrain_core.factors import FactorSet
from qbrain_core.settings import Settings

VISIBLE = {"owner": "local", "visibility": "team", "created_at": "2026-01-02 03:04:05"}
ROWS = {
    "jobs": [
        {
            "id": f"j{n}", "kind": "train", "name": "中文", "queue": "train", "status": "succeeded",
            "spec": json.dumps({"n": n}), "spec_hash": "s", "code_hash": "c", "versions": "{}", "attempt": 1,
            "retries_left": 0, "takeovers_left": 0, "cancel_requested": False, "archived": False, **VISIBLE,
        }
        for n in range(3)
    ],
    "job_attempts": [{"job_id": "j1", "attempt": 1, "worker": "w", "started_at": "2026-01-02 03:04:05"}],
    "job_links": [{"job_id": "j1", "after_id": "j0", "position": 0}],
    "schedules": [
        {"id": "s", "name": "s", "trigger": "t", "timezone": "UTC", "specs": "[]", "enabled": True, **VISIBLE}
    ],
    "saved_queries": [{"id": "q", "name": "q", "query": "SELECT 1", "updated_at": "2026-01-02 03:04:05", **VISIBLE}],
    "factor_sets": [
        {"name": "f", "description": "d", "expressions": '{"B": "$close", "A": "Mean($close, 5)"}', **VISIBLE}
    ],
    "pins": [{"name": "p", "versions": json.dumps({"bars": 7}), "note": "", **VISIBLE}],
    "audit": [
        {"id": 5, "at": "2026-01-02 03:04:05", "user_id": "u", "action": "a", "object": "o", "detail": '{"x": 1.5}'}
    ],
}  # fmt: skip
MOVED = {"factor_sets": ("description", "expressions")}  # to the first version of each set


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres")())
    return f"sqlite:///{tmp_path}/records.db"


def migrate(records: Records, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(lake.records.__file__).parent / "migrations"))
    with records.engine.execution_options(immediate=True).begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if revision == "0001" else command.upgrade)(config, revision)


def rows_of(records: Records) -> dict[str, list[tuple[object, ...]]]:
    with records.engine.connect() as connection:
        columns = {name: [c for c in rows[0] if c not in MOVED.get(name, ())] for name, rows in ROWS.items()}
        return {
            name: sorted(map(tuple, connection.execute(text(f"SELECT {', '.join(kept)} FROM {name}"))), key=str)
            for name, kept in columns.items()
        }


def first_version(url: str) -> Records:
    """Make records as the first version of the product left them."""
    records = Records(_engine(url))
    config = Config()
    config.set_main_option("script_location", str(Path(lake.records.__file__).parent / "migrations"))
    with records.engine.execution_options(immediate=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for name, rows in ROWS.items():
            names = ", ".join(rows[0])
            values = ", ".join(f":{column}" for column in rows[0])
            connection.execute(text(f"INSERT INTO {name} ({names}) VALUES ({values})"), rows)
    return records


def test_upgrade_keeps_every_row_and_ends_at_the_models(url: str) -> None:
    old = first_version(url)
    before = rows_of(old)
    old.engine.dispose()
    _open.cache_clear()
    records = open_records(Settings(env="test", database_url=url))
    assert rows_of(records) == before
    assert [len(rows) for rows in before.values()] == [len(rows) for rows in ROWS.values()]
    with records.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Tables.metadata) == []
    assert records.pin("p") == {"bars": 7}
    kept = find_set(records, "f", user="local")
    assert list(kept.expressions.items()) == [("B", "$close"), ("A", "Mean($close, 5)")]
    assert (kept.version, kept.description, kept.owner, kept.visibility) == (1, "d", "local", "team")
    assert str(kept.saved_at) == "2026-01-02 03:04:05+00:00"
    records.note("u", "next", "o")  # the numbering goes on


def test_downgrade_gives_the_older_schema_back(url: str) -> None:
    records = open_records(Settings(env="test", database_url=url))
    for description in ("old", "new"):
        save_set(records, FactorSet("f", {"A": "$close"}, description=description, owner="local"))
    newer = {name: {i["name"] for i in inspect(records.engine).get_indexes(name)} for name in ROWS}
    migrate(records, "0001")
    older = {name: {i["name"] for i in inspect(records.engine).get_indexes(name)} for name in ROWS}
    assert "ix_jobs_owner" in older["jobs"]
    with records.engine.connect() as connection:
        assert connection.execute(text("SELECT name, description FROM factor_sets")).all() == [("f", "new")]
    assert "ix_jobs_kind_created_at" not in older["jobs"]
    migrate(records, "head")
    assert {name: {i["name"] for i in inspect(records.engine).get_indexes(name)} for name in ROWS} == newer
