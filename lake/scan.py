"""Read a table version's Parquet files with polars; files are always named, never globbed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from lake.files import DataFile, Snapshot
from lake.rows import polars_schema
from lake.storage import Storage
from lake.tables import Table

__all__ = ["scan_files", "scan_rows"]


def scan_files(files: Sequence[DataFile], table: Table, storage: Storage) -> pl.LazyFrame:
    """Scan files of one table.

    Parameters
    ----------
    files : sequence of DataFile
    table : Table
    storage : Storage

    Returns
    -------
    LazyFrame
        All columns of the table in declared order, typed also where there is no file; a column that a file is too old
        to have is null there.
    """
    schema = polars_schema(table)
    if not files:
        return pl.LazyFrame(schema=schema)
    partitions = {name: schema[name] for name in table.partitions}
    stored = {name: dtype for name, dtype in schema.items() if name not in partitions}
    return pl.scan_parquet(
        [file.uri for file in files],
        schema=stored,
        hive_partitioning=bool(partitions),
        hive_schema=partitions or None,
        missing_columns="insert",
        extra_columns="ignore",
        glob=False,
        storage_options=storage.options or None,
    ).select(list(schema))


def scan_rows(
    snapshot: Snapshot, storage: Storage, bounds: Mapping[str, tuple[Any, Any]],
    values: Mapping[str, Collection[Any] | None],
) -> pl.LazyFrame:  # fmt: skip
    """Scan the rows of a table version that fit, opening only files that can hold any.

    Parameters
    ----------
    snapshot : Snapshot
    storage : Storage
    bounds : mapping of str to (low, high)
        Columns and the range of their values, both ends included; None: unbounded.
    values : mapping of str to collection or None
        Columns and the values they may have; None: any.

    Returns
    -------
    LazyFrame
        All columns of the table, in no particular row order.
    """
    limits = {name: limit for name, limit in bounds.items() if limit != (None, None)}
    given = {name: list(choice) for name, choice in values.items() if choice is not None}
    spans = limits | {name: (min(choice), max(choice)) for name, choice in given.items() if choice}
    files = [f for f in snapshot.files if all(f.may_hold(name, low, high) for name, (low, high) in spans.items())]
    rows = scan_files(files, snapshot.table, storage)
    for name, choice in given.items():
        rows = rows.filter(pl.col(name).is_in(choice) if len(choice) != 1 else pl.col(name) == choice[0])
    for name, (low, high) in limits.items():
        if low is not None:
            rows = rows.filter(pl.col(name) >= low)
        if high is not None:
            rows = rows.filter(pl.col(name) <= high)
    return rows
