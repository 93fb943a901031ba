"""What can be put right in stored rows, as data: a repair, what it is aimed at, and what it changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

import polars as pl

from lake.quality.check import EXAMPLES
from lake.quality.surroundings import Surroundings
from qbrain_core.errors import InvalidInputError

__all__ = ["Changes", "Fix", "Repair", "Target", "examples"]


@dataclass(frozen=True)
class Target:
    """Which rows a repair is aimed at.

    Attributes
    ----------
    instruments : tuple of str
        Empty: all.
    start, end : date or None
        Days, both included.
    ratio : float or None
        New shares per old, for `book_split`.
    """

    instruments: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    ratio: float | None = None

    def inside(self, day: str = "session") -> pl.Expr:
        """Tell of every row whether it is aimed at.

        Parameters
        ----------
        day : str
            Column with the row's date.

        Returns
        -------
        Expr
            Boolean.
        """
        parts = [pl.lit(True)]
        if self.instruments:
            parts.append(pl.col("instrument").is_in(list(self.instruments)))
        if self.start:
            parts.append(pl.col(day) >= self.start)
        if self.end:
            parts.append(pl.col(day) <= self.end)
        return pl.all_horizontal(parts)

    def single(self, repair: str) -> tuple[str, date]:
        """Give the one instrument and day that a repair of one event is aimed at.

        Parameters
        ----------
        repair : str
            Its name, for the message.

        Returns
        -------
        tuple of (str, date)

        Raises
        ------
        InvalidInputError
            If it is not aimed at one instrument and one day.
        """
        if len(self.instruments) != 1:
            raise InvalidInputError("instruments", list(self.instruments), f"{repair} is for one instrument")
        if self.start is None or self.end not in (None, self.start):
            raise InvalidInputError("start", self.start, f"{repair} is for one day: the first with the new price")
        return self.instruments[0], self.start


@dataclass(frozen=True)
class Changes:
    """What a repair would do.

    Attributes
    ----------
    before : DataFrame
        Rows of the table that it changes, as they are.
    after : DataFrame
        The same rows in the same order, as they will be.
    removed : DataFrame
        Rows that it takes away.
    beside : mapping of str to DataFrame
        Rows of other tables that it adds or replaces.
    beside_removed : mapping of str to DataFrame
        Rows of other tables that it takes away.
    """

    before: pl.DataFrame
    after: pl.DataFrame
    removed: pl.DataFrame
    beside: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    beside_removed: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be changed."""
        beside = [*self.beside.values(), *self.beside_removed.values()]
        return all(rows.is_empty() for rows in (self.after, self.removed, *beside))


Fix: TypeAlias = Callable[[pl.DataFrame, Target, Surroundings], Changes]
"""Works a repair out over all stored rows of the market, or of the target's instruments, sorted by key."""


@dataclass(frozen=True)
class Repair:
    """A way to put stored rows right.

    Attributes
    ----------
    name : str
    tables : tuple of str
        Tables it can repair.
    sentence : str
        What it does, in words.
    answers : tuple of str
        Checks whose findings it puts right.
    fix : Fix
    """

    name: str
    tables: tuple[str, ...]
    sentence: str
    answers: tuple[str, ...]
    fix: Fix


def examples(changes: Changes, key: tuple[str, ...]) -> list[dict[str, Any]]:
    """Show what a repair does to a few rows.

    Parameters
    ----------
    changes : Changes
    key : tuple of str
        Columns that tell rows apart; they are shown with the columns that change.

    Returns
    -------
    list of dict
        {before, after}, JSON values; `before` is None where the row is new, `after` where it goes.
    """
    shown: list[dict[str, Any]] = []
    for old, new in zip(changes.before.head(EXAMPLES).to_dicts(), changes.after.head(EXAMPLES).to_dicts(), strict=True):
        differs = [c for c in new if c in key or old[c] != new[c]]
        is_new = all(old[c] is None for c in old if c not in key)
        shown.append({"before": None if is_new else _plain(old, differs), "after": _plain(new, differs)})
    for old in changes.removed.head(EXAMPLES - len(shown)).to_dicts():
        shown.append({"before": _plain(old, [c for c, v in old.items() if v is not None]), "after": None})
    return shown


def _plain(row: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    values = {c: row[c] for c in columns}
    return {c: v if isinstance(v, int | float | str | bool | None) else str(v) for c, v in values.items()}
