"""What the training form can choose from, read from the lake."""

from datetime import date
from typing import Any

import polars as pl

from lake import Lake
from lake.tables import FACTOR_PREFIX
from qbrain_core.factors import FACTOR_SETS

__all__ = ["benchmarks", "calendar", "factor_coverage", "universes"]


def calendar(lake: Lake, as_of: dict[str, int], market: str) -> list[date]:
    """List the sessions of a market.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str

    Returns
    -------
    list of date
        Ascending.
    """
    return lake.sessions(market, as_of=as_of)


def universes(lake: Lake, as_of: dict[str, int], market: str) -> dict[str, int]:
    """List the universes with members of a market.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str

    Returns
    -------
    dict of str to int
        Members on the last day anything changed, by universe.
    """
    rows = lake.sql(
        'SELECT u.universe, count(DISTINCT u.instrument) FILTER (WHERE u."end" IS NULL) AS now,'
        " count(DISTINCT u.instrument) AS ever FROM universes u JOIN instruments i USING (instrument)"
        " WHERE i.market = ? GROUP BY 1 ORDER BY 1",
        [market],
        as_of=as_of,
    )
    return {name: now or ever for name, now, ever in rows.iter_rows()}


def benchmarks(lake: Lake, as_of: dict[str, int], market: str, language: str = "en") -> dict[str, str]:
    """List the indices and funds of a market.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str
    language : str, optional
        Whose names come first.

    Returns
    -------
    dict of str to str
        Name by instrument id; indices first.
    """
    names = "name_zh, name_en" if language == "zh" else "name_en, name_zh"
    rows = lake.sql(
        f"SELECT instrument, coalesce({names}, '') FROM instruments"
        " WHERE market = ? AND kind IN ('index', 'etf') ORDER BY kind DESC, instrument",
        [market],
        as_of=as_of,
    )
    return dict(rows.iter_rows())


def factor_coverage(lake: Lake, as_of: dict[str, int], market: str) -> dict[str, dict[str, Any]]:
    """Say how far each factor set, with its expressions as they are now, has been computed on a market.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    market : str

    Returns
    -------
    dict of str to dict
        first, last (date), columns (int), by set; sets without a row of the market are left out.
    """
    found = {}
    tables = set(lake.factor_sets(as_of=as_of))
    for name, known in FACTOR_SETS.items():
        table = f"{FACTOR_PREFIX}{name}-{known.digest[:8]}"
        if table not in tables:
            continue
        span = lake.scan(table, as_of=as_of).filter(pl.col("market") == market)
        first, last = span.select(first=pl.col("session").min(), last=pl.col("session").max()).collect().row(0)
        if first is not None:
            found[name] = {"first": first, "last": last, "columns": len(known.expressions)}
    return found
