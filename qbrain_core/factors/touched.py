"""Which factor values change when inputs change: the rows that look back on what is different."""

import math
from datetime import date

import polars as pl

__all__ = ["touched_spans"]

_MOST_ROWS = 1 << 40  # beyond every calendar


def touched_spans(changes: pl.DataFrame, calendar: pl.Series, lookback: float, *, across: bool) -> pl.DataFrame:
    """Work out whose values on which sessions may differ.

    Parameters
    ----------
    changes : DataFrame, columns (instrument: str or null, session: date, until: date or null)
        What differs of an instrument (null: of all) from a session to another one; null: to its end.
    calendar : Series of date
        Sessions that factors count as rows, ascending.
    lookback : float
        Rows before its own that a value may depend on; infinite where there is no bound.
    across : bool
        Whether values depend on other instruments' rows: then a change of one concerns all.

    Returns
    -------
    DataFrame, columns (instrument: str or null, first: date, last: date)
        Spans of days that do not overlap, by instrument and session; null: of all instruments. Each begins on the day
        of a change, whether or not it is a session any more.
    """
    schema = {"instrument": pl.String, "first": pl.Date, "last": pl.Date}
    if changes.is_empty():
        return pl.DataFrame(schema=schema)
    days = pl.Series("day", calendar, pl.Date)
    reach = _MOST_ROWS if math.isinf(lookback) else int(lookback)
    end = days.search_sorted(changes["until"].fill_null(date.max), "right").cast(pl.Int64) - 1
    high = (end + reach).clip(upper_bound=len(days) - 1)
    # days of rows that are gone are no sessions any more, and what is stored of them goes as well
    known = pl.concat([days, changes["session"]]).unique().sort()
    last = days.gather(high.clip(lower_bound=0)) if len(days) else changes["session"]
    spans = pl.DataFrame(
        {
            "instrument": pl.repeat(None, changes.height, dtype=pl.String, eager=True)
            if across
            else changes["instrument"],
            "low": known.search_sorted(changes["session"], "left").cast(pl.Int64),
            "high": known.search_sorted(last, "left").cast(pl.Int64),
        }
    ).with_columns(high=pl.max_horizontal("low", "high")).sort("instrument", "low")  # fmt: skip
    before = pl.col("high").cum_max().shift(1).over("instrument")
    joined = spans.with_columns(_new=(pl.col("low") > before + 1).fill_null(True).cum_sum())
    merged = joined.group_by("instrument", "_new", maintain_order=True).agg(pl.col("low").min(), pl.col("high").max())
    return merged.select("instrument", first=known.gather(merged["low"]), last=known.gather(merged["high"]))
