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
    paths = [unquote(path) for path in actions["path"].to_list()]
    rows = [int(count or 0) for count in actions["num_records"].to_list()]
    facts = zip(paths, *(_by_column(actions, kind) for kind in ("partition", "min", "max")), rows, strict=True)
    files = [DataFile(path, f"{uri}/{path}", own, n, low, high) for path, own, low, high, n in facts]
    return tuple(sorted(files, key=lambda file: file.path))


def _by_column(actions: pl.DataFrame, kind: str) -> list[dict[str, Any]]:
    # of each file: what the log says of its columns; "min.close" is the key of one such fact
    names = [name for name in actions.columns if name.startswith(f"{kind}.")]
    columns = [name.partition(".")[2] for name in names]
    if not names:
        return [{} for _ in range(actions.height)]
    return [dict(zip(columns, values, strict=True)) for values in actions.select(names).iter_rows()]
