"""What a table's declaration says: columns with units, key, partitions, order, and how long rows are kept."""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from qbrain_core.errors import InvalidInputError

__all__ = ["Column", "Retention", "Table", "columns"]

_DETERMINED_BY = {
    "market": ("instrument",),
    "year": ("session",),
    "known_year": ("known_at",),
    "month": ("ts", "at"),
}  # partition ← a key column that decides it


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, Arrow type, unit ("" for none), a sentence, and whether it may be null."""

    name: str
    type: pa.DataType
    sentence: str
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows are kept where an installation says nothing else.

    Attributes
    ----------
    column : str
        Date or instant that gives a row its age.
    days : int or None
        Rows older than this may go; None: they stay for ever, until somebody sets a limit.
    """

    column: str
    days: int | None = None


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    name : str
        Path below the lake's root, and name of its SQL view (`/` and `-` become `_` there).
    sentence : str
        What one row is.
    columns : tuple of Column
    key : tuple of str
        No two rows agree in all of these.
    partitions : tuple of str
        Hive partition columns, outermost first.
    sort : tuple of str
        Order of rows within a file; in a partition by year, within each quarter of it.
    retention : Retention, optional
        None where rows have no age: they describe what is, not what happened.
    """

    name: str
    sentence: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partitions: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    retention: Retention | None = None

    def __post_init__(self) -> None:
        names = {c.name for c in self.columns}
        aged = (self.retention.column,) if self.retention else ()
        for group in (self.key, self.partitions, self.sort, aged):
            for name in group:
                if name not in names:
                    raise InvalidInputError(f"table {self.name}", name, "it is not one of the table's columns")

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow schema, partition columns included."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @property
    def key_partitions(self) -> list[str]:
        """Partition columns that two rows of one key cannot differ in."""
        return [
            name
            for name in self.partitions
            if name in self.key or any(column in self.key for column in _DETERMINED_BY.get(name, ()))
        ]

    @property
    def view(self) -> str:
        """Name of the SQL view over this table."""
        return self.name.replace("/", "_").replace("-", "_")


def columns(*rows: tuple[str, pa.DataType, str] | tuple[str, pa.DataType, str, str]) -> tuple[Column, ...]:
    """Make columns of a compact form.

    Parameters
    ----------
    *rows : tuple of (name, type, sentence) or (name, type, sentence, unit)
        A trailing "?" on the name marks a column that may be null.

    Returns
    -------
    tuple of Column
    """
    return tuple(
        Column(r[0].rstrip("?"), r[1], r[2], r[3] if len(r) > 3 else "", nullable=r[0].endswith("?")) for r in rows
    )
