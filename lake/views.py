"""The SELECT behind every table's SQL view: exactly the files of one version, typed also where there is none."""

import pyarrow as pa

from lake.files import Snapshot
from lake.sql import quote_identifier, quote_list, quote_text

__all__ = ["select_of", "sql_type"]

_TYPES = {
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.float64(): "DOUBLE",
    pa.float32(): "FLOAT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
}


def sql_type(dtype: pa.DataType) -> str:
    """Name DuckDB's type for one of ours.

    Parameters
    ----------
    dtype : pyarrow.DataType

    Returns
    -------
    str
    """
    return _TYPES[dtype]


def select_of(snapshot: Snapshot) -> str:
    """Write the SELECT that reads one version of a table.

    Parameters
    ----------
    snapshot : Snapshot

    Returns
    -------
    str
        Declared columns in declared order, partition columns with their declared types.
    """
    table = snapshot.table
    typed = ", ".join(f"NULL::{sql_type(c.type)} AS {quote_identifier(c.name)}" for c in table.columns)
    nothing = f"SELECT {typed} WHERE false"
    if not snapshot.files:
        return nothing
    columns = ", ".join(quote_identifier(c.name) for c in table.columns)
    types = {c.name: sql_type(c.type) for c in table.columns if c.name in table.partitions}
    hive = ", ".join(f"{quote_text(name)}: {quote_text(dtype)}" for name, dtype in types.items())
    options = f"hive_partitioning=true, hive_types={{{hive}}}" if hive else "hive_partitioning=false"
    files = quote_list(file.uri for file in snapshot.files)
    read = f"read_parquet({files}, union_by_name=true, {options})"
    if snapshot.everywhere:
        return f"SELECT {columns} FROM {read}"
    return f"SELECT {columns} FROM ({nothing} UNION ALL BY NAME SELECT * FROM {read})"  # a column no file may have
