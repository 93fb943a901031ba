"""Files as they are written: their order, and what the log is told of them."""

import json
from datetime import date

import polars as pl

from lake import Lake
from lake.rows import conform
from lake.swap import write_files
from lake.tables import TABLES

DAYS = [date(2024, 8, 1), date(2024, 2, 1), date(2024, 1, 2), date(2024, 5, 2)]


def test_bars_of_a_year_lie_in_quarters_by_instrument_and_session(lake: Lake) -> None:
    keys = pl.DataFrame({"instrument": ["B.US", "A.US"]}).join(pl.DataFrame({"session": DAYS}), how="cross")
    rows = keys.with_columns(factor=1.0, halted=False, price_basis=pl.lit("raw"), close=1.0)
    storage = lake.catalog.storage
    [add] = write_files(storage, TABLES["bars"], conform(rows, TABLES["bars"]))
    stored = pl.read_parquet(f"{storage.uri('bars')}/{add.path}", hive_partitioning=False)
    first, second, third = [DAYS[2], DAYS[1]], [DAYS[3]], [DAYS[0]]
    assert stored.select("instrument", "session").rows() == [
        (name, day) for quarter in (first, second, third) for name in ("A.US", "B.US") for day in quarter
    ]
    facts = json.loads(add.stats)
    assert (facts["numRecords"], facts["minValues"]["session"], facts["maxValues"]["instrument"]) == (
        8, "2024-01-02", "B.US",
    )  # fmt: skip


def test_rows_without_a_year_lie_in_the_declared_order(lake: Lake) -> None:
    table = TABLES["corporate_actions"]
    rows = pl.DataFrame({"instrument": ["B.US", "A.US"]}).join(pl.DataFrame({"session": DAYS}), how="cross")
    storage = lake.catalog.storage
    [add] = write_files(storage, table, conform(rows.with_columns(action=pl.lit("dividend"), value=1.0), table))
    stored = pl.read_parquet(f"{storage.uri(table.name)}/{add.path}", hive_partitioning=False)
    assert stored.select(table.sort).equals(stored.select(table.sort).sort(table.sort))
