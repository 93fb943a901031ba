"""Rows of a table that are too old: files of nothing else go at once, only those at the edge are rewritten."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl
from deltalake.transaction import AddAction

from lake.files import DataFile
from lake.rows import polars_schema
from lake.scan import scan_files
from lake.storage import Storage
from lake.swap import write_files
from lake.tables import Table

__all__ = ["Expiry", "expire", "expired"]


@dataclass(frozen=True)
class Expiry:
    """Which rows of a table are too old.

    Attributes
    ----------
    column : str
        Date or instant that gives a row its age; a row without one stays.
    before : date, optional
        Rows of earlier days (UTC) go; None: none does.
    parts : mapping of object to date
        Values of the table's first partition column that have a day of their own.
    """

    column: str
    before: date | None = None
    parts: Mapping[Any, date] = field(default_factory=dict)

    def box(self, table: Table) -> dict[str, tuple[Any, Any]]:
        """Bound the rows that go.

        Parameters
        ----------
        table : Table

        Returns
        -------
        dict of str to (None, date or datetime)
            Upper bound of the column, beyond which every row stays.
        """
        return {self.column: (None, max(_edge(table, self, day) for day in (self.before, *self.parts.values()) if day))}

    def day_of(self, file: DataFile, table: Table) -> date | None:
        """Find the day before which rows of a file go.

        Parameters
        ----------
        file : DataFile
        table : Table

        Returns
        -------
        date or None
            None where all stay.
        """
        return self.parts.get(file.partition[table.partitions[0]], self.before) if table.partitions else self.before


def expire(
    storage: Storage, table: Table, expiry: Expiry, files: Sequence[DataFile]
) -> tuple[list[AddAction], list[DataFile], int]:
    """Work out the change of files that lets a table's old rows go.

    Parameters
    ----------
    storage : Storage
    table : Table
    expiry : Expiry
    files : sequence of DataFile

    Returns
    -------
    tuple of (list of AddAction, list of DataFile, int)
        Files written with what stays of the files at the edge, files to remove, rows that go.
    """
    adds: list[AddAction] = []
    removes: list[DataFile] = []
    gone = 0
    for file, rows, stays in expired(files, table, expiry, storage):
        removes.append(file)
        gone += rows
        if rows < file.rows:
            adds += write_files(storage, table, scan_files([file], table, storage).filter(stays).collect())
    return adds, removes, gone


def expired(
    files: Sequence[DataFile], table: Table, expiry: Expiry, storage: Storage
) -> Iterator[tuple[DataFile, int, pl.Expr]]:
    """Find the files that lose rows; only those at the edge, and those the log has no bounds of, are opened.

    Parameters
    ----------
    files : sequence of DataFile
    table : Table
    expiry : Expiry
    storage : Storage

    Yields
    ------
    tuple of (DataFile, int, Expr)
        The file, how many of its rows go, and which stay.
    """
    for file in files:
        before = expiry.day_of(file, table)
        if before is None:
            continue
        edge = _edge(table, expiry, before)
        stays = (pl.col(expiry.column) >= pl.lit(edge)) | pl.col(expiry.column).is_null()
        low, high = file.low.get(expiry.column), file.high.get(expiry.column)
        if low is not None and low >= edge:
            continue
        if high is not None and high < edge:
            yield file, file.rows, stays
            continue
        rows = int(scan_files([file], table, storage).select((~stays).sum()).collect().item())
        if rows:
            yield file, rows, stays


def _edge(table: Table, expiry: Expiry, day: date) -> Any:
    return day if polars_schema(table)[expiry.column] == pl.Date else datetime.combine(day, time(), UTC)
