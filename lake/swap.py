"""Change which files make up a table: write Parquet files, then name them in exactly the next version or not at all."""

import json
import random
import time
from collections.abc import Iterable, Mapping
from datetime import date, datetime

import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake import Transaction as AppTransaction
from deltalake.transaction import AddAction, RemoveAction

from lake.files import DataFile
from lake.storage import ROWS_PER_FILE, Storage, now_ms
from lake.tables import Table

__all__ = ["file_order", "file_statistics", "pause", "rows_per_file", "statistics_of", "swap", "write_files"]

CELLS_PER_FILE = 64_000_000
"""Values of one Parquet file at most, all columns together: files of wide tables have fewer rows."""

_LONGEST_PAUSE_S = 0.5


def rows_per_file(table: Table) -> int:
    """Tell how many rows a file of a table holds at most: what a change of one row may have to rewrite.

    Parameters
    ----------
    table : Table

    Returns
    -------
    int
        `ROWS_PER_FILE`, less where the table is wide.
    """
    return max(1, min(ROWS_PER_FILE, CELLS_PER_FILE // len(table.columns)))


def write_files(storage: Storage, table: Table, rows: pl.DataFrame, *, data_change: bool = True) -> list[AddAction]:
    """Write rows to files that no version names yet, each in the table's sort order.

    Parameters
    ----------
    storage : Storage
    table : Table
    rows : DataFrame
        Columns as the table declares them.
    data_change : bool
        False where the rows are already in the table, in other files.

    Returns
    -------
    list of AddAction
        One per file; at least one per partition, at most `rows_per_file` rows each.
    """
    adds: list[AddAction] = []
    names = list(table.partitions)
    for part in rows.partition_by(names) if names else [rows]:
        values = dict(zip(names, part.select(names).row(0), strict=True)) if names else {}
        for piece in part.sort(file_order(table)).drop(names).iter_slices(rows_per_file(table)):
            path, size = storage.write(table.name, values, piece)
            text = {name: str(value) for name, value in values.items()}
            adds.append(AddAction(path, size, text, now_ms(), data_change, statistics_of(piece, table)))
    return adds


def swap(
    opened: DeltaTable, table: Table, adds: Iterable[AddAction], removes: Iterable[DataFile], *,
    app: tuple[str, int] | None = None, note: Mapping[str, str] | None = None, data_change: bool = True,
    mark: str = "",
) -> None:  # fmt: skip
    """Commit a change of files as the version after the opened one.

    Parameters
    ----------
    opened : DeltaTable
        The version the change was planned on.
    table : Table
    adds : iterable of AddAction
    removes : iterable of DataFile
    app : tuple of (str, int), optional
        Id and attempt by which the commit is found again.
    note : mapping of str to str, optional
        Kept with the commit.
    data_change : bool
        False where the same rows only move to other files.
    mark : str
        Work that the table's log then says was last done in this version; "" for none.

    Raises
    ------
    CommitFailedError
        If that version exists by now; nothing was changed, unless only the answer got lost.
    """
    now = now_ms()
    removals = [
        RemoveAction(file.path, data_change, now, partition_values={k: str(v) for k, v in file.partition.items()})
        for file in removes
    ]
    applications = [AppTransaction(*app)] if app else []
    if mark:
        applications.append(AppTransaction(mark, int(opened.version()) + 1))
    opened.create_write_transaction(
        [*adds, *removals],
        "append",
        Schema.from_arrow(table.schema),
        list(table.partitions),
        commit_properties=CommitProperties(
            max_commit_retries=0,
            app_transactions=applications or None,
            custom_metadata=dict(note or {}),
        ),
    )


def pause(attempt: int) -> None:
    """Wait before trying again what another writer won; longer and more at random after each attempt.

    Parameters
    ----------
    attempt : int
        From 0.
    """
    # nobody tells when a store is free of rivals; at random, so that two who met do not meet again
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.005 * 2**attempt)))


def file_statistics(table: Table, rows: int, low: Mapping[str, object], high: Mapping[str, object]) -> str:
    """Write what the log knows of a file, by which readers skip it.

    Parameters
    ----------
    table : Table
    rows : int
    low, high : mapping of str to object
        Least and greatest value by column; only the columns that identify or sort rows are kept.

    Returns
    -------
    str
        JSON, as the Delta protocol words it.
    """
    names = [name for name in dict.fromkeys([*table.key, *table.sort]) if low.get(name) is not None]
    return json.dumps(
        {
            "numRecords": rows,
            "minValues": {name: _plain(low[name]) for name in names},
            "maxValues": {name: _plain(high[name]) for name in names},
            "nullCount": dict.fromkeys(names, 0),
        }
    )


def file_order(table: Table) -> list[pl.Expr]:
    """Give the order of rows within a file.

    Parameters
    ----------
    table : Table

    Returns
    -------
    list of Expr
        The columns the table sorts by; in a partition by year, behind the quarter.
    """
    # a year in quarters: one session then touches a quarter of the row groups, and one instrument hardly more of them
    quarters = [pl.col("session").dt.quarter()] if "year" in table.partitions and "session" in table.sort else []
    return [*quarters, *map(pl.col, table.sort)]


def statistics_of(rows: pl.DataFrame, table: Table) -> str:
    """Work out what the log is to know of a file.

    Parameters
    ----------
    rows : DataFrame
        The file's; at least one.
    table : Table

    Returns
    -------
    str
        See `file_statistics`.
    """
    names = [name for name in dict.fromkeys([*table.key, *table.sort]) if name in rows.columns]
    low, high = rows.select(pl.col(names).min()).row(0, named=True), rows.select(pl.col(names).max()).row(0, named=True)
    return file_statistics(table, rows.height, low, high)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value
