"""Let a table grow: columns that its declaration has gained since it was made; everything else is refused."""

from dataclasses import dataclass

from deltalake import CommitProperties, DeltaTable, Field, Schema

from lake.tables import Table
from qbrain_core.errors import InvalidInputError

__all__ = ["Growth", "growth_of", "widen"]

_ADDED = "qbrain.added"  # mark on a column that files older than it lack


@dataclass(frozen=True)
class Growth:
    """How far a declaration is ahead of the table it describes.

    Attributes
    ----------
    columns : tuple of Field
        Declared, and not yet the table's.
    loosened : tuple of str
        May be null by the declaration, and not yet by the table.
    everywhere : bool
        Whether every file of the table has every declared column.
    """

    columns: tuple[Field, ...]
    loosened: tuple[str, ...]
    everywhere: bool


def growth_of(opened: DeltaTable, table: Table, *, reading: bool = False) -> Growth:
    """Compare a table with its declaration.

    Parameters
    ----------
    opened : DeltaTable
        At any version.
    table : Table
    reading : bool
        Forgives a column that the declaration lacks: a newer version of the product may have added it.

    Returns
    -------
    Growth

    Raises
    ------
    InvalidInputError
        If a column has gone, changed its type, became required, or the partitions changed: old files cannot follow.
    """
    stored = {field.name: field for field in opened.schema().fields}
    declared = {field.name: field for field in Schema.from_arrow(table.schema).fields}
    partitions = tuple(opened.metadata().partition_columns)
    if partitions != table.partitions:
        raise InvalidInputError(f"{table.name}.partitions", table.partitions, f"the table was made with {partitions}")
    for name, old in stored.items():
        where, new = f"{table.name}.{name}", declared.get(name)
        if new is None and reading:
            continue
        if new is None:
            raise InvalidInputError(where, None, "the table has this column, and a column is never taken away")
        if new.type != old.type:
            raise InvalidInputError(where, str(new.type), f"the table holds {old.type}, and a type never changes")
        if old.nullable and not new.nullable:
            raise InvalidInputError(where, "required", "rows of the table may have none")
    added = tuple(field for name, field in declared.items() if name not in stored)
    for field in added:
        if not field.nullable:
            raise InvalidInputError(f"{table.name}.{field.name}", "required", "a new column is null in older rows")
    return Growth(
        columns=added,
        loosened=tuple(
            name for name, old in stored.items() if not old.nullable and name in declared and declared[name].nullable
        ),
        everywhere=not added and not any(field.metadata.get(_ADDED) for field in stored.values()),
    )


def widen(opened: DeltaTable, growth: Growth) -> None:
    """Give the table what its declaration has gained, in one version for the columns; rows do not change.

    Parameters
    ----------
    opened : DeltaTable
        At its newest version; moves on with each version made.
    growth : Growth

    Raises
    ------
    CommitFailedError
        If another writer was faster.
    """
    once = CommitProperties(max_commit_retries=0)
    if growth.columns:
        fields = [Field(field.name, field.type, nullable=True, metadata={_ADDED: "true"}) for field in growth.columns]
        opened.alter.add_columns(fields, commit_properties=once)
    for name in growth.loosened:
        opened.alter.drop_column_not_null(name, commit_properties=once)
