"""Which security a symbol meant on which day: spells from a file, and rows put on the right security by them."""

from datetime import date, timedelta

import polars as pl

from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import Market

__all__ = ["resolve_symbols", "symbol_history_rows"]

_FAR = date(2050, 1, 1)
"""A last day from here on stands for "still"."""


def symbol_history_rows(frame: pl.DataFrame, market: Market) -> pl.DataFrame:
    """Make rows of table `symbol_history`.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, traded_as: str, [name: str], and either start: date, [end: date] \
or until: date)
        With `until`, an instrument's rows each end a spell that begins the day after the row before; the first row
        says on which day the first spell begins.
    market : Market

    Returns
    -------
    DataFrame
        `end` is null for days from 2050 on; spells of one symbol that touch are one.

    Raises
    ------
    InvalidInputError
        If there is neither `start` nor `until`.
    """
    name = pl.col("name") if "name" in frame.columns else pl.lit(None, pl.String).alias("name")
    rows = frame.with_columns(name, symbol=pl.col("traded_as").str.strip_chars().str.to_uppercase())
    if "until" in frame.columns:
        ordered = rows.sort("instrument", "until")
        before = pl.col("until").shift(1).over("instrument")
        number = pl.int_range(pl.len()).over("instrument")
        # the first row's day opens the second row's spell, which it is part of
        start = pl.when(number == 1).then(before).otherwise(before + timedelta(days=1))
        alone = pl.len().over("instrument") == 1
        spells = ordered.with_columns(
            number=number, alone=alone, start=pl.coalesce(start, "until"), end=pl.col("until")
        ).filter((pl.col("number") > 0) | pl.col("alone"))
    elif "start" in frame.columns:
        spells = rows if "end" in frame.columns else rows.with_columns(end=pl.lit(None, pl.Date))
    else:
        raise InvalidInputError("columns", frame.columns, "a symbol's history needs start and end, or until")
    order = ["instrument", "start"]
    spells = spells.sort(order).with_columns(pl.when(pl.col("end") < _FAR).then("end"))
    follows = (
        (pl.col("symbol") == pl.col("symbol").shift(1))
        & (pl.col("instrument") == pl.col("instrument").shift(1))
        & (pl.col("start") <= pl.col("end").shift(1) + timedelta(days=1))
    )
    return (
        spells.with_columns(spell=(~follows.fill_null(False)).cum_sum())
        .group_by("spell", maintain_order=True)
        .agg(
            pl.col("symbol", "instrument").first(), pl.lit(market.code).alias("market"), pl.col("start").first(),
            pl.col("end").last(), pl.col("name").last(),
        )
        .drop("spell")
    )  # fmt: skip


def resolve_symbols(rows: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """Put rows on the security that traded under their symbol in their session.

    Parameters
    ----------
    rows : DataFrame, columns (symbol: str, instrument: str, session: date, …)
        `instrument` as the symbol alone would have it.
    history : DataFrame
        Rows of table `symbol_history`, of one market.

    Returns
    -------
    DataFrame
        With `instrument` from the spell that holds the session, and boolean `out_of_spell`: the history knows the
        symbol, but nobody of that name in that session. Symbols without a history keep their instrument.
    """
    spells = history.select(
        pl.col("symbol").alias("_name"), pl.col("start").alias("_start"), pl.col("end").alias("_end"),
        pl.col("instrument").alias("_owner"),
    ).sort("_start")  # fmt: skip
    named = rows.with_row_index("_place").with_columns(_name=pl.col("symbol").str.strip_chars().str.to_uppercase())
    owned = named.sort("session").join_asof(
        spells, left_on="session", right_on="_start", by="_name", strategy="backward", check_sortedness=False
    )
    held = pl.col("_owner").is_not_null() & (pl.col("_end").is_null() | (pl.col("session") <= pl.col("_end")))
    known = pl.col("_name").is_in(spells["_name"].unique().implode())
    return (
        owned.with_columns(
            instrument=pl.when(held).then("_owner").otherwise("instrument"),
            out_of_spell=known & ~held & pl.col("session").is_not_null(),
        )
        .sort("_place")
        .drop("_place", "_name", "_start", "_end", "_owner")
    )
