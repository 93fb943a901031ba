"""What changed between two versions of a table, row by row."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lake.files import DataFile, Snapshot
from lake.rows import polars_schema
from lake.scan import scan_files
from lake.storage import Storage
from lake.tables import Table

__all__ = ["TableDiff", "changed_keys", "diff_snapshots"]

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
    table = new.table
    parts = [
        _compare(scan_files(a, table, storage), scan_files(b, table, storage), table) for a, b in _changed(old, new)
    ]
    none = pl.DataFrame(schema=polars_schema(table))
    parts.append(_compare(none.lazy(), none.lazy(), table))
    added, changed, removed = (_stack(frames, table) for frames in zip(*parts, strict=True))
    return TableDiff(table, old.version, new.version, added, changed, removed)


def changed_keys(
    old: Snapshot, new: Snapshot, storage: Storage, columns: Sequence[str], *, market: str | None = None
) -> pl.DataFrame:
    """List the keys of rows that differ between two versions of a table in some columns; shared files are not read.

    Parameters
    ----------
    old, new : Snapshot
        Of one table; `old` may be the younger one.
    storage : Storage
    columns : sequence of str
        What counts, besides whether there is a row.
    market : str, optional
        Only rows of this market; the table has such a column.

    Returns
    -------
    DataFrame
        Key columns of the table, then `change`: `added`, `changed` or `removed`; sorted by key.
    """
    table, key = new.table, list(new.table.key)
    values = [name for name in columns if name not in key]
    none = pl.DataFrame(schema=polars_schema(table)).select(key).with_columns(change=pl.lit("", pl.String))
    parts = [none]
    for files in _changed(old, new):
        rows = []
        for side in files:
            fitting = [f for f in side if market is None or f.may_hold("market", market, market)]
            scan = scan_files(fitting, table, storage)
            rows.append(scan if market is None else scan.filter(pl.col("market") == market))
        before, after = (side.select(*key, *values).collect() for side in rows)
        both = after.join(before.select(*key, pl.col(values).name.suffix(_BEFORE)), on=key, how="inner")
        differs = [pl.col(name).ne_missing(pl.col(name + _BEFORE)) for name in values]
        parts += [
            frame.select(*key, change=pl.lit(change))
            for change, frame in (
                ("added", after.join(before, on=key, how="anti") if before.height else after),
                ("changed", both.filter(pl.any_horizontal(differs) if differs else False)),
                ("removed", before.join(after, on=key, how="anti") if after.height else before),
            )
        ]
    return pl.concat(parts).sort(key)


def _changed(old: Snapshot, new: Snapshot) -> Iterator[tuple[list[DataFile], list[DataFile]]]:
    # files that only one version has, old and new, by the partitions between which no row moves
    shared = {file.path for file in old.files} & {file.path for file in new.files}
    groups: defaultdict[tuple[Any, ...], tuple[list[DataFile], list[DataFile]]] = defaultdict(lambda: ([], []))
    for side, snapshot in enumerate((old, new)):
        for file in snapshot.files:
            if file.path not in shared:
                groups[tuple(file.partition[name] for name in new.table.key_partitions)][side].append(file)
    yield from groups.values()


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
