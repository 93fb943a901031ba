"""Log entries: when, which files, and whether rows changed."""

import time
from datetime import date

import polars as pl
import pytest

from lake import Lake
from lake.compaction import compact
from lake.log import read_entry


def test_entries_tell_what_changed_rows(lake: Lake) -> None:
    for n in range(4):
        scores = {"model": "a b/é", "version": 1, "instrument": f"N{n}.US", "session": date(2020, 1, 2), "score": 1.0}
        with lake.commit(f"j{n}", 1) as tx:
            tx.upsert("predictions", pl.DataFrame([scores]))
    compact(lake, ["predictions"])
    storage = lake.catalog.storage
    entries = [read_entry(storage, "predictions", version) for version in range(6)]
    assert [entry.changes_data for entry in entries] == [False, True, True, True, True, False]
    assert [len(entry.adds) for entry in entries] == [0, 1, 1, 1, 1, 1]
    assert entries[5].adds == {file.path for file in lake.snapshot("predictions").files}
    assert all(abs(entry.made_ms / 1000 - time.time()) < 60 for entry in entries[1:])
    with pytest.raises(FileNotFoundError):
        read_entry(storage, "predictions", 6)
