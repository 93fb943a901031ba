"""When each row of a table became known, and what a table held on a day: the past as it looked then.

Frames stand under the names of the lake's tables (or `statements`, as factors read them). A row that became known later
is as if it were not there, and a spell that ended later is open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import polars as pl
import polars.selectors as cs

from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["RULES", "Dated", "Listed", "Rule", "Spells", "Timeless", "known_on", "rule_for", "shocked_after"]

_KEYS = ("instrument", "session", "market", "year", "period", "period_end", "known_at", "known_year")
_TIMES = 8.0  # far outside what a day does, and exact in binary


@dataclass(frozen=True)
class Dated:
    """A row is known from the end of a day that it names.

    Attributes
    ----------
    day : str
        Column that holds the day.
    late : mapping of str to int
        Columns whose values are known only so many sessions later, such as labels.
    """

    day: str = "session"
    late: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Spells:
    """A row is a spell, known from its first day; that it ends is known when it has ended.

    Attributes
    ----------
    start, end : str
        Columns of the first and the last day, null while it lasts.
    """

    start: str = "start"
    end: str = "end"


@dataclass(frozen=True)
class Listed:
    """A row is what is known of an instrument today: what has no date was perhaps not so then, and is blanked.

    Attributes
    ----------
    start, end : str
        Columns of the listing and of the last session.
    blank : tuple of str
        Columns that hold today's state without saying since when.
    """

    start: str = "listed"
    end: str = "delisted"
    blank: tuple[str, ...] = ("sector", "industry", "name_en", "name_zh", "pinyin")


@dataclass(frozen=True)
class Timeless:
    """Rows are known ahead of time, such as the days on which an exchange will be closed."""


Rule: TypeAlias = Dated | Spells | Listed | Timeless

RULES: dict[str, Rule] = {
    "bars": Dated(), "bars_intraday": Dated(), "corporate_actions": Dated(), "valuation": Dated(), "fx_rates": Dated(),
    "interest_rates": Dated(), "factor_returns": Dated(), "predictions": Dated(), "signals": Dated(),
    "fundamentals": Dated("known_at"), "statements": Dated("known_at"),
    "universes": Spells(), "industries": Spells(), "instrument_status": Spells(), "symbol_history": Spells(),
    "instruments": Listed(), "calendar_overrides": Timeless(),
}  # fmt: skip
"""How rows of the lake's tables become known, by table; factor tables are `Dated` by session."""


def rule_for(name: str, rows: pl.DataFrame) -> Rule:
    """Find out how rows of a frame become known.

    Parameters
    ----------
    name : str
        What the frame is called; a table's rule wins over what the columns look like.
    rows : DataFrame

    Returns
    -------
    Rule

    Raises
    ------
    UnknownNameError
        If it is no table and has neither `known_at`, nor `session`, nor `start` and `end`.
    """
    if name in RULES:
        return RULES[name]
    for column in ("known_at", "session"):
        if column in rows.columns:
            return Dated(column)
    if {"start", "end"} <= set(rows.columns):
        return Spells()
    raise UnknownNameError("table", name, RULES)


def known_on(rows: pl.DataFrame, rule: Rule, day: date) -> pl.DataFrame:
    """Take from a table what was known at the end of a day.

    Parameters
    ----------
    rows : DataFrame
        With the columns the rule names; days are dates.
    rule : Rule
    day : date

    Returns
    -------
    DataFrame
        Same columns, rows in the same order; fewer rows.

    Raises
    ------
    InvalidInputError
        If a column that the rule needs is not there.
    """
    match rule:
        case Dated(column, late):
            _need(rows, column)
            known = rows.filter(pl.col(column) <= day)
            return known.with_columns(
                pl.when(pl.col(column) < _since(rows, column, day, sessions)).then(pl.col(name)).alias(name)
                for name, sessions in (late or {}).items()
            )
        case Spells(start, end):
            _need(rows, start, end)
            begun = rows.filter(pl.col(start) <= day)
            return begun.with_columns(pl.when(pl.col(end) < day).then(pl.col(end)).alias(end))
        case Listed(start, end, blank):
            unborn = pl.col(start) > day if start in rows.columns else pl.lit(False)
            there = rows.filter(~unborn.fill_null(False))
            if end in rows.columns:
                there = there.with_columns(pl.when(pl.col(end) < day).then(pl.col(end)).alias(end))
            nothing = [pl.lit(None, rows.schema[name]).alias(name) for name in blank if name in rows.columns]
            return there.with_columns(nothing)
        case Timeless():
            return rows


def shocked_after(rows: pl.DataFrame, rule: Rule, day: date, *, seed: int) -> pl.DataFrame:
    """Change every number that became known after a day beyond recognition; everything else stays.

    Parameters
    ----------
    rows : DataFrame
    rule : Rule
        Only `Dated` tables have numbers to change.
    day : date
    seed : int
        The same seed changes the same way.

    Returns
    -------
    DataFrame
        Same rows in the same order. Whole numbers (codes of groups) change places among the rows after the day; other
        numbers are multiplied by up to eight or divided by it. Keys, texts and nulls stay.

    Raises
    ------
    InvalidInputError
        If a column that the rule needs is not there.
    """
    if not isinstance(rule, Dated):
        return rows
    _need(rows, rule.day)
    random = np.random.default_rng(seed)
    # what halves of the rows do in opposite directions no average hides
    sign = np.where(np.arange(rows.height) % 2 == 0, 1.0, -1.0)
    late = rule.late or {}
    changed = []
    for name in rows.select(cs.numeric().exclude(_KEYS)).columns:
        since = _since(rows, rule.day, day, late[name]) if name in late else None
        future = (pl.col(rule.day) > day) if since is None else (pl.col(rule.day) >= since)
        after = rows.select(future.fill_null(False)).to_series()
        column = rows[name]
        if _whole(column):
            shifted = column.to_frame().filter(after).to_series()
            order = random.permutation(shifted.len())
            values = column.scatter(np.flatnonzero(after.to_numpy()), shifted.gather(order))
            changed.append(values)
            continue
        times = pl.Series(_TIMES ** (sign * random.uniform(0.5, 1.0, rows.height)))
        changed.append((column * pl.select(pl.when(after).then(times).otherwise(1.0)).to_series()).cast(column.dtype))
    return rows.with_columns(changed)


def _since(rows: pl.DataFrame, column: str, day: date, sessions: int) -> date:
    # first day whose late values are not known yet
    days = rows[column].unique().sort()
    known = days.filter(days <= day)
    return known[max(0, known.len() - sessions)] if sessions and known.len() else date.max


def _whole(column: pl.Series) -> bool:
    if column.dtype.is_integer():
        return True
    some = column.drop_nulls().drop_nans().head(1_000)
    return bool(some.len() and some.n_unique() < some.len() / 2 and (some == some.round()).all())


def _need(rows: pl.DataFrame, *columns: str) -> None:
    for column in columns:
        if column not in rows.columns:
            raise InvalidInputError("data", rows.columns, f"a column {column} must say when a row became known")
