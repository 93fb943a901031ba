"""Versions, `as_of` in all its forms, names, and files."""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.compaction import compact
from lake.storage import Storage
from lake.tables import TABLES, factor_table
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings


def upsert(lake: Lake, job: str, *names: str) -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": names, "start": date(2024, 1, 1)}))


def write_factors(lake: Lake, digest: str, value: float = 1.0, factor_set: str = "tiny") -> None:
    frame = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "x": [value]})
    with lake.commit(f"{factor_set}{digest}{value}", 1) as tx:
        tx.upsert(factor_table(factor_set, digest, ("x",)), frame)


@pytest.fixture
def history(lake: Lake) -> list[datetime]:
    """Commit A, B and C in turn; returns a moment after each, the first before any."""
    moments = []
    for name in ("", "A.US", "B.US", "C.US"):
        if name:
            upsert(lake, name, name)
        time.sleep(0.01)
        moments.append(datetime.now(UTC))
        time.sleep(0.01)
    return moments


def members(lake: Lake, as_of: object) -> list[str]:
    return lake.universe("u", as_of=as_of)["instrument"].to_list()  # type: ignore[arg-type]


def test_as_of_none_is_the_newest_version(lake: Lake, history: list[datetime]) -> None:
    assert members(lake, None) == ["A.US", "B.US", "C.US"]
    assert lake.versions()["universes"] == 3


def test_as_of_time_sees_what_was_committed_by_then(lake: Lake, history: list[datetime]) -> None:
    assert [len(members(lake, moment)) for moment in history] == [0, 1, 2, 3]
    assert members(lake, history[2].isoformat()) == ["A.US", "B.US"]
    assert members(lake, history[1].replace(tzinfo=None)) == ["A.US"], "a time without zone is UTC"


def test_as_of_before_the_lake_was_made_is_empty(lake: Lake, history: list[datetime]) -> None:
    assert members(lake, "2000-01-01") == []


def test_as_of_versions_as_mapping_and_text(lake: Lake, history: list[datetime]) -> None:
    assert members(lake, {"universes": 1}) == ["A.US"]
    assert members(lake, "bars=0, universes=2") == ["A.US", "B.US"]
    assert members(lake, {"bars": 0}) == ["A.US", "B.US", "C.US"], "a table not named is at its newest"


def test_as_of_pin_gives_the_pinned_versions(settings: Settings) -> None:
    pins: dict[str, Mapping[str, int]] = {"q1": {"universes": 1}}
    lake = open_lake(settings, pins=pins.get)
    upsert(lake, "a", "A.US")
    upsert(lake, "b", "B.US")
    assert members(lake, "q1") == ["A.US"]
    with pytest.raises(InvalidInputError, match=r"neither a time .* nor a pin's name"):
        lake.versions("q2")


def test_as_of_pin_is_looked_up_in_the_records(lake: Lake, settings: Settings) -> None:
    from lake.records import open_records

    upsert(lake, "a", "A.US")
    open_records(settings).set_pin("release", lake.versions(), owner="local")
    upsert(lake, "b", "B.US")
    assert members(lake, "release") == ["A.US"]


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        ({"universes": 9}, "versions 0 to 3"),
        ({"universes": -1}, "versions 0 to 3"),
        ("universes=x", "versions are written"),
        ("barz=1", "did you mean 'bars'"),
        ("factors=1", "one of the factor tables: there is none"),
    ],
)
def test_as_of_that_means_nothing_is_refused(lake: Lake, history: list[datetime], as_of: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        lake.versions(as_of)  # type: ignore[arg-type]


def test_old_versions_stay_readable_behind_a_checkpoint(lake: Lake, settings: Settings) -> None:
    for n in range(12):
        upsert(lake, f"j{n}", f"N{n:02}.US")
    Storage(settings).open("universes").create_checkpoint()
    assert [len(members(open_lake(settings), {"universes": v})) for v in (0, 5, 12)] == [0, 5, 12]


def test_another_process_writes_and_the_open_lake_sees_it(lake: Lake, settings: Settings) -> None:
    assert members(lake, None) == []
    upsert(open_lake(settings), "a", "A.US")
    assert members(lake, None) == ["A.US"]
    assert lake.sql("select instrument from universes").item() == "A.US"


def test_find_takes_table_view_set_and_newest_wins(lake: Lake) -> None:
    write_factors(lake, "aaaaaaaaff")
    time.sleep(0.005)
    write_factors(lake, "00000000ff", 2.0)
    assert lake.factor_sets() == ["factors/tiny-00000000", "factors/tiny-aaaaaaaa"]
    found = {lake.catalog.find(n) for n in ("tiny", "factors/tiny", "factors_tiny", "factors_tiny_00000000")}
    assert found == {"factors/tiny-00000000"}
    assert lake.catalog.find("factors/tiny-aaaaaaaa") == "factors/tiny-aaaaaaaa"
    with pytest.raises(UnknownNameError, match="did you mean"):
        lake.catalog.find("tinny")


def test_find_keeps_sets_apart_whose_names_begin_alike(lake: Lake) -> None:
    write_factors(lake, "aaaaaaaa", factor_set="alpha")
    write_factors(lake, "bbbbbbbb", factor_set="alpha-2")
    assert lake.catalog.aliases() == {
        "factors_alpha": "factors/alpha-aaaaaaaa",
        "factors_alpha_2": "factors/alpha-2-bbbbbbbb",
    }


def test_declaration_of_a_factor_table_is_rebuilt_from_the_table(lake: Lake, settings: Settings) -> None:
    write_factors(lake, "aaaaaaaa")
    assert open_lake(settings).catalog.declaration("factors/tiny-aaaaaaaa") == factor_table("tiny", "aaaaaaaa", ("x",))


def test_versions_name_every_table(lake: Lake) -> None:
    write_factors(lake, "aaaaaaaa")
    assert lake.versions() == dict.fromkeys(TABLES, 0) | {"factors/tiny-aaaaaaaa": 1}


def test_state_names_rows_not_versions(lake: Lake) -> None:
    upsert(lake, "a", "A")
    first = lake.catalog.state("universes", 1)
    upsert(lake, "b", "B")
    second = lake.catalog.state("universes", 2)
    compact(lake, ["universes"], include_open=True, min_files=2)
    assert lake.versions()["universes"] == 3
    assert lake.catalog.state("universes", 3) == second != first
    lake.rollback("universes", 1, "back")
    back = lake.catalog.state("universes", 4)
    assert back not in (first, second)
    assert open_lake(lake.settings).catalog.state("universes", 4) == back


def test_state_of_another_lake_is_another_though_versions_agree(lake: Lake, tmp_path: Path) -> None:
    other = open_lake(Settings(env="test", home=tmp_path / "other", lake_url=str(tmp_path / "other" / "lake")))
    for each in (lake, other):
        upsert(each, "a", "A")
    assert lake.versions()["universes"] == other.versions()["universes"]
    for version in (0, 1):
        assert lake.catalog.state("universes", version) != other.catalog.state("universes", version)
