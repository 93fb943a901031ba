"""Saved queries and past runs, on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest

from lake.records import Records, open_records, query_runs
from lake.records.query_runs import QueryRun, forget_runs, list_runs, record_run
from lake.records.saved_queries import delete_query, find_query, list_queries, save_query
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, settings: Settings) -> Records:
    if request.param == "postgresql":
        return open_records(settings.model_copy(update={"database_url": request.getfixturevalue("postgres")()}))
    return open_records(settings)


def test_saved_query_is_found_by_its_id_with_its_screen(records: Records) -> None:
    made = save_query(records, " Movers ", "SELECT 1", owner="ann", screen={"as_of": "bars=1", "show": "chart"})
    found = find_query(records, made.id, user="ann")
    assert found is not None
    assert (found.name, found.query, found.visibility) == ("Movers", "SELECT 1", "private")
    assert found.screen == {"as_of": "bars=1", "show": "chart"}


def test_private_query_is_its_owners_alone(records: Records) -> None:
    private = save_query(records, "a", "SELECT 1", owner="ann")
    shared = {v: save_query(records, v, "SELECT 2", owner="ann", visibility=v) for v in ("team", "public")}
    assert find_query(records, private.id, user="bob") is None
    assert [query.id for query in list_queries(records, user="bob")] == [shared["public"].id, shared["team"].id]
    assert len(list_queries(records, user="ann")) == 3
    for change in (
        lambda: save_query(records, "mine", "SELECT 3", owner="bob", id=shared["public"].id),
        lambda: delete_query(records, shared["public"].id, owner="bob"),
    ):
        with pytest.raises(UnknownNameError):
            change()
    kept = find_query(records, shared["public"].id, user="bob")
    assert kept is not None
    assert (kept.query, kept.owner) == ("SELECT 2", "ann")


def test_query_is_renamed_changed_and_deleted(records: Records) -> None:
    made = save_query(records, "a", "SELECT 1", owner="ann", screen={"show": "chart"})
    changed = save_query(records, "b", "SELECT 2", owner="ann", visibility="team", id=made.id)
    assert [q.id for q in list_queries(records, user="ann")] == [made.id]
    assert (changed.name, changed.query, changed.visibility, changed.screen) == ("b", "SELECT 2", "team", {})
    delete_query(records, made.id, owner="ann")
    assert list_queries(records, user="ann") == []
    with pytest.raises(UnknownNameError):
        delete_query(records, made.id, owner="ann")


def test_names_of_one_owner_differ(records: Records) -> None:
    first = save_query(records, "a", "SELECT 1", owner="ann")
    second = save_query(records, "b", "SELECT 1", owner="ann")
    save_query(records, "a", "SELECT 1", owner="bob")
    save_query(records, "a", "SELECT 2", owner="ann", id=first.id)
    with pytest.raises(InvalidInputError, match="of that name"):
        save_query(records, "a", "SELECT 3", owner="ann")
    with pytest.raises(InvalidInputError, match="of that name"):
        save_query(records, "a", "SELECT 3", owner="ann", id=second.id)
    assert {q.query for q in list_queries(records, user="ann")} == {"SELECT 1", "SELECT 2"}


@pytest.mark.parametrize(
    ("name", "query", "visibility", "wrong"),
    [(" ", "SELECT 1", "team", "name"), ("x" * 121, "SELECT 1", "team", "name"), ("a", " ", "team", "query"),
     ("a", "SELECT 1", "all", "visibility")],
)  # fmt: skip
def test_bad_query_is_refused_in_words(settings: Settings, name: str, query: str, visibility: str, wrong: str) -> None:
    records = open_records(settings)
    with pytest.raises(InvalidInputError, match=wrong):
        save_query(records, name, query, owner="ann", visibility=visibility)
    assert list_queries(records, user="ann") == []


def test_runs_are_listed_newest_first_once_each_and_to_their_owner(records: Records) -> None:
    for n, (query, as_of) in enumerate([("a", ""), ("b", ""), ("a", ""), ("a", "bars=1")]):
        run = QueryRun(query, as_of, "done", 0.5, rows=n, versions={"bars": n}, at=START + timedelta(minutes=n))
        record_run(records, run, owner="ann")
    record_run(records, QueryRun("c", "", "failed", 0.1, error="no such column"), owner="bob")
    found = list_runs(records, owner="ann")
    assert [(run.query, run.as_of, run.rows) for run in found] == [("a", "bars=1", 3), ("a", "", 2), ("b", "", 1)]
    assert found[0].at == START + timedelta(minutes=3)
    assert found[0].versions == {"bars": 3}
    assert [run.error for run in list_runs(records, owner="bob")] == ["no such column"]
    assert len(list_runs(records, owner="ann", limit=2)) == 2
    forget_runs(records, owner="ann")
    assert list_runs(records, owner="ann") == []
    assert len(list_runs(records, owner="bob")) == 1


def test_old_runs_are_forgotten(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_runs, "KEPT", 3)
    record_run(records, QueryRun("other", "", "done", 0.1, at=START), owner="bob")
    for n in range(6):
        record_run(records, QueryRun(str(n), "", "done", 0.1, at=START + timedelta(minutes=n)), owner="ann")
    assert [run.query for run in list_runs(records, owner="ann")] == ["5", "4", "3"]
    assert len(list_runs(records, owner="bob")) == 1
