"""Factor sets that people keep, on SQLite and PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lake.records import Records, open_records
from lake.records.factor_reports import find_report, keep_report
from lake.records.factor_sets import archive_set, find_set, list_sets, save_set, set_versions, share_set
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors import FACTOR_SETS, FactorSet
from qbrain_core.settings import Settings

MINE = FactorSet("momentum", {"M5": "$close/Ref($close, 5)", "A": "$open"}, owner="ann", visibility="private")
SHIPPED = list(FACTOR_SETS)


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, settings: Settings) -> Records:
    if request.param == "postgresql":
        return open_records(settings.model_copy(update={"database_url": request.getfixturevalue("postgres")()}))
    return open_records(settings)


def names(records: Records, user: str, archived: bool = False) -> list[str]:
    return [s.reference for s in list_sets(records, user=user, archived=archived)][len(SHIPPED) :]


def test_every_save_of_other_content_is_a_version_that_stays(records: Records) -> None:
    first = save_set(records, replace(MINE, description="of five", author="Ann"))
    assert (first.version, first.reference, first.digest) == (1, "momentum@1", MINE.digest)
    assert save_set(records, replace(MINE, description="of five", author="Ann")) == first
    second = save_set(records, replace(MINE, expressions={"M9": "$close/Ref($close, 9)"}))
    swapped = save_set(records, replace(MINE, expressions=dict(reversed(MINE.expressions.items()))))
    assert (second.version, swapped.version) == (2, 3)
    assert find_set(records, "momentum", user="ann") == swapped
    assert list(swapped.expressions) == ["A", "M5"]
    assert find_set(records, "momentum@1", user="ann") == first
    assert set_versions(records, "momentum", user="ann") == [swapped, second, first]
    assert names(records, "ann") == ["momentum@3"]
    for wrong, words in (("momentum@4", "the newest is 3"), ("momentum@0", "whole number"), ("momentum@", "whole")):
        with pytest.raises(InvalidInputError, match=words):
            find_set(records, wrong, user="ann")


def test_private_set_is_its_owners_alone(records: Records) -> None:
    save_set(records, MINE)
    for look in (find_set, set_versions):
        with pytest.raises(UnknownNameError):
            look(records, "momentum", user="bob")
    assert names(records, "bob") == []
    shared = share_set(records, "momentum", "team", owner="ann")
    assert find_set(records, "momentum@1", user="bob") == shared
    save_set(records, replace(MINE, name="aaa", owner="bob"))
    assert names(records, "bob") == ["aaa@1", "momentum@1"]
    with pytest.raises(UnknownNameError, match="did you mean 'momentum'"):
        find_set(records, "momentun", user="bob")
    for change in (
        lambda: save_set(records, replace(MINE, owner="bob")),
        lambda: share_set(records, "momentum", "private", owner="bob"),
        lambda: archive_set(records, "momentum", owner="bob"),
        lambda: share_set(records, "momentum", "everybody", owner="ann"),
    ):
        with pytest.raises(InvalidInputError):
            change()
    assert find_set(records, "momentum", user="ann") == shared


def test_archived_set_is_not_listed_and_still_found(records: Records) -> None:
    save_set(records, MINE)
    assert archive_set(records, "momentum", owner="ann").archived
    assert names(records, "ann") == []
    assert names(records, "ann", archived=True) == ["momentum@1"]
    assert find_set(records, "momentum", user="ann").archived
    assert not archive_set(records, "momentum", owner="ann", archived=False).archived
    archive_set(records, "momentum", owner="ann")
    assert save_set(records, MINE) == replace(find_set(records, "momentum@1", user="ann"), archived=False)
    assert names(records, "ann") == ["momentum@1"]


def test_shipped_sets_stand_first_and_keep_their_names(records: Records) -> None:
    assert list_sets(records, user="ann") == list(FACTOR_SETS.values())
    assert find_set(records, "alpha158@1", user="ann") is FACTOR_SETS["alpha158"]
    assert set_versions(records, "alpha158", user="ann") == [FACTOR_SETS["alpha158"]]
    with pytest.raises(InvalidInputError, match="no such version"):
        find_set(records, "alpha158@2", user="ann")
    with pytest.raises(InvalidInputError, match="ships with the product"):
        save_set(records, replace(MINE, name="alpha158"))
    with pytest.raises(UnknownNameError):
        archive_set(records, "alpha158", owner="qbrain")


def test_set_that_cannot_be_computed_is_not_kept(records: Records) -> None:
    with pytest.raises(InvalidInputError, match=r"expressions\.M5 .* at character 5"):
        save_set(records, replace(MINE, expressions={"M5": "Mean[$close, 5]"}))
    with pytest.raises(InvalidInputError, match="looks ahead"):
        save_set(records, replace(MINE, expressions={"M5": "Ref($close, -1)"}))
    assert names(records, "ann") == []


def test_saves_at_the_same_time_become_versions_one_after_another(records: Records) -> None:
    other = [replace(MINE, expressions={"M": f"Ref($close, {n})"}) for n in range(6)]
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda s: save_set(records, s), other))
    assert sorted(s.version for s in made) == [1, 2, 3, 4, 5, 6]
    assert {s.digest for s in set_versions(records, "momentum", user="ann")} == {s.digest for s in other}


def test_report_stands_beside_the_digest(records: Records) -> None:
    assert find_report(records, MINE.digest, "leakage") is None
    keep_report(records, MINE.digest, "leakage", {"clean": False})
    keep_report(records, MINE.digest, "leakage", {"clean": True, "cuts": [1, 2]})
    keep_report(records, MINE.digest, "cost", {"ns": 3.5})
    found = find_report(records, MINE.digest, "leakage")
    assert found is not None
    assert (found.kind, found.result) == ("leakage", {"clean": True, "cuts": [1, 2]})
    assert found.made_at.tzinfo is not None
