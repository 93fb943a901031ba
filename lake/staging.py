"""Rows on their way into a table: written to files as they are made, and named by no version before all are there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from lake.rows import conform
from lake.storage import ROWS_PER_GROUP, Storage, now_ms
from lake.swap import file_order, file_statistics, rows_per_file
from lake.tables import Table

__all__ = ["Staged", "StagedFile", "Staging", "discard_staged"]


@dataclass(frozen=True)
class StagedFile:
    """A finished Parquet file that no version names yet.

    Attributes
    ----------
    path : str
        Below the table's root.
    size : int
        In bytes.
    partition : mapping of str to str
        Values of the partition columns, as texts.
    rows : int
    statistics : str
        What the log is to know of it, JSON.
    """

    path: str
    size: int
    partition: Mapping[str, str]
    rows: int
    statistics: str

    def add(self) -> AddAction:
        """Make the entry of the log that names it.

        Returns
        -------
        AddAction
        """
        return AddAction(self.path, self.size, dict(self.partition), now_ms(), True, self.statistics)


@dataclass(frozen=True)
class Staged:
    """Files that are to hold every row of some partitions.

    Attributes
    ----------
    files : tuple of StagedFile
    partitions : tuple of mapping
        Partition columns and values; what other files hold of them goes.
    version : int
        Of the table the files were worked out from; 0 where there was none.
    changed, deleted : int
        Rows inserted or changed, and rows that go.
    """

    files: tuple[StagedFile, ...]
    partitions: tuple[Mapping[str, Any], ...]
    version: int
    changed: int = 0
    deleted: int = 0


class Staging:
    """Parquet files of one table that grow as rows are made; memory holds what is written at once, and no more.

    Parameters
    ----------
    storage : Storage
    table : Table
        Partitioned; frames of one partition come in the order of the column it sorts by first.
    mark : str
        Stands in the names of the files, by which they are found when their writer has died.
    """

    def __init__(self, storage: Storage, table: Table, *, mark: str) -> None:
        self._storage, self._table, self._mark = storage, table, mark
        self._open: dict[tuple[Any, ...], _Growing] = {}
        self._done: list[StagedFile] = []

    def write(self, frame: pl.DataFrame) -> None:
        """Write rows; each frame becomes row groups of its own, in the table's order.

        Parameters
        ----------
        frame : DataFrame
            As for `Transaction.upsert`.

        Raises
        ------
        InvalidInputError
            If it does not fit the table.
        """
        names = list(self._table.partitions)
        for part in conform(frame, self._table).partition_by(names, maintain_order=True):
            place = part.select(names).row(0)
            growing = self._open.get(place)
            if growing is not None and growing.rows + part.height > rows_per_file(self._table):
                self._done.append(self._open.pop(place).finish())
                growing = None
            if growing is None:
                values = dict(zip(names, place, strict=True))
                growing = self._open[place] = _Growing(self._storage, self._table, values, self._mark)
            growing.write(part)

    def close(self) -> tuple[StagedFile, ...]:
        """Finish the files.

        Returns
        -------
        tuple of StagedFile
        """
        while self._open:
            self._done.append(self._open.pop(next(iter(self._open))).finish())
        return tuple(self._done)

    def discard(self) -> None:
        """Delete every file, finished or not."""
        files = [growing.give_up() for growing in self._open.values()] + [file.path for file in self._done]
        self._open.clear()
        self._done.clear()
        self._storage.discard(self._table.name, files)


class _Growing:
    # one file on its way

    def __init__(self, storage: Storage, table: Table, partition: Mapping[str, Any], mark: str) -> None:
        self._table, self._partition = table, partition
        self.path, self._sink = storage.begin(table.name, partition, mark=mark)
        self._schema = pa.schema([field for field in table.schema if field.name not in partition])
        known = [name for name in dict.fromkeys([*table.key, *table.sort]) if name not in partition]
        texts = [field.name for field in self._schema if pa.types.is_string(field.type)]
        # numbers that hardly repeat gain nothing from a dictionary, and bounds are of use only where they sort
        self._writer = pq.ParquetWriter(
            self._sink, self._schema, compression="zstd", use_dictionary=texts, write_statistics=known
        )
        self._known = known
        self._low: dict[str, Any] = {}
        self._high: dict[str, Any] = {}
        self.rows = 0

    def write(self, rows: pl.DataFrame) -> None:
        rows = rows.sort(file_order(self._table)).drop(list(self._partition))
        for group in _groups(rows, self._table):
            table = group.to_arrow().cast(self._schema)
            self._writer.write_table(table, row_group_size=ROWS_PER_GROUP)
        bounds = (rows.select(pl.col(self._known).min()), rows.select(pl.col(self._known).max()))
        low, high = (frame.row(0, named=True) for frame in bounds)
        self._low = {name: min(self._low.get(name, low[name]), low[name]) for name in self._known}
        self._high = {name: max(self._high.get(name, high[name]), high[name]) for name in self._known}
        self.rows += rows.height

    def finish(self) -> StagedFile:
        self._writer.close()
        size = int(self._sink.tell())
        self._sink.close()
        text = {name: str(value) for name, value in self._partition.items()}
        return StagedFile(
            self.path, size, text, self.rows, file_statistics(self._table, self.rows, self._low, self._high)
        )

    def give_up(self) -> str:
        self._writer.close()
        self._sink.close()
        return self.path


def discard_staged(storage: Storage, table: Table, mark: str, *, keep: Iterable[str] = ()) -> int:
    """Delete what writers of a mark have left behind.

    Parameters
    ----------
    storage : Storage
    table : Table
    mark : str
        Also the beginning of longer ones.
    keep : iterable of str
        Paths of files that a version names, or is about to.

    Returns
    -------
    int
        How many there were.
    """
    kept = set(keep)
    found = [p for p in storage.stored_files(table.name) if f"/part-{mark}" in p and p not in kept]
    storage.discard(table.name, found)
    return len(found)


def _groups(rows: pl.DataFrame, table: Table) -> Iterator[pl.DataFrame]:
    # row groups that hold one quarter each: a session then touches one of four
    if "year" not in table.partitions or "session" not in table.sort:
        yield rows
        return
    start = 0
    for length in rows["session"].dt.quarter().rle().struct.field("len"):
        yield rows.slice(start, length)
        start += length
