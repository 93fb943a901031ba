"""Memberships from a file's rows: spells as they are, snapshots turned into spells."""

from datetime import timedelta

import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = ["universe_rows"]


def universe_rows(frame: pl.DataFrame, universe: str) -> pl.DataFrame:
    """Make rows of table `universes`.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, as_of: date) or (instrument: str, start: date, [end: date])
        Snapshots of all members on some days, or spells (`end` inclusive, null while they last).
    universe : str
        Name of the universe.

    Returns
    -------
    DataFrame
        Rows of table `universes`. An instrument of consecutive snapshots is a member from the first of them to the day
        before the first snapshot without it; from the last snapshot on, for an open end. Spells that touch or overlap
        are one.

    Raises
    ------
    InvalidInputError
        If there is neither `as_of` nor `start`.
    """
    if "as_of" in frame.columns:
        spells = _spells_of_snapshots(frame)
    elif "start" in frame.columns:
        end = pl.col("end") if "end" in frame.columns else pl.lit(None, pl.Date).alias("end")
        spells = _joined(frame.select("instrument", "start", end))
    else:
        raise InvalidInputError("columns", frame.columns, "universes need as_of (snapshots) or start and end (spells)")
    return spells.select(pl.lit(universe).alias("universe"), "instrument", "start", "end").sort("instrument", "start")


def _spells_of_snapshots(frame: pl.DataFrame) -> pl.DataFrame:
    days = frame["as_of"].unique().sort()
    following = days.to_frame().with_row_index("number").with_columns(next=pl.col("as_of").shift(-1))
    return (
        frame.select("instrument", "as_of").unique().join(following, on="as_of").sort("instrument", "number")
        .with_columns(
            spell=(pl.col("number").cast(pl.Int64).diff() != 1).fill_null(True).cum_sum().over("instrument")
        )
        .group_by("instrument", "spell", maintain_order=True)
        .agg(start=pl.col("as_of").first(), end=pl.col("next").last() - timedelta(days=1))
    )  # fmt: skip


def _joined(spells: pl.DataFrame) -> pl.DataFrame:
    # a far day stands for an open end, so that the running latest end is a plain maximum
    open_end = pl.date(9999, 12, 31)
    ordered = spells.with_columns(pl.col("end").fill_null(open_end)).sort("instrument", "start", "end")
    reached = pl.col("end").cum_max().shift(1).over("instrument")
    apart = (pl.col("start") > reached + timedelta(days=1)).fill_null(True)
    return (
        ordered.with_columns(spell=apart.cum_sum().over("instrument"))
        .group_by("instrument", "spell", maintain_order=True)
        .agg(pl.col("start").first(), pl.col("end").max())
        .with_columns(end=pl.when(pl.col("end") < open_end).then("end"))
    )
