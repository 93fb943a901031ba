"""Memberships from a file's rows: spells as they are, snapshots turned into spells."""

from datetime import timedelta
from typing import Any

import polars as pl

from qbrain_core.errors import InvalidInputError

__all__ = ["changed_universe", "listed_changes", "universe_rows"]


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


def listed_changes(frame: pl.DataFrame) -> pl.DataFrame:
    """Give each symbol of a list of changes a row of its own.

    Parameters
    ----------
    frame : DataFrame, columns (row: u32, as_of: date, [added: str], [removed: str], …)
        One day's symbols, separated by commas or blanks.

    Returns
    -------
    DataFrame
        With `instrument` (the symbol) and boolean `joins` in place of the lists; a row that lists nobody stays, null in
        both.
    """
    lists = [c for c in ("removed", "added") if c in frame.columns]
    nobody = frame.filter(pl.all_horizontal(pl.col(c).is_null() for c in lists))
    sides = [nobody.with_columns(instrument=pl.lit(None, pl.String), joins=pl.lit(None, pl.Boolean))]
    for column, joins in (("removed", False), ("added", True)):
        if column in frame.columns:
            symbols = pl.col(column).str.replace_all(r"[,;\s]+", " ").str.strip_chars().str.split(" ")
            told = frame.with_columns(instrument=symbols, joins=pl.lit(joins)).explode("instrument")
            sides.append(told.filter(pl.col("instrument").str.len_chars() > 0))
    return pl.concat(sides).drop("added", "removed", strict=False)


def changed_universe(known: pl.DataFrame, changes: pl.DataFrame, universe: str) -> pl.DataFrame:
    """Apply changes of members to what is known of a universe.

    Parameters
    ----------
    known : DataFrame
        Stored rows of the universe.
    changes : DataFrame, columns (instrument: str, as_of: date, joins: bool)
        Members from that day on, or no longer from that day on.
    universe : str

    Returns
    -------
    DataFrame
        All rows of the universe. Who leaves without having been known as a member was one for a time that nobody
        tells, and gets no spell.
    """
    spells: dict[str, list[list[Any]]] = {}
    for instrument, start, end in known.select("instrument", "start", "end").sort("instrument", "start").iter_rows():
        spells.setdefault(instrument, []).append([start, end])
    for instrument, day, joins in changes.sort("as_of", "joins").select("instrument", "as_of", "joins").iter_rows():
        mine = spells.setdefault(instrument, [])
        if joins and not any(start <= day and (end is None or end >= day) for start, end in mine):
            later = min((start for start, _ in mine if start > day), default=None)
            mine.append([day, None if later is None else later - timedelta(days=1)])
        if not joins:
            for spell in mine:
                if spell[0] < day and (spell[1] is None or spell[1] >= day):
                    spell[1] = day - timedelta(days=1)
    rows = [(name, start, end) for name, held in spells.items() for start, end in held]
    frame = pl.DataFrame(rows, schema={"instrument": pl.String, "start": pl.Date, "end": pl.Date}, orient="row")
    return universe_rows(frame, universe)


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
