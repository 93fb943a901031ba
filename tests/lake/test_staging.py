"""Files written beside a table: bounded memory on the way in, one commit, nothing of it seen before."""

from datetime import date, timedelta

import polars as pl
import pyarrow.parquet as pq
import pytest

from lake import Lake, staging, swap
from lake.staging import Staged, StagedFile, Staging, discard_staged
from lake.storage import Storage
from lake.tables import factor_table
from lake.watermarks import read_facts
from qbrain_core.errors import CommitConflictError, InvalidInputError

TABLE = factor_table("small", "0123456789", ("x", "y"))
PLACES = ({"market": "US", "year": 2023}, {"market": "US", "year": 2024})


def rows(names: str, *, start: date = date(2023, 10, 1), days: int = 184, x: float = 1.0) -> pl.DataFrame:
    sessions = [start + timedelta(days=n) for n in range(days)]
    frame = pl.DataFrame({"instrument": [f"{n}.US" for n in names]}).join(
        pl.DataFrame({"session": sessions}), how="cross"
    )
    return frame.with_columns(x=pl.lit(x, pl.Float32), y=pl.col("session").dt.ordinal_day().cast(pl.Float32))


def stage(lake: Lake, *frames: pl.DataFrame, mark: str = "job") -> tuple[StagedFile, ...]:
    made = Staging(lake.catalog.storage, TABLE, mark=mark)
    for frame in frames:
        made.write(frame)
    return made.close()


def stored(lake: Lake) -> set[str]:
    return set(lake.catalog.storage.stored_files(TABLE.name))


def test_staged_rows_are_seen_when_they_are_committed_and_not_before(lake: Lake) -> None:
    files = stage(lake, rows("AB"), rows("CD"))
    assert {f.partition["year"] for f in files} == {"2023", "2024"}
    assert lake.factor_sets() == []
    with lake.commit("job", 1) as transaction:
        transaction.exchange(TABLE, Staged(files, PLACES, 0, changed=736))
        transaction.note(TABLE, "work", {"made": 1})
    assert transaction.changed == {TABLE.name: 736}
    expected = pl.concat([rows("AB"), rows("CD")])
    assert lake.factors("small", columns=["x", "y"]).equals(expected)
    assert read_facts(lake.catalog.storage, TABLE.name, "work") == (1, {"made": 1})
    (first, *_) = lake.snapshot("small").files
    assert (first.low["instrument"], first.high["instrument"]) == ("A.US", "D.US")
    assert lake.factors("small", instruments=["C.US"], start=date(2024, 1, 1), end=date(2024, 1, 1)).height == 1


def test_files_are_cut_by_their_number_of_values_and_row_groups_by_quarter(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "CELLS_PER_FILE", 200 * len(TABLE.columns))
    files = [f for f in stage(lake, rows("AB"), rows("CD"), rows("EF")) if f.partition["year"] == "2024"]
    assert [f.rows for f in files] == [184, 184, 184]  # 92 days of two names each
    for file in files:
        groups = pq.ParquetFile(f"{lake.catalog.storage.uri(TABLE.name)}/{file.path}").metadata
        for number in range(groups.num_row_groups):
            bounds = groups.row_group(number).column(1).statistics
            assert (bounds.min.month - 1) // 3 == (bounds.max.month - 1) // 3


def test_exchange_replaces_its_partitions_and_leaves_the_others(lake: Lake) -> None:
    with lake.commit("seed", 1) as transaction:
        transaction.upsert(TABLE, rows("ABC"))
    files = [f for f in stage(lake, rows("AZ", x=9.0)) if f.partition["year"] == "2024"]
    with lake.commit("job", 1) as transaction:
        transaction.exchange(TABLE, Staged(tuple(files), PLACES[1:], 1))
    names = {year: set(lake.factors("small", start=date(year, 1, 1), end=date(year, 12, 31))["instrument"])
             for year in (2023, 2024)}  # fmt: skip
    assert names == {2023: {"A.US", "B.US", "C.US"}, 2024: {"A.US", "Z.US"}}


