"""Fit a frame to the declaration of the table it is meant for, or say in one sentence why it does not fit."""

from collections.abc import Callable

import polars as pl

from lake.tables import Table
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.markets import MARKETS

__all__ = ["conform", "conform_keys", "polars_schema"]

_SUFFIXES = {suffix: market.code for market in MARKETS.values() for suffix in market.suffixes}


def polars_schema(table: Table) -> pl.Schema:
    """Columns and polars types of a table.

    Parameters
    ----------
    table : Table

    Returns
    -------
    Schema
        Partition columns included, in declared order.
    """
    return pl.Schema(pl.DataFrame(table.schema.empty_table()).schema)


def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Cast a frame to a table's columns and check that it may be written.

    Parameters
    ----------
    frame : DataFrame
        One row per key. Columns that may be null can be missing, and so can market, year, known_year and month
        where the column they derive from is there.
    table : Table

    Returns
    -------
    DataFrame
        All columns of the table, in declared order; NaN has become null.

    Raises
    ------
    InvalidInputError
        If a column is unknown, missing, of another type, null where it must not be, or a key occurs twice.
    """
    schema = polars_schema(table)
    for name in frame.columns:
        if name not in schema:
            raise UnknownNameError(f"{table.name}.columns", name, schema)
    frame = _derive(frame, table)
    columns: list[pl.Series] = []
    for column in table.columns:
        if column.name not in frame.columns:
            if not column.nullable:
                raise InvalidInputError(f"{table.name}.{column.name}", None, f"it is required: {column.sentence}")
            columns.append(pl.Series(column.name, [None], schema[column.name]).new_from_index(0, frame.height))
            continue
        series = _cast(frame[column.name], schema[column.name], table)
        if not column.nullable and series.null_count():
            rule = f"{series.null_count()} of {frame.height} rows have none: {column.sentence}"
            raise InvalidInputError(f"{table.name}.{column.name}", None, rule)
        columns.append(series)
    result = pl.DataFrame(columns, schema=schema)
    repeated = result.select(table.key).is_duplicated()
    if repeated.any():
        example = result.select(table.key).filter(repeated).row(0)
        rule = f"{repeated.sum()} rows share a key ({', '.join(table.key)}) with another"
        raise InvalidInputError(table.name, example, rule)
    return result


def conform_keys(keys: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Cast key columns to a table's types, with the partitions that follow from them.

    Parameters
    ----------
    keys : DataFrame
        Other columns than those of key and partitions are left out.
    table : Table

    Returns
    -------
    DataFrame
        Key columns and `Table.key_partitions`, each key once.

    Raises
    ------
    InvalidInputError
        If a key column is missing or of another type.
    """
    names = list(dict.fromkeys([*table.key, *table.key_partitions]))
    for name in table.key:
        if name not in keys.columns:
            raise InvalidInputError(f"{table.name}.{name}", None, "it is part of the key")
    schema = polars_schema(table)
    found = _derive(keys.select([name for name in names if name in keys.columns]), table)
    return pl.DataFrame([_cast(found[name], schema[name], table) for name in names]).unique()


def _derive(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    sources: dict[str, tuple[str, Callable[[pl.Expr], pl.Expr]]] = {
        "year": ("session", lambda c: c.dt.year()),
        "known_year": ("known_at", lambda c: c.dt.year()),
        "month": (
            next((n for n in ("ts", "at") if n in frame.columns), "created_at"),
            lambda c: c.dt.strftime("%Y-%m"),
        ),
        "market": ("instrument", lambda c: c.str.split(".").list.last().replace_strict(_SUFFIXES, default=None)),
    }
    declares = polars_schema(table)
    for name, (source, expression) in sources.items():
        if name not in declares or name in frame.columns or source not in frame.columns:
            continue
        declared = declares[source]
        frame = frame.with_columns(expression(pl.lit(_cast(frame[source], declared, table))).alias(name))
    return frame


def _cast(series: pl.Series, target: pl.DataType, table: Table) -> pl.Series:
    where = f"{table.name}.{series.name}"
    if isinstance(target, pl.Datetime) and isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is None:
        series = series.dt.replace_time_zone("UTC")
    try:
        cast = series.cast(target, strict=True)
    except pl.exceptions.PolarsError as error:
        rule = f"it cannot be read as {target}: {str(error).splitlines()[0]}"
        raise InvalidInputError(where, str(series.dtype), rule) from None
    lossy = (series.dtype.is_float() and target.is_integer()) or (
        isinstance(series.dtype, pl.Datetime) and target == pl.Date
    )
    if lossy and not cast.cast(series.dtype).eq_missing(series).all():
        raise InvalidInputError(where, str(series.dtype), f"not every value is a whole {target}")
    return cast.fill_nan(None) if target.is_float() else cast
