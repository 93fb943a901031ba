"""Differences between versions, by key."""

from datetime import date

import polars as pl
import pytest

from lake import Lake
from lake.compaction import compact
from lake.tables import TABLES
from qbrain_core.errors import InvalidInputError, UnknownNameError


def bars(rows: list[tuple[str, date, float | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["instrument", "session", "close"], orient="row").with_columns(
        close=pl.col("close").cast(pl.Float64), factor=1.0, halted=False, price_basis=pl.lit("raw")
    )


def upsert(lake: Lake, job: str, rows: list[tuple[str, date, float | None]]) -> int:
    with lake.commit(job, 1) as tx:
        tx.upsert("bars", bars(rows))
    return tx.versions["bars"]


D1, D2, D3 = date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3)


@pytest.fixture
def history(lake: Lake) -> Lake:
    upsert(lake, "a", [("A.US", D1, 1.0), ("A.US", D2, 1.0), ("B.US", D1, None), ("B.US", D2, 2.0)])
    upsert(lake, "b", [("A.US", D2, 1.5), ("A.US", D3, 1.0), ("B.US", D1, None)])
    with lake.commit("c", 1) as tx:
        tx.delete("bars", where={"instrument": "B.US", "session": D2})
    return lake


def test_diff_names_rows_added_changed_and_removed(history: Lake) -> None:
    diff = history.diff("bars", 1, 3)
    assert (diff.old, diff.new) == (1, 3)
    assert diff.added.select("instrument", "session").rows() == [("A.US", D3)]
    assert diff.changed.select("instrument", "session", "close_before", "close").rows() == [("A.US", D2, 1.0, 1.5)]
    assert diff.removed.select("instrument", "session", "close").rows() == [("B.US", D2, 2.0)]
    assert diff.added.columns == diff.removed.columns == TABLES["bars"].schema.names


def test_diff_backwards_swaps_its_sides(history: Lake) -> None:
    there, back = history.diff("bars", 1, 3), history.diff("bars", 3, 1)
    assert back.added.equals(there.removed)
    assert back.removed.equals(there.added)
    assert back.changed["close_before"].to_list() == there.changed["close"].to_list()


def test_diff_takes_points_in_history_and_now(history: Lake) -> None:
    assert history.diff("bars", {"bars": 1}).added.equals(history.diff("bars", 1, 3).added)
    assert history.diff("bars", "2000-01-01").added.height == 4


def test_diff_of_equal_rows_is_empty(history: Lake) -> None:
    diff = history.diff("bars", 2, 2)
    assert (diff.added.height, diff.changed.height, diff.removed.height) == (0, 0, 0)
    assert "close_before" in diff.changed.columns
    last = upsert(history, "d", [("C.US", D3, 1.0)])
    assert compact(history, ["bars"], include_open=True, min_files=2)
    after = history.diff("bars", last)
    assert (after.added.height, after.changed.height, after.removed.height) == (0, 0, 0)


def test_diff_of_a_row_whose_partition_changed_is_a_change(lake: Lake) -> None:
    row = {
        "job_id": "j", "seq": 1, "attempt": 1, "type": "log", "payload": "{}",
        "ts": date(2024, 1, 31), "month": "2024-01",
    }  # fmt: skip
    for job, month in (("a", "2024-01"), ("b", "2024-02")):
        with lake.commit(job, 1) as tx:
            tx.upsert("job_events", pl.DataFrame([row | {"month": month}]))
    diff = lake.diff("job_events", 1, 2)
    assert (diff.added.height, diff.removed.height) == (0, 0)
    assert diff.changed.select("month_before", "month").rows() == [("2024-01", "2024-02")]


def test_diff_of_what_is_not_there_is_refused(history: Lake) -> None:
    with pytest.raises(InvalidInputError, match="versions 0 to 3"):
        history.diff("bars", 1, 9)
    with pytest.raises(UnknownNameError, match="did you mean 'bars'"):
        history.diff("barz", 1, 2)
