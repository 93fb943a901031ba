"""Declarations that grow: an older lake reads on, the next write widens it, and nothing else may change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import polars as pl
import pyarrow as pa
import pytest

from lake import Lake, open_lake
from lake.cage import run_query
from lake.commit import Transaction
from lake.compaction import compact
from lake.evolution import growth_of, widen
from lake.storage import Storage
from lake.tables import TABLES, Column, Table
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings

BARS = TABLES["bars"]
GAINED = {"limit_up", "special_treatment"}
OLDER = replace(BARS, columns=tuple(column for column in BARS.columns if column.name not in GAINED))


def bars(instrument: str, **more: object) -> pl.DataFrame:
    return pl.DataFrame({"instrument": [instrument] * 2, "session": [date(2024, 1, 2), date(2024, 1, 3)]}).with_columns(
        close=1.5, factor=1.0, halted=False, price_basis=pl.lit("raw"), **{k: pl.lit(v) for k, v in more.items()}
    )


def columns_on_disk(settings: Settings) -> list[str]:
    return [field.name for field in Storage(settings).open("bars").schema().fields]


@pytest.fixture
def settings(settings: Settings, without_lake: Callable[[Settings], Settings]) -> Settings:
    return without_lake(settings)


@pytest.fixture
def older(settings: Settings) -> Lake:
    """Open a lake whose bars were made and written before the declaration gained two columns."""
    Storage(settings).create(OLDER)
    lake = open_lake(settings)
    with lake.commit("then", 1) as tx:
        tx.upsert(OLDER, bars("OLD.US"))
    assert not GAINED & set(columns_on_disk(settings))
    return lake


def test_older_lake_reads_null_in_frames_and_sql(older: Lake) -> None:
    frame = older.bars()
    assert frame.columns == BARS.schema.names
    assert frame["limit_up"].to_list() == [None, None]
    row = older.sql("select count(*) n, count(limit_up) l, any_value(close) c, typeof(any_value(limit_up)) t from bars")
    assert row.row(0) == (2, 0, 1.5, "DOUBLE")
    assert older.sql("select * from bars order by session").equals(older.scan("bars").sort("session").collect())
    assert older.sql("select instrument from bars where limit_up is null and year = 2024").height == 2


def test_next_write_adds_the_columns_and_old_rows_stay_null(older: Lake, settings: Settings) -> None:
    with older.commit("now", 1) as tx:
        tx.upsert("bars", bars("NEW.US", limit_up=2.0))
    assert set(columns_on_disk(settings)) >= GAINED
    assert tx.versions["bars"] == older.versions()["bars"] == 3
    for lake in (older, open_lake(settings)):
        assert lake.bars(columns=["limit_up"])["limit_up"].to_list() == [2.0, 2.0, None, None]
        assert lake.sql("select limit_up from bars order by instrument, session")["limit_up"].to_list() == [
            2.0, 2.0, None, None,
        ]  # fmt: skip
    assert older.bars(as_of={"bars": 1}).height == 2, "history reads on"
    assert older.data_versions()["bars"] == 3
    assert older.data_versions({"bars": 2})["bars"] == 1, "the wider schema alone changed no row"


def test_column_that_no_file_has_any_more_is_null(older: Lake) -> None:
    with older.commit("now", 1) as tx:
        tx.upsert("bars", bars("NEW.US", limit_up=2.0))
    with older.commit("later", 1) as tx:
        tx.delete("bars", where={"instrument": "NEW.US"})
    assert older.sql("select limit_up from bars")["limit_up"].to_list() == [None, None]


def test_writer_killed_after_widening_leaves_a_sound_table(older: Lake, settings: Settings) -> None:
    opened = older.catalog.storage.open("bars")
    widen(opened, growth_of(opened, BARS))
    lake = open_lake(settings)
    assert lake.sql("select limit_up, special_treatment from bars").height == 2
    with lake.commit("now", 1) as tx:
        tx.upsert("bars", bars("NEW.US", limit_up=2.0))
    assert tx.versions["bars"] == 3


def test_change_of_an_old_row_carries_the_new_columns(older: Lake) -> None:
    with older.commit("now", 1) as tx:
        tx.upsert("bars", bars("OLD.US", limit_up=9.0).head(1))
    assert tx.changed["bars"] == 1
    assert older.bars(columns=["limit_up"])["limit_up"].to_list() == [9.0, None]


def test_rival_that_widens_first_is_no_obstacle(older: Lake, settings: Settings) -> None:
    raced: list[Transaction] = []

    def fence() -> None:
        if not raced:
            with open_lake(settings).commit("rival", 1) as tx:
                tx.upsert("bars", bars("RIVAL.US", limit_up=1.0))
            raced.append(tx)

    with older.commit("now", 1, fence=fence) as tx:
        tx.upsert("bars", bars("NEW.US", limit_up=2.0))
    assert older.bars()["instrument"].unique().sort().to_list() == ["NEW.US", "OLD.US", "RIVAL.US"]
    assert columns_on_disk(settings).count("limit_up") == 1


def retyped(table: Table, name: str, **changes: object) -> Table:
    changed = tuple(replace(c, **changes) if c.name == name else c for c in table.columns)  # type: ignore[arg-type]
    return replace(table, columns=changed)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (OLDER, r"bars.limit_up.*never taken away"),
        (retyped(BARS, "volume", type=pa.int64()), r"bars.volume is .*long.* the table holds .*double.*never changes"),
        (retyped(BARS, "close", nullable=False), r"bars.close.*may have none"),
        (replace(BARS, columns=(*BARS.columns, Column("venue", pa.string(), "V."))), "bars.venue.*null in older rows"),
        (replace(BARS, partitions=("market",)), "bars.partitions.*was made with"),
    ],
    ids=["removed", "retyped", "tightened", "required", "repartitioned"],
)
def test_change_that_old_files_cannot_follow_is_refused(lake: Lake, declared: Table, message: str) -> None:
    with lake.commit("a", 1) as tx:
        tx.upsert("bars", bars("A.US"))
    full = bars("B.US", venue="X") if "venue" in declared.schema.names else bars("B.US")
    with pytest.raises(InvalidInputError, match=message), lake.commit("b", 1) as tx:
        tx.upsert(declared, full)
    assert lake.versions()["bars"] == 1


def test_read_with_another_type_is_refused_in_words(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLES, "bars", retyped(BARS, "volume", type=pa.int64()))
    with pytest.raises(InvalidInputError, match=r"bars.volume.*never changes"):
        open_lake(lake.settings).bars()


def test_older_product_reads_a_newer_lake_and_does_not_write_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        with lake.commit(f"a{n}", 1) as tx:
            tx.upsert("bars", bars(f"A{n}.US", limit_up=2.0))
    monkeypatch.setitem(TABLES, "bars", OLDER)
    old = open_lake(lake.settings)
    assert old.bars().columns == OLDER.schema.names
    writes: list[Callable[[], object]] = [
        lambda: compact(old, ["bars"], include_open=True, min_files=2),
        lambda: old.rollback("bars", 1, "r"),
    ]
    for write in writes:
        with pytest.raises(InvalidInputError, match="never taken away"):
            write()
    assert old.versions()["bars"] == 4


def test_column_may_become_optional(lake: Lake, settings: Settings) -> None:
    optional = retyped(BARS, "price_basis", nullable=True)
    with lake.commit("a", 1) as tx:
        tx.upsert(optional, bars("A.US").drop("price_basis"))
    fields = {field.name: field for field in Storage(settings).open("bars").schema().fields}
    assert fields["price_basis"].nullable
    assert tx.versions["bars"] == lake.versions()["bars"]


def test_cage_shows_the_new_column(older: Lake) -> None:
    result = run_query(older, "select count(*) as n, count(limit_up) as l from bars")
    assert result.frame.row(0) == (2, 0)
