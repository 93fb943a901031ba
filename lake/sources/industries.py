"""Dated industry memberships from a file's rows: spells as they are, and snapshots fitted to what is known."""

from datetime import date, timedelta

import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = ["industry_rows"]

_GROUP = ("scheme", "level", "instrument")
_COLUMNS = ("scheme", "level", "instrument", "market", "code", "industry", "start", "end")


def industry_rows(frame: pl.DataFrame, known: pl.DataFrame, *, market: str, as_of: date | None) -> pl.DataFrame:
    """Make rows of table `industries`.

    Parameters
    ----------
    frame : DataFrame, columns (scheme: str, level: i32, instrument: str, industry: str, [code: str], \
[start: date, end: date] or [as_of: date])
        Spells; or what was so on a day, which is `as_of` where the rows do not say.
    known : DataFrame
        Stored rows of the same schemes.
    market : str
    as_of : date, optional

    Returns
    -------
    DataFrame
        Every spell of the instruments of `frame`, stored ones included. A class seen on a day lasts until the day
        before another is seen; the same class seen again goes on.

    Raises
    ------
    InvalidInputError
        If nothing says when the memberships hold.
    """
    rows = frame.with_columns(
        market=pl.lit(market), code=pl.col("code") if "code" in frame.columns else pl.lit(None, pl.String)
    )
    if "start" in frame.columns:
        end = pl.col("end") if "end" in frame.columns else pl.lit(None, pl.Date).alias("end")
        return rows.with_columns(end).select(_COLUMNS)
    if "as_of" in frame.columns:
        seen = rows.rename({"as_of": "start"})
    elif as_of is not None:
        seen = rows.with_columns(start=pl.lit(as_of))
    else:
        raise InvalidInputError("as_of", None, "industries need start and end, or the day that the file describes")
    told = seen.with_columns(end=pl.lit(None, pl.Date)).select(_COLUMNS)
    before = known.join(told.select(_GROUP).unique(), on=_GROUP, how="semi").select(_COLUMNS)
    events = pl.concat([before, told]).unique([*_GROUP, "start"], keep="last").sort(*_GROUP, "start")
    changes = (pl.col("industry") != pl.col("industry").shift(1).over(_GROUP)).fill_null(True)
    spells = events.filter(changes)
    following = pl.col("start").shift(-1).over(_GROUP) - timedelta(days=1)
    return spells.with_columns(end=pl.min_horizontal("end", following)).select(_COLUMNS)
