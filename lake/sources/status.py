"""Spells of special treatment (ST), from bars that say so and from names that do."""

from datetime import date, timedelta

import polars as pl

__all__ = ["named_st_spells", "st_spells"]

_ST_NAME = r"(?i)^(?:\*ST|SST|S\*ST|ST)"
_COLUMNS = ("instrument", "status", "start", "end")


def st_spells(bars: pl.DataFrame) -> pl.DataFrame:
    """Find when instruments were under special treatment.

    Parameters
    ----------
    bars : DataFrame, columns (instrument: str, session: date, special_treatment: bool)
        Whole histories, sorted by both; null where a bar says nothing.

    Returns
    -------
    DataFrame, columns (instrument, status: str, start, end: date)
        From the first session of a run to its last; `end` is null where no session without follows.
    """
    known = bars.filter(pl.col("special_treatment").is_not_null())
    changed = (pl.col("special_treatment") != pl.col("special_treatment").shift(1).over("instrument")).fill_null(True)
    return (
        known.with_columns(
            run=changed.cum_sum().over("instrument"),
            lasts=pl.col("session").shift(-1).over("instrument").is_null(),
        )
        .filter("special_treatment")
        .group_by("instrument", "run", maintain_order=True)
        .agg(
            pl.lit("st").alias("status"), pl.col("session").first().alias("start"),
            pl.when(~pl.col("lasts").last()).then(pl.col("session").last()).alias("end"),
        )
        .select(_COLUMNS)
    )  # fmt: skip


def named_st_spells(names: pl.DataFrame, known: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Find who is under special treatment by the name carried on one day.

    Parameters
    ----------
    names : DataFrame, columns (instrument: str, name_zh: str)
        As the names were on `as_of`.
    known : DataFrame
        Rows of table `instrument_status`.
    as_of : date

    Returns
    -------
    DataFrame, columns (instrument, status: str, start, end: date)
        Spells that are new or change: an open one from `as_of` where a name begins with ST, *ST, SST or S*ST and no
        stored spell holds that day, and the end of a stored open one whose name says so no more.
    """
    marked = names.filter(pl.col("name_zh").str.contains(_ST_NAME).fill_null(False))
    plain = names.filter(~pl.col("name_zh").str.contains(_ST_NAME).fill_null(True))
    holding = known.filter(
        (pl.col("status") == "st") & (pl.col("start") <= as_of) & (pl.col("end").is_null() | (pl.col("end") >= as_of))
    )
    begun = marked.join(holding, on="instrument", how="anti").select(
        "instrument", status=pl.lit("st"), start=pl.lit(as_of), end=pl.lit(None, pl.Date)
    )
    ended = (
        holding.filter(pl.col("end").is_null() & (pl.col("start") < as_of))
        .join(plain, on="instrument", how="semi")
        .with_columns(end=pl.lit(as_of - timedelta(days=1)))
        .select(_COLUMNS)
    )
    return pl.concat([begun, ended])