def test_exchange_beside_another_writer_of_the_partition_is_refused_and_of_another_is_not(lake: Lake) -> None:
    with lake.commit("seed", 1) as transaction:
        transaction.upsert(TABLE, rows("A"))
    files = tuple(f for f in stage(lake, rows("B")) if f.partition["year"] == "2024")
    with lake.commit("other year", 1) as transaction:
        transaction.upsert(TABLE, rows("C", days=3))
    with lake.commit("job", 1) as transaction:
        transaction.exchange(TABLE, Staged(files, PLACES[1:], 1))
    more = tuple(f for f in stage(lake, rows("D")) if f.partition["year"] == "2024")
    with lake.commit("same year", 1) as transaction:
        transaction.upsert(TABLE, rows("E"))
    before = lake.factors("small")
    with pytest.raises(CommitConflictError, match="others wrote"), lake.commit("late", 1) as transaction:
        transaction.exchange(TABLE, Staged(more, PLACES[1:], 3))
    assert lake.factors("small").equals(before)
    assert {f.path for f in more} <= stored(lake)  # they are their writer's to delete


def test_exchange_suffers_no_other_write_in_its_block(lake: Lake) -> None:
    files = stage(lake, rows("A"))

    def write() -> None:
        with lake.commit("job", 1) as transaction:
            transaction.exchange(TABLE, Staged(files, PLACES, 0))
            transaction.upsert(TABLE, rows("B"))

    with pytest.raises(InvalidInputError, match="only write"):
        write()
    assert lake.factor_sets() == []


def test_staging_that_is_given_up_leaves_no_file(lake: Lake) -> None:
    made = Staging(lake.catalog.storage, TABLE, mark="job")
    made.write(rows("A"))
    with pytest.raises(InvalidInputError):
        made.write(rows("B").with_columns(z=1.0))
    assert stored(lake)
    made.discard()
    assert stored(lake) == set()


def test_what_dead_writers_leave_is_found_by_its_mark(lake: Lake) -> None:
    (kept, *_) = stage(lake, rows("A"), mark="job-1")
    dead = Staging(lake.catalog.storage, TABLE, mark="job-1-x")
    dead.write(rows("B"))
    other = stage(lake, rows("C"), mark="job2")
    assert discard_staged(lake.catalog.storage, TABLE, "job-", keep=[kept.path]) == 3
    assert stored(lake) == {kept.path, *(f.path for f in other)}


def test_staging_works_where_the_lake_is_in_a_bucket(anywhere: object) -> None:
    from lake import open_lake

    lake = open_lake(anywhere)  # type: ignore[arg-type]
    files = stage(lake, rows("A"), rows("B"))
    with lake.commit("job", 1) as transaction:
        transaction.exchange(TABLE, Staged(files, PLACES, 0))
    assert lake.factors("small", columns=["x", "y"]).equals(rows("AB"))
    given_up = staging.Staging(Storage(lake.settings), TABLE, mark="gone")
    given_up.write(rows("C"))
    given_up.discard()
    assert stored(lake) == {f.path for f in files}


def test_removed_keys_go_whatever_else_is_written(lake: Lake) -> None:
    with lake.commit("seed", 1) as transaction:
        transaction.upsert(TABLE, rows("AB", days=4))
    gone = rows("AB", days=4).filter((pl.col("instrument") == "A.US") | (pl.col("session") == date(2023, 10, 2)))
    again = rows("A", days=1, x=5.0)
    stranger = pl.DataFrame({"instrument": ["Q.US"], "session": [date(2023, 10, 1)]})
    with lake.commit("job", 1) as transaction:
        transaction.remove(TABLE, pl.concat([gone.select("instrument", "session"), stranger]))
        transaction.upsert(TABLE, again)
    assert (transaction.changed, transaction.deleted) == ({TABLE.name: 1}, {TABLE.name: 4})
    left = lake.factors("small", columns=["x"])
    assert left["instrument"].to_list() == ["A.US", "B.US", "B.US", "B.US"]
    assert left["x"][0] == 5.0
    with lake.commit("nothing", 1) as transaction:
        transaction.remove(TABLE, stranger)
    assert transaction.written == {}


def test_note_alone_makes_a_version_that_changes_no_row(lake: Lake) -> None:
    with lake.commit("seed", 1) as transaction:
        transaction.upsert(TABLE, rows("A", days=2))
    with lake.commit("job", 1) as transaction:
        transaction.note(TABLE, "work", {"seen": [1, 2]})
    assert read_facts(lake.catalog.storage, TABLE.name, "work") == (2, {"seen": [1, 2]})
    assert read_facts(lake.catalog.storage, TABLE.name, "other") is None
    assert lake.catalog.data_version(TABLE.name, 2) == 1
