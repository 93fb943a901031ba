"""Files written and thrown away, tables made once."""

import os
import time
from pathlib import Path

import polars as pl
import pytest

from lake.storage import Storage
from lake.tables import TABLES, factor_table
from qbrain_core.settings import Settings


def test_written_file_lies_in_its_partition_until_discarded(in_folder: None, settings: Settings) -> None:
    storage = Storage(settings)
    frame = pl.DataFrame({"session": [1, 2]})
    path, size = storage.write("bars", {"market": "US", "year": 2024}, frame)
    file = Path(storage.uri("bars")) / path
    assert path.startswith("market=US/year=2024/part-")
    assert file.stat().st_size == size
    assert pl.read_parquet(file, hive_partitioning=False).equals(frame)
    storage.discard("bars", [path, path])
    assert not file.exists()


def test_create_is_repeatable_and_listing_ignores_half_made_tables(in_folder: None, settings: Settings) -> None:
    storage = Storage(settings)
    assert storage.factor_tables() == []
    table = factor_table("tiny", "0" * 8, ("x",))
    for _ in range(2):
        storage.create(table)
    assert storage.open(table.name).version() == 0
    Path(storage.uri("factors/broken-00000000")).mkdir()
    assert storage.factor_tables() == [table.name]
    assert not storage.exists("bars")
    storage.create(TABLES["bars"])
    assert storage.exists("bars")
    assert not storage.exists("bars", 1)


def test_log_is_never_cleaned_up(settings: Settings) -> None:
    storage = Storage(settings)
    storage.create(TABLES["bars"])
    configuration = storage.open("bars").metadata().configuration
    assert configuration["delta.enableExpiredLogCleanup"] == "false"


def test_s3_root_is_passed_on(settings: Settings) -> None:
    storage = Storage(settings.model_copy(update={"lake_url": "s3://bucket/prefix/"}))
    assert (storage.local, storage.uri("bars")) == (False, "s3://bucket/prefix/bars")
    assert storage.options["aws_conditional_put"] == "etag"


def test_copy_is_a_young_file_in_the_same_partition(in_folder: None, settings: Settings) -> None:
    storage = Storage(settings)
    path, size = storage.write("bars", {"market": "US", "year": 2024}, pl.DataFrame({"session": [1, 2]}))
    original = Path(storage.uri("bars")) / path
    os.utime(original, (1e9, 1e9))
    copied, copied_size = storage.copy("bars", path)
    assert copied != path
    assert copied.startswith("market=US/year=2024/part-")
    assert copied_size == size
    stored = storage.stored_files("bars")
    assert {name: facts[0] for name, facts in stored.items()} == {path: size, copied: size}
    assert stored[path][1] == 1e9
    assert abs(stored[copied][1] - time.time()) < 60, "vacuum would take an old one before it is committed"
    assert not storage.lacks("bars", [path, copied])
    storage.discard("bars", [path])
    assert storage.lacks("bars", [path, copied])
    with pytest.raises(FileNotFoundError):
        storage.copy("bars", path)


def test_stored_files_of_no_table_are_none(settings: Settings) -> None:
    assert Storage(settings).stored_files("bars") == {}


def test_log_entry_is_read_or_missing(settings: Settings) -> None:
    storage = Storage(settings)
    storage.create(TABLES["bars"])
    assert b"metaData" in storage.log_entry("bars", 0)
    with pytest.raises(FileNotFoundError):
        storage.log_entry("bars", 1)
