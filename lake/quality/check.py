"""What can be wrong with data, as data: a check, what it looks at, and what it found."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

import polars as pl

from lake.quality.surroundings import Surroundings

__all__ = ["EXAMPLES", "Check", "Finding", "How", "Scope", "Severity", "Stage", "finding"]

Severity = Literal["error", "warning", "note"]
"""error: the rows are refused; warning: they are let pass and told; note: true and worth knowing, nothing is wrong."""

Stage = Literal["incoming", "stored", "delivery"]
"""Rows on their way in; rows of the lake; the columns of a file."""

Scope = Literal["instrument", "market"]
"""Whether it judges each instrument by itself, or has to see all of them at once."""

How: TypeAlias = pl.Expr | Callable[[pl.DataFrame, Surroundings], pl.DataFrame]
"""An expression that is true on the rows concerned (null counts as false), or a function that gives these rows."""

EXAMPLES = 5
"""Rows shown with a finding."""


@dataclass(frozen=True, eq=False)
class Check:
    """Something that can be wrong with rows.

    Attributes
    ----------
    name : str
        Stands in findings and in the quarantine.
    severity : Severity
    tables : tuple of str
        Tables whose rows it judges; empty: of every table.
    sentence : str
        What it means, in words.
    how : Expr or callable
        Expression over the rows, or function of the rows and their `Surroundings` that gives the rows concerned
        (it may add columns, to be shown).
    shown : tuple of str
        Columns shown in examples beside instrument and session.
    needs : tuple of str
        Columns without which it is not looked for.
    stages : tuple of Stage
    scope : Scope
    counts : str
        Column of the rows found whose sum is the number of rows concerned; empty: each row found counts one.
    """

    name: str
    severity: Severity
    tables: tuple[str, ...]
    sentence: str
    how: How
    shown: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ("incoming", "stored")
    scope: Scope = "instrument"
    counts: str = ""

    def applies(self, rows: pl.DataFrame) -> bool:
        """Tell whether rows have the columns it needs.

        Parameters
        ----------
        rows : DataFrame

        Returns
        -------
        bool
        """
        return set(self.needs) <= set(rows.columns)

    def find(self, rows: pl.DataFrame, around: Surroundings) -> pl.DataFrame:
        """Give the rows concerned.

        Parameters
        ----------
        rows : DataFrame
            With the columns of `needs`; bars sorted by instrument and session.
        around : Surroundings

        Returns
        -------
        DataFrame
            Rows found, in their order; none where nothing is wrong.
        """
        if isinstance(self.how, pl.Expr):
            return rows.filter(self.how.fill_null(False))
        return self.how(rows, around)


@dataclass(frozen=True)
class Finding:
    """A check that found something.

    Attributes
    ----------
    check : str
    severity : Severity
    rows : int
        Rows concerned.
    examples : list of dict
        Up to `EXAMPLES` of them, as JSON values.
    instruments : int or None
        Instruments concerned, where rows have one.
    session_from, session_to : date or None
        First and last day concerned, where rows have one.
    """

    check: str
    severity: Severity
    rows: int
    examples: list[dict[str, Any]]
    instruments: int | None = None
    session_from: date | None = None
    session_to: date | None = None


_PLACES = ("row", "universe", "instrument", "symbol", "session", "ts", "frequency", "month", "period_end", "column")
_DAYS = ("session", "period_end", "start")


def finding(check: Check, rows: pl.DataFrame) -> Finding:
    """Sum up the rows a check found.

    Parameters
    ----------
    check : Check
    rows : DataFrame
        At least one row, as `Check.find` gives them.

    Returns
    -------
    Finding
    """
    shown = [c for c in dict.fromkeys((*_PLACES, *check.shown)) if c in rows.columns]
    examples = [{k: _json(v) for k, v in record.items()} for record in rows.head(EXAMPLES).select(shown).to_dicts()]
    day = next((c for c in _DAYS if rows.schema.get(c) == pl.Date), None)
    return Finding(
        check.name, check.severity, int(rows[check.counts].sum()) if check.counts else rows.height, examples,
        rows["instrument"].n_unique() if "instrument" in rows.columns else None,
        rows[day].min() if day else None, rows[day].max() if day else None,  # type: ignore[arg-type]
    )  # fmt: skip


def _json(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.10g}")
    return value if isinstance(value, int | str | bool | None) else str(value)
