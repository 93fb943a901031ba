"""Who belonged to a universe when."""

from datetime import date

import polars as pl

__all__ = ["member_mask"]

_FOREVER = date(9999, 12, 31)


def member_mask(rows: pl.DataFrame, spells: pl.DataFrame) -> pl.Series:
    """Tell for each row whether its instrument was a member on its session.

    Parameters
    ----------
    rows : DataFrame, columns (instrument: str, session: date, …)
        In any order.
    spells : DataFrame, columns (instrument: str, start: date, end: date or null, …)
        One row is one spell of membership, both ends included; null lasts. Spells may overlap.

    Returns
    -------
    Series of bool
        One value per row, in the order of `rows`; all False when there are no spells.
    """
    known = spells.select(
        "instrument", "start", pl.col("end").fill_null(_FOREVER)
    ).sort("instrument", "start").with_columns(
        # the latest start alone would miss a longer spell that began before it
        pl.col("end").cum_max().over("instrument")
    ).sort("start")  # fmt: skip
    keys = rows.select("instrument", "session").with_row_index("row").sort("session")
    found = keys.join_asof(
        known, left_on="session", right_on="start", by="instrument", strategy="backward", check_sortedness=False
    )
    return found.sort("row").select((pl.col("session") <= pl.col("end")).fill_null(False).alias("member")).to_series()
