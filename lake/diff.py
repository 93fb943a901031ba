"""What changed between two versions of a table, row by row."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from lake.files import DataFile, Snapshot
from lake.rows import polars_schema
from lake.scan import scan_files
from lake.storage import Storage
from lake.tables import Table

__all__ = ["TableDiff", "diff_snapshots"]

_BEFORE = "_before"


@dataclass(frozen=True)
class TableDiff:
    """The difference between two versions of one table; the frames are sorted by its key, and may have no rows.

    Attributes
    ----------
    table : Table
    old, new : int
        Versions.
    added : DataFrame
        Rows whose key only the new version has; the table's columns.
    changed : DataFrame
        Rows whose key both have and whose values differ: the table's columns with the new values, then
        `<column>_before` with the old value of every column that is not of the key.
    removed : DataFrame
        Rows whose key only the old version has; the table's columns.
    """

    table: Table
    old: int
    new: int
    added: pl.DataFrame
    changed: pl.DataFrame
    removed: pl.DataFrame


def diff_snapshots(old: Snapshot, new: Snapshot, storage: Storage) -> TableDiff:
    """Compare two versions of a table by key; files they share are not read.

    Parameters
    ----------
    old, new : Snapshot
        Of one table; `old` may be the younger one.
    storage : Storage

    Returns
    -------
    TableDiff
    """
    table, shared = new.table, {file.path for file in old.files} & {file.path for file in new.files}
    groups: defaultdict[tuple[Any, ...], tuple[list[DataFile], list[DataFile]]] = defaultdict(lambda: ([], []))
    for side, snapshot in enumerate((old, new)):
        for file in snapshot.files:
            if file.path not in shared:
                groups[tuple(file.partition[name] for name in table.key_partitions)][side].append(file)
    parts = [_compare(scan_files(a, table, storage), scan_files(b, table, storage), table) for a, b in groups.values()]
    none = pl.DataFrame(schema=polars_schema(table))
    parts.append(_compare(none.lazy(), none.lazy(), table))
    added, changed, removed = (_stack(frames, table) for frames in zip(*parts, strict=True))
    return TableDiff(table, old.version, new.version, added, changed, removed)


def _compare(
    before: pl.LazyFrame, after: pl.LazyFrame, table: Table
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    old, new, key = before.collect(), after.collect(), list(table.key)
    values = [name for name in new.columns if name not in key]
    both = new.join(old.select(*key, pl.col(values).name.suffix(_BEFORE)), on=key, how="inner")
    differs = [pl.col(name).ne_missing(pl.col(name + _BEFORE)) for name in values]
    return (
        new.join(old, on=key, how="anti"),
        both.filter(pl.any_horizontal(differs) if differs else False),
        old.join(new, on=key, how="anti"),
    )


def _stack(frames: Iterable[pl.DataFrame], table: Table) -> pl.DataFrame:
    return pl.concat(frames).sort(table.key)
