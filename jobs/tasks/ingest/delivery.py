"""What a delivery looked like: whose it is, how much it held, how it wrote its dates and symbols."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from lake.quality import Delivery, date_forms, symbol_forms
from lake.sources import SourceRows
from qbrain_core.specs import IngestSpec

__all__ = ["delivery_of", "source_name"]

_DATE = re.compile(r"[\W_]*(?:\d{4}[-_]?\d{2}(?:[-_]?\d{2})?|\d{8})(?!\d)")
_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_SUFFIX = re.compile(r"\.(?:csv|tsv|txt|parquet|zip|tar|tgz|gz|xz)\b", re.IGNORECASE)
_LOOKED_AT = 5000
"""Rows looked at to tell in which order they stand."""


def delivery_of(spec: IngestSpec, source: SourceRows, rows: pl.DataFrame, *, written: int, refused: int) -> Delivery:
    """Describe a delivery.

    Parameters
    ----------
    spec : IngestSpec
    source : SourceRows
    rows : DataFrame, columns ([symbol: str], [session: date], [ts: datetime], …)
        Rows as read, in the files' order.
    written, refused : int
        Good rows and others.

    Returns
    -------
    Delivery
    """
    has = set(rows.columns)
    days = next((rows[c].cast(pl.Date) for c in ("session", "ts") if c in has), pl.Series([], dtype=pl.Date))
    symbols = rows["symbol"].drop_nulls().unique() if "symbol" in has else pl.Series([], dtype=pl.String)
    first, last = days.min(), days.max()
    traits: dict[str, Any] = {name: name in source.looks for name in ("bom", "header_missing")}
    traits |= {"newest_first": _descends(rows), "symbol_forms": symbol_forms(symbols.to_list())}
    if source.dates:
        traits["date_forms"] = date_forms(source.dates)
        if spec.time is not None and spec.time.unit == "clock":
            traits["zone_stated"] = all(_OFFSET.search(text) for text in source.dates)
    return Delivery(
        source=source_name(spec), table=spec.table, file=Path(spec.path).name, columns=source.columns,
        rows=source.rows.height, market=spec.market, instruments=symbols.len(),
        session_from=first if isinstance(first, date) else None, session_to=last if isinstance(last, date) else None,
        rows_written=written, rows_quarantined=refused, traits=traits,
    )  # fmt: skip


def source_name(spec: IngestSpec) -> str:
    """Name the source that a spec's files come from, the same for every delivery of it.

    Parameters
    ----------
    spec : IngestSpec

    Returns
    -------
    str
        The spec's name, or its path's last part, without dates and suffixes.
    """
    given = spec.name or _SUFFIX.sub("", Path(spec.path).name)
    return _DATE.sub("", given).strip(" -_.") or given


def _descends(rows: pl.DataFrame) -> bool:
    # of most neighbours of one symbol the later stands before the earlier
    day = next((c for c in ("ts", "session") if c in rows.columns), None)
    if day is None or "symbol" not in rows.columns:
        return False
    head = rows.head(_LOOKED_AT)
    same = pl.col("symbol") == pl.col("symbol").shift(1)
    pairs, falls = head.select(same.sum(), falls=(same & (pl.col(day) < pl.col(day).shift(1))).sum()).row(0)
    return bool(pairs and falls > pairs / 2)
