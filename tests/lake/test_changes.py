"""What the log tells of changes, and the marks that remember how far somebody has looked."""

from datetime import UTC, date, datetime

import polars as pl

from lake import Lake, open_lake
from lake.changes import changes_since
from lake.compaction import compact
from lake.history import table_versions
from lake.tables import TABLES
from lake.watermarks import read_watermark, set_watermark
from qbrain_core.settings import Settings

TABLE = TABLES["bars_intraday"]


def minute(day: int, hour: int = 15, *, frequency: str = "1m", close: float = 1.0) -> pl.DataFrame:
    ts = datetime(2024, 3, day, hour, tzinfo=UTC)
    row = {
        "frequency": frequency, "instrument": "A.US", "ts": ts, "session": date(2024, 3, day), "open": 1.0,
        "high": 2.0, "low": 0.5, "close": close, "price_basis": "raw",
    }  # fmt: skip
    return pl.DataFrame([row])


def write(lake: Lake, job: str, frame: pl.DataFrame) -> int:
    with lake.commit(job, 1) as transaction:
        transaction.upsert(TABLE.name, frame)
    return transaction.versions[TABLE.name]


def test_changes_name_the_partition_and_its_bounds(anywhere: Settings) -> None:
    lake = open_lake(anywhere)
    storage = lake.catalog.storage
    first = write(lake, "one", minute(4))
    second = write(lake, "two", minute(5, frequency="5m"))
    found = changes_since(storage, TABLE.name, 0, second)
    assert found is not None
    assert [(c.version, c.job, c.removed) for c in found] == [(first, "one", False), (second, "two", False)]
    assert dict(found[1].partition) == {"frequency": "5m", "market": "US", "month": "2024-03"}
    assert datetime.fromisoformat(found[1].low["ts"]) == datetime(2024, 3, 5, 15, tzinfo=UTC)
    assert changes_since(storage, TABLE.name, first, second, ignore=lambda job: job == "two") == []
    assert changes_since(storage, TABLE.name, second, second) == []


def test_a_replaced_file_counts_as_removed_and_compaction_as_nothing(lake: Lake) -> None:
    for n in range(4):
        last = write(lake, f"write-{n}", minute(4, 14 + n))
    assert compact(lake, [TABLE.name], include_open=True)
    compacted = lake.versions()[TABLE.name]
    assert compacted > last
    assert changes_since(lake.catalog.storage, TABLE.name, last, compacted) == []
    corrected = write(lake, "correction", minute(4, 15, close=1.5))
    found = changes_since(lake.catalog.storage, TABLE.name, compacted, corrected)
    assert found is not None
    assert sorted(c.removed for c in found) == [False, True]


def test_a_log_that_was_cleaned_up_tells_nothing(lake: Lake) -> None:
    newest = write(lake, "one", minute(4))
    assert changes_since(lake.catalog.storage, TABLE.name, -2, newest) is None


def test_a_mark_moves_forward_only_and_changes_no_data(anywhere: Settings) -> None:
    lake = open_lake(anywhere)
    storage = lake.catalog.storage
    newest = write(lake, "one", minute(4))
    before = lake.data_versions()
    assert read_watermark(storage, TABLE, "work") is None
    fenced: list[bool] = []
    set_watermark(storage, TABLE, "work", newest, job_id="job", fence=lambda: fenced.append(True))
    assert read_watermark(storage, TABLE, "work") == newest
    version = lake.versions()[TABLE.name]
    set_watermark(storage, TABLE, "work", newest - 1, job_id="job", fence=lambda: fenced.append(True))
    assert read_watermark(storage, TABLE, "work") == newest
    assert lake.versions()[TABLE.name] == version
    assert lake.data_versions() == before
    assert fenced == [True]
    assert table_versions(lake, TABLE.name)[0].operation == "mark"
    assert read_watermark(storage, TABLE, "other work") is None
