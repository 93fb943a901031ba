"""The SELECT behind a view: the version's own files, declared types, empty tables too."""

from datetime import date

import duckdb
import polars as pl
import pytest

from lake import Lake
from lake.tables import TABLES, factor_table
from lake.views import select_of
from qbrain_core.settings import Settings


@pytest.mark.parametrize("name", TABLES)
def test_view_of_an_empty_table_has_the_declared_types(lake: Lake, name: str) -> None:
    arrow = duckdb.sql(select_of(lake.snapshot(name))).to_arrow_table()
    assert arrow.num_rows == 0
    assert pl.DataFrame(arrow).schema.names() == TABLES[name].schema.names
    assert lake.sql(f"select * from {name}").schema == lake.scan(name).collect_schema()


def write_universe(lake: Lake, job: str, instrument: str) -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": instrument, "start": date(2024, 1, 1)}))


def test_view_never_reads_a_file_the_log_does_not_name(lake: Lake, settings: Settings) -> None:
    write_universe(lake, "a", "A.US")
    storage = lake.catalog.storage
    orphan, _ = storage.copy("universes", next(iter(storage.stored_files("universes"))))
    assert len(storage.stored_files("universes")) == 2
    assert not storage.lacks("universes", [orphan])
    assert lake.sql("select count(*) from universes").item() == 1
    assert lake.scan("universes").collect().height == 1


def test_view_and_scan_agree_on_partitioned_rows(lake: Lake) -> None:
    bars = pl.DataFrame({"instrument": ["1.US", "2.HK"], "session": [date(2023, 1, 3), date(2024, 1, 2)]}).with_columns(
        close=1.5, factor=1.0, halted=False, price_basis=pl.lit("raw")
    )
    with lake.commit("a", 1) as tx:
        tx.upsert("bars", bars)
    ours = lake.scan("bars").sort("instrument").collect()
    assert lake.sql("select * from bars order by instrument").equals(ours)
    assert lake.sql("select typeof(year) y, typeof(market) m from bars limit 1").row(0) == ("INTEGER", "VARCHAR")


def test_factor_views_include_the_alias_of_the_newest(lake: Lake) -> None:
    frame = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "KMID": [0.5]})
    with lake.commit("a", 1) as tx:
        tx.upsert(factor_table("alpha158", "abcdef0123", ("KMID",)), frame)
    assert lake.sql("select KMID from factors_alpha158").item() == 0.5
    assert lake.sql("select kmid from factors_alpha158_abcdef01").item() == 0.5
    assert list(lake.views("select 1 from FACTORS_ALPHA158")) == ["factors_alpha158"]
