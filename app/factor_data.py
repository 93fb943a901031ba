"""Loaders of factor sets, of what was computed of them and what was found out about them, for the pages."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import polars as pl

from lake import Lake
from lake.tables import FACTOR_PREFIX
from qbrain_core.factors import FactorSet
from qbrain_core.factors.expression import fields, lookback, parse

__all__ = ["Reach", "computed", "factor_rows", "reach", "table_name"]

_KNOWN_TEXTS = 20_000  # expressions whose reach is remembered


@dataclass(frozen=True, slots=True)
class Reach:
    """What an expression reads: names of fields, and sessions before its own (infinite where they never end)."""

    fields: tuple[str, ...]
    sessions: float


@lru_cache(maxsize=_KNOWN_TEXTS)
def reach(text: str) -> Reach:
    """Find out what an expression reads.

    Parameters
    ----------
    text : str

    Returns
    -------
    Reach

    Raises
    ------
    FactorSyntaxError
        If it cannot be read.
    """
    node = parse(text)
    return Reach(tuple(sorted(fields(node))), lookback(node))


def factor_rows(sets: Iterable[FactorSet]) -> pl.DataFrame:
    """Lay factors out as rows.

    Parameters
    ----------
    sets : iterable of FactorSet

    Returns
    -------
    DataFrame, columns (factor, set, expression, fields: str, lookback: i64)
        In the order of the sets and of their factors; `lookback` is null where it never ends.
    """
    rows = []
    for factors in sets:
        for name, text in factors.expressions.items():
            known = reach(text)
            back = None if math.isinf(known.sessions) else int(known.sessions)
            rows.append((name, factors.reference, text, " ".join(f"${f}" for f in known.fields), back))
    schema = {**dict.fromkeys(("factor", "set", "expression", "fields"), pl.String), "lookback": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def table_name(factors: FactorSet) -> str:
    """Name the table that a set's values are stored in.

    Parameters
    ----------
    factors : FactorSet

    Returns
    -------
    str
    """
    return f"{FACTOR_PREFIX}{factors.name}-{factors.digest[:8]}"


def computed(lake: Lake, as_of: dict[str, int], table: str) -> dict[str, tuple[date, date]]:
    """Say on which markets a set has been computed.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    table : str
        As `table_name` gives it.

    Returns
    -------
    dict of str to (date, date)
        First and last session by market; empty where it never was.
    """
    if table not in lake.factor_sets(as_of=as_of):
        return {}
    session = pl.col("session")
    spans = lake.scan(table, as_of=as_of).group_by("market").agg(first=session.min(), last=session.max())
    return {market: (first, last) for market, first, last in spans.sort("market").collect().iter_rows()}
