"""Which rows of a table are meant: columns and the values they equal."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from lake.rows import polars_schema
from lake.tables import Table
from qbrain_core.errors import InvalidInputError

__all__ = ["matches", "parse_where"]

_WORDS = {"true": True, "false": False}


def parse_where(table: Table, where: Mapping[str, object]) -> dict[str, Any]:
    """Bring the values that columns shall equal to the columns' types.

    Parameters
    ----------
    table : Table
    where : mapping of str to object
        Values or texts that mean them; None: where there is no value.

    Returns
    -------
    dict of str to object

    Raises
    ------
    InvalidInputError
        If it is empty, names an unknown column, or a value is not of its column's type.
    """
    types = polars_schema(table)
    if not where or not set(where) <= set(types):
        raise InvalidInputError(f"{table.name}.where", dict(where), f"it names columns among {', '.join(types)}")
    try:
        return {column: _cast(value, types[column]) for column, value in where.items()}
    except KeyError as word:
        raise InvalidInputError(f"{table.name}.where", dict(where), f"{word} is neither true nor false") from None
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise InvalidInputError(f"{table.name}.where", dict(where), str(error).splitlines()[0]) from None


def matches(where: Mapping[str, Any]) -> pl.Expr:
    """Tell of every row whether it is meant.

    Parameters
    ----------
    where : mapping of str to object
        As `parse_where` returned it.

    Returns
    -------
    Expr
        Boolean, never null.
    """
    return pl.all_horizontal([pl.col(name).eq_missing(pl.lit(value)) for name, value in where.items()])


def _cast(value: object, dtype: pl.DataType) -> Any:
    if isinstance(value, str):
        # polars reads numbers from a text, and nothing else
        if dtype == pl.Boolean:
            return _WORDS[value.lower()]
        if dtype == pl.Date:
            return date.fromisoformat(value)
        if isinstance(dtype, pl.Datetime):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return pl.Series([value]).cast(dtype).item()
