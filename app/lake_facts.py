"""Loaders of facts about the lake itself; passed to `app.session.read`."""

import polars as pl

from lake import Lake

__all__ = ["table_facts"]


def table_facts(lake: Lake, as_of: dict[str, int]) -> pl.DataFrame:
    """Count the rows of tables and find their last session.

    Parameters
    ----------
    lake : Lake
    as_of : dict
        Versions of the tables asked about.

    Returns
    -------
    DataFrame, columns (table: str, version: i64, n_rows: i64, last: date)
        By name; `last` is null for tables without sessions or rows.
    """
    facts = []
    for name, version in sorted(as_of.items()):
        scan = lake.scan(name, as_of=as_of)
        dated = "session" in scan.collect_schema().names()
        wanted = [pl.len().alias("n_rows"), *([pl.col("session").max().alias("last")] if dated else [])]
        row = scan.select(wanted).collect().row(0, named=True)
        facts.append({"table": name, "version": version, "n_rows": row["n_rows"], "last": row.get("last")})
    schema = {"table": pl.String, "version": pl.Int64, "n_rows": pl.Int64, "last": pl.Date}
    return pl.DataFrame(facts, schema=schema)
