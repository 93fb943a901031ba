"""Facts about the lake itself."""

import polars as pl

from app.session import read, versions
from lake import Lake

__all__ = ["table_fact", "table_facts"]


def table_fact(lake: Lake, as_of: dict[str, int], *, table: str) -> pl.DataFrame:
    """Count the rows of a table and find its last session; a loader for `app.session.read`.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    table : str

    Returns
    -------
    DataFrame, columns (table: str, n_rows: i64, last: date)
        One row; `last` is null for a table without sessions or rows.
    """
    scan = lake.scan(table, as_of=as_of)
    dated = "session" in scan.collect_schema().names()
    last = pl.col("session").max() if dated else pl.lit(None)
    return scan.select(table=pl.lit(table), n_rows=pl.len().cast(pl.Int64), last=last.cast(pl.Date)).collect()


def table_facts() -> pl.DataFrame:
    """Count the rows of every table and find its last session.

    Returns
    -------
    DataFrame, columns (table: str, version: i64, n_rows: i64, last: date)
        By name. Only tables whose rows have changed are counted anew; `version` also counts what changed no row.
    """
    now = sorted(versions().items())
    facts = [read(table_fact, name, table=name).with_columns(version=pl.lit(version)) for name, version in now]
    return pl.concat(facts).select("table", pl.col("version").cast(pl.Int64), "n_rows", "last")
