"""What the log tells of a table's versions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.compaction import compact
from lake.history import table_facts, table_versions
from lake.retention import retain
from lake.storage import Storage
from lake.tables import TABLES
from qbrain_core.settings import Settings


def upsert(lake: Lake, job: str, *instruments: str) -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": instruments, "start": date(2024, 1, 1)}))


@pytest.mark.parametrize("anywhere", ["folder", pytest.param("bucket", marks=pytest.mark.soak)], indirect=True)
def test_every_kind_of_version_is_named_with_its_rows_and_job(anywhere: Settings) -> None:
    universes = TABLES["universes"]
    older = replace(universes, columns=universes.columns[:3])
    Storage(anywhere).create(older)
    lake = open_lake(anywhere)
    with lake.commit("old", 1) as tx:
        tx.upsert(older, pl.DataFrame({"universe": ["u"], "instrument": ["O.US"], "start": [date(2024, 1, 1)]}))
    upsert(lake, "job-a", "A.US", "B.US")
    upsert(lake, "job-b#1", "C.US")
    upsert(lake, "job-c", "D.US")
    compact(lake, ["universes"], job_id="night")
    with lake.commit("gone", 1) as tx:
        tx.delete("universes", where={"instrument": "A.US"})
    lake.rollback("universes", 3, "undo")
    with lake.commit("new", 1) as tx:
        tx.replace("universes", pl.DataFrame(schema={"universe": pl.String, "instrument": pl.String, "start": pl.Date}),
                   where={"universe": "u"})  # fmt: skip
    found = table_versions(lake, "universes")
    assert [(v.version, v.operation, v.job, v.rows, v.changes_data) for v in found] == [
        (9, "replace", "new", 0, True),
        (8, "rollback to 3", "undo", 3, True),
        (7, "delete", "gone", 4, True),
        (6, "compact", "night", 5, False),
        (5, "upsert", "job-c", 5, True),
        (4, "upsert", "job-b", 4, True),
        (3, "upsert", "job-a", 3, True),
        (2, "add columns", "", 1, False),
        (1, "upsert", "old", 1, True),
        (0, "create", "", 0, False),
    ]
    assert [v.rows for v in found] == [lake.snapshot("universes", as_of={"universes": v.version}).rows for v in found]
    assert all(timedelta() <= datetime.now(UTC) - v.made_at < timedelta(minutes=5) for v in found if v.made_at)
    assert [v.version for v in table_versions(lake, "universes", limit=3)] == [9, 8, 7]


def test_facts_name_every_table_and_its_last_write(lake: Lake) -> None:
    upsert(lake, "a", "A.US", "B.US")
    with lake.commit("b", 1) as tx:
        tx.upsert("fx_rates", pl.DataFrame({"base": "EUR", "quote": "USD", "session": [date(2020, 1, 2)], "rate": 1.1}))
    retain(lake, {"fx_rates": 30})
    facts = {f.table: f for f in table_facts(lake)}
    assert list(facts) == lake.catalog.names()
    assert (facts["universes"].newest.rows, facts["universes"].newest.job) == (2, "a")
    stored = lake.catalog.storage.stored_files("universes")
    assert facts["universes"].size_bytes == sum(size for size, _ in stored.values()) > 0
    assert (facts["fx_rates"].newest.operation, facts["fx_rates"].newest.rows) == ("retain", 0)
