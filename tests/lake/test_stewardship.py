"""What people do to the lake on purpose, and the line each leaves in the audit trail."""

from datetime import date

import polars as pl
import pytest

from lake import Lake
from lake.records import open_records
from lake.records.models import AuditRow
from lake.stewardship import count_rows, delete_rows, pin, rollback, unpin
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings


@pytest.fixture
def history(lake: Lake) -> Lake:
    """Versions 1 to 3 add A, B and C."""
    for name in ("A.US", "B.US", "C.US"):
        with lake.commit(name, 1) as tx:
            tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": [name], "start": date(2024, 1, 1)}))
    return lake


def trail(settings: Settings) -> list[tuple[str, str, str, dict[str, object]]]:
    with open_records(settings).read() as session:
        return [(r.user, r.action, r.object, r.detail) for r in session.query(AuditRow).order_by(AuditRow.id)]


def members(lake: Lake, as_of: object = None) -> list[str]:
    return lake.universe("u", as_of=as_of)["instrument"].to_list()  # type: ignore[arg-type]


def test_rollback_brings_old_rows_back_and_is_noted(history: Lake, settings: Settings) -> None:
    done = rollback(history, "universes", 1, user="anna")
    assert (done.before, done.version, done.rows, done.removed) == (3, 4, 1, 2)
    assert members(history) == ["A.US"]
    assert trail(settings) == [("anna", "rollback", "universes", {"to": 1, "before": 3, "version": 4, "removed": 2})]


def test_delete_takes_what_matches_and_is_noted(history: Lake, settings: Settings) -> None:
    where = {"instrument": "B.US", "start": "2024-01-01"}
    assert count_rows(history, "universes", where) == 1
    done = delete_rows(history, "universes", where, user="anna")
    assert (done.version, done.removed, members(history)) == (4, 1, ["A.US", "C.US"])
    assert members(history, {"universes": 3}) == ["A.US", "B.US", "C.US"]
    user, action, subject, detail = trail(settings)[0]
    assert (user, action, subject, detail["where"]) == ("anna", "delete", "universes", where)


def test_delete_of_no_value_and_of_truth(history: Lake) -> None:
    assert count_rows(history, "universes", {"end": None}) == 3
    assert count_rows(history, "bars", {"halted": "TRUE"}) == 0
    assert count_rows(history, "findings", {"created_at": "2024-01-01T10:00"}) == 0
    for where, message in (
        ({"session": "2024-13-01"}, "month must be"),
        ({"halted": "maybe"}, "neither true nor false"),
        ({"year": "soon"}, "year"),
        ({}, "names"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            delete_rows(history, "bars", where, user="anna")
    assert history.versions()["bars"] == 0


def test_pin_keeps_a_point_and_is_noted(history: Lake, settings: Settings) -> None:
    kept = pin(history, "before-c", user="anna", as_of="universes=2", note="release")
    assert kept["universes"] == 2
    assert set(kept) == set(history.catalog.names())
    assert members(history, "before-c") == ["A.US", "B.US"]
    assert pin(history, "before-c", user="anna", as_of="universes=2", note="release") == kept
    with pytest.raises(InvalidInputError, match="means other versions"):
        pin(history, "before-c", user="anna")
    assert [p.name for p in open_records(settings).pins()] == ["before-c"]
    assert unpin(history, "before-c", user="ben") == kept
    assert [(user, action, subject) for user, action, subject, _ in trail(settings)] == [
        ("anna", "pin", "before-c"), ("anna", "pin", "before-c"), ("ben", "unpin", "before-c"),
    ]  # fmt: skip
    with pytest.raises(UnknownNameError, match="before-c"):
        unpin(history, "before-c", user="ben")


@pytest.mark.parametrize("name", ["", "2024-01-01", "2024-01-01T10:00", "bars=1", "a b", "x" * 65, "-x", "a/b"])
def test_pin_whose_name_means_something_else_is_refused(history: Lake, settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInputError, match="a pin's name"):
        pin(history, name, user="anna")
    assert trail(settings) == []
