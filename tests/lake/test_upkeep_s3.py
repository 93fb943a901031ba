"""Growth, rollback, compaction and vacuum on a bucket."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.compaction import compact
from lake.storage import Storage
from lake.tables import TABLES
from lake.vacuum import vacuum
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings

UNIVERSES = TABLES["universes"]
OLDER = replace(UNIVERSES, columns=UNIVERSES.columns[:3])
LATER = timedelta(days=60)


@pytest.fixture
def bucket(s3_store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in s3_store.items():
        monkeypatch.setenv(name, value)
    settings = Settings(env="test", home=tmp_path / "home", lake_url=f"s3://qbrain/{tmp_path.name}")
    settings.make_home()
    return settings


def upsert(lake: Lake, job: str, instrument: str) -> None:
    frame = pl.DataFrame({"universe": ["u"], "instrument": [instrument], "start": [date(2024, 1, 1)]})
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", frame.with_columns(end=pl.lit(date(2025, 1, 1))))


def members(lake: Lake, as_of: object = None) -> list[str]:
    return lake.universe("u", as_of=as_of)["instrument"].to_list()  # type: ignore[arg-type]


def test_upkeep_on_a_bucket(bucket: Settings) -> None:
    storage = Storage(bucket)
    storage.create(OLDER)
    lake = open_lake(bucket)
    with lake.commit("then", 1) as tx:
        tx.upsert(OLDER, pl.DataFrame({"universe": ["u"], "instrument": ["O.US"], "start": [date(2024, 1, 1)]}))
    assert lake.sql('select "end" from universes')["end"].to_list() == [None]
    for n in range(4):
        upsert(lake, f"u{n}", f"N{n}.US")
    full = members(lake)
    assert lake.versions()["universes"] == 6

    assert [done.outcome for done in compact(lake, ["universes"])] == ["rewritten"]
    assert (lake.versions()["universes"], lake.data_versions()["universes"]) == (7, 6)
    assert lake.rollback("universes", 1, "undo") == 8
    assert members(lake) == ["O.US"]
    assert lake.diff("universes", 7, 8).removed.height == 4

    orphan = storage.write("universes", {}, pl.DataFrame({"universe": ["torn"]}))[0]
    gone = vacuum(lake, ["universes"], keep={"universes": {6}}, now=datetime.now(UTC) + LATER)
    assert orphan in gone[0].files
    assert len(gone[0].files) == 1 + 5
    again = open_lake(bucket)
    assert (members(again), members(again, {"universes": 6})) == (["O.US"], full)
    with pytest.raises(InvalidInputError, match="cleaned up"):
        members(again, {"universes": 4})
