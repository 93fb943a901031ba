"""The files of one version of a table, as the Delta log lists them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from lake.tables import Table
from qbrain_core.errors import InvalidInputError

__all__ = ["DataFile", "Snapshot", "read_files"]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a table version.

    Attributes
    ----------
    path : str
        Below the table's root.
    uri : str
        Where to read it.
    partition : mapping of str to object
        Values of the partition columns.
    rows : int
    low, high : mapping of str to object
        Least and greatest value of the columns the log has statistics of.
    """

    path: str
    uri: str
    partition: Mapping[str, Any]
    rows: int
    low: Mapping[str, Any]
    high: Mapping[str, Any]

    def may_hold(self, column: str, low: Any, high: Any) -> bool:
        """Tell whether rows with `low` ≤ column ≤ `high` can be in the file.

        Parameters
        ----------
        column : str
        low, high : object
            None: unbounded.

        Returns
        -------
        bool
            False only when it is certain.
        """
        least = self.partition.get(column, self.low.get(column))
        greatest = self.partition.get(column, self.high.get(column))
        if least is None or greatest is None:
            return True
        return (high is None or least <= high) and (low is None or greatest >= low)


@dataclass(frozen=True)
class Snapshot:
    """One version of one table.

    Attributes
    ----------
    table : Table
    version : int
    files : tuple of DataFile
    everywhere : bool
        Whether every file has every declared column; false where the table has gained one.
    """

    table: Table
    version: int
    files: tuple[DataFile, ...]
    everywhere: bool = True

    @property
    def rows(self) -> int:
        """Rows of the version."""
        return sum(file.rows for file in self.files)


def read_files(opened: DeltaTable, uri: str) -> tuple[DataFile, ...]:
    """List the files of an opened table.

    Parameters
    ----------
    opened : DeltaTable
    uri : str
        Its root.

    Returns
    -------
    tuple of DataFile
        In the order of their paths.

    Raises
    ------
    InvalidInputError
        If the table uses deletion vectors or column mapping, which a plain Parquet read would ignore.
    """
    features = set(opened.protocol().reader_features or ())
    if features & {"deletionVectors", "columnMapping"}:
        raise InvalidInputError("table", uri, f"it uses {sorted(features)}, which this product does not read")
    actions = pl.DataFrame(opened.get_add_actions(flatten=True))
    files = []
    for row in actions.iter_rows(named=True):
        parts: dict[str, dict[str, Any]] = {"partition": {}, "min": {}, "max": {}}
        for key, value in row.items():
            kind, _, column = key.partition(".")
            if kind in parts:
                parts[kind][column] = value
        path = unquote(str(row["path"]))
        rows = int(row["num_records"] or 0)
        files.append(DataFile(path, f"{uri}/{path}", parts["partition"], rows, parts["min"], parts["max"]))
    return tuple(sorted(files, key=lambda file: file.path))
