"""Codes of the classes an instrument was in on each session."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

__all__ = ["GROUP_FIELDS", "group_codes", "scheme_of"]

GROUP_FIELDS: dict[str, int] = {"sector": 1, "industry": 2, "subindustry": 3}
"""Fields that hold groups, and how deep in the scheme they lie; the next coarser level where the scheme has none."""

_PREFERRED = ("sw", "citic", "gics")
_CODES = 1 << 24  # every whole number up to here is a float32
_FOREVER = date(9999, 12, 31)


def scheme_of(spells: pl.DataFrame) -> str | None:
    """Choose the industry scheme of a market.

    Parameters
    ----------
    spells : DataFrame
        Rows of the table `industries`.

    Returns
    -------
    str or None
        sw, else citic, else gics, else the first by name; None without spells.
    """
    found = spells["scheme"].unique().sort().to_list()
    return next((name for name in _PREFERRED if name in found), found[0] if found else None)


def group_codes(frame: pl.DataFrame, spells: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Add the codes of groups to rows.

    Parameters
    ----------
    frame : DataFrame, columns (instrument, session, …)
    spells : DataFrame
        Rows of the table `industries` of one market.
    fields : sequence of str
        Names in `GROUP_FIELDS`.

    Returns
    -------
    DataFrame
        Same rows in the same order, with one float32 per field: a whole number that stands for a class's name, the same
        whichever rows are asked for. Null where the instrument was in no class on the session. Of two spells that
        overlap, the later begun counts.
    """
    scheme = scheme_of(spells)
    spells = spells.filter(pl.col("scheme") == scheme) if scheme else spells.clear()
    levels = spells["level"].unique().sort().to_list()
    for field in fields:
        level = max((n for n in levels if n <= GROUP_FIELDS[field]), default=min(levels, default=0))
        own = spells.filter(pl.col("level") == level)
        codes = _codes(own["industry"].unique().drop_nulls().sort())
        known = own.select(
            "instrument", "start", pl.col("end").fill_null(_FOREVER),
            pl.col("industry").replace_strict(codes, default=None, return_dtype=pl.Float32).alias(field),
        ).sort("start")  # fmt: skip
        keys = frame.select("instrument", "session").with_row_index("row").sort("session")
        found = keys.join_asof(
            known, left_on="session", right_on="start", by="instrument", strategy="backward", check_sortedness=False
        ).sort("row")
        value = pl.when(pl.col("session") <= pl.col("end")).then(pl.col(field))
        frame = frame.with_columns(found.select(value.alias(field)).to_series())
    return frame


def _codes(names: Iterable[str]) -> dict[str, float]:
    # of the name alone, so that a class that comes later changes no other's code; two that meet step aside
    codes: dict[str, float] = {}
    taken: set[int] = set()
    for name in names:
        code = zlib.crc32(name.encode()) % _CODES
        while code in taken:
            code = (code + 1) % _CODES
        taken.add(code)
        codes[name] = float(code)
    return codes
