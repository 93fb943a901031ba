"""Reported figures by period, and what was known of them on each day.

A figure of one period becomes known on a day and may be restated later; on any day, the latest figure known counts. So
an instrument's history is a sequence of days on which something became known, and on each of them a series of periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.compiled import compiled
from qbrain_core.errors import InvalidInputError
from qbrain_core.factors.kernels.stack import Array, Stack

__all__ = ["PERIOD_RULE", "Statements", "Versions", "ordinal", "quarter_of"]

PERIOD_RULE = "a period is a quarter such as 202003 or a year such as 2020"
"""What a period has to be, in the words of an error."""

_COLUMNS = ("instrument", "period", "known_at", "field", "value")
_YEARS = range(1900, 2100)
_TO_MIDDLE = 45  # days from a quarter's end back to its middle


def quarter_of(period_end: pl.Expr) -> pl.Expr:
    """Name the quarter that a report belongs to: the one that holds the middle of the three months it ends.

    Fiscal years of 52 or 53 weeks, which end a few days before or after the calendar's quarter, keep one report for
    each quarter so.

    Parameters
    ----------
    period_end : Expr of date

    Returns
    -------
    Expr of i32
        202003: the third quarter of 2020.
    """
    middle = period_end.dt.offset_by(f"-{_TO_MIDDLE}d")
    return middle.dt.year() * 100 + middle.dt.quarter().cast(pl.Int32)


def ordinal(period: int) -> int:
    """Count periods in their order.

    Parameters
    ----------
    period : int
        A quarter (202003) or a year (2020).

    Returns
    -------
    int
        One more for each period; -1 where it is neither. Quarters stand above 7,000, years below 2,100.
    """
    if period in _YEARS:
        return period
    year, quarter = divmod(period, 100)
    return year * 4 + quarter - 1 if year in _YEARS and 1 <= quarter <= 4 else -1


@dataclass(frozen=True, slots=True)
class Versions:
    """What was known of some instruments: a series of periods for each day on which something became known.

    Attributes
    ----------
    stack : Stack
        The series one after another, each up to the latest period then reported.
    columns : ndarray of float64, shape (n_fields, stack.rows)
        NaN where a period's figure was not known.
    days : ndarray of int32, shape (n_series,)
        Day since 1970-01-01 each series became known on; ascending for each instrument.
    edges : ndarray of int, shape (n_instruments + 1,)
        Where in `days` each instrument begins.
    """

    stack: Stack
    columns: Array
    days: NDArray[np.int32]
    edges: NDArray[np.int64]


@compiled
def _unroll(starts, known, field, period, value, depth, only, columns, lengths, days, edges):  # type: ignore[no-untyped-def]
    # write out, for every day on which an instrument's figures change, the periods as they stand from that day on
    made, row = 0, 0
    for k in range(len(starts) - 1):
        a, b = starts[k], starts[k + 1]
        edges[k] = made
        if a == b:
            continue
        low, high = period[a], period[a]
        for i in range(a, b):
            low, high = min(low, period[i]), max(high, period[i])
        now = np.full((columns.shape[0], high - low + 1), np.nan)
        first, last = period[a], period[a]
        for i in range(a, b):
            now[field[i], period[i] - low] = value[i]
            first, last = min(first, period[i]), max(last, period[i])
            if i + 1 < b and known[i + 1] == known[i]:
                continue
            start, stop = max(first, last - depth + 1), last + 1
            if only >= 0:
                start, stop = only, only + 1
                if only < first or only > last:
                    continue
            for f in range(columns.shape[0]):
                for p in range(start, stop):
                    columns[f, row + p - start] = now[f, p - low]
            lengths[made] = stop - start
            days[made] = known[i]
            row += stop - start
            made += 1
    edges[len(starts) - 1] = made
    return made, row


class Statements:
    """Reported figures, ready to be looked up.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, period: int or date, known_at: date, field: str, value: number)
        One row per figure and day it became known on. `period` is a quarter such as 202003, a year such as 2020 (one
        kind per field), or the day the quarter ended on (see `quarter_of`). Of two rows for the same period the one
        known later counts from its day on; of one day, the lower in the frame. A null or NaN value takes the figure
        back.

    Raises
    ------
    InvalidInputError
        If a column is missing, of another type or null, or a period is none.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        rows = _checked(frame).sort("instrument", "known_at", maintain_order=True)
        names = rows["instrument"].to_numpy()
        self._period = rows["period"].to_numpy()
        self._known = rows["known_at"].to_physical().to_numpy()
        self._value = rows["value"].to_numpy()
        fields = rows["field"].unique(maintain_order=True)
        self._number = {name: i for i, name in enumerate(fields.to_list())}
        self._field = rows["field"].cast(pl.Enum(fields)).to_physical().cast(pl.Int64).to_numpy()
        starts = np.flatnonzero(np.append(True, names[1:] != names[:-1])) if len(names) else np.empty(0, np.int64)
        ends = np.append(starts[1:], len(names))
        self._rows = {names[a]: (int(a), int(b)) for a, b in zip(starts, ends, strict=False)}

    def versions(self, instruments: Sequence[str], fields: Sequence[str], *, depth: int, only: int = -1) -> Versions:
        """Look up what was known of instruments.

        Parameters
        ----------
        instruments : sequence of str
            Of those without rows nothing was ever known.
        fields : sequence of str
            Of a field that is in no row nothing was ever known.
        depth : int
            Periods of each series, counted back from the latest.
        only : int
            Ordinal of the one period to give, from the day on which it lies between the first and the latest one
            reported; -1: all.

        Returns
        -------
        Versions

        Raises
        ------
        InvalidInputError
            If quarters and years would be joined.
        """
        wanted = np.full(len(self._number) + 1, -1)
        for place, name in enumerate(fields):
            wanted[self._number.get(name, -1)] = place if name in self._number else -1
        spans = [self._rows.get(name, (0, 0)) for name in instruments]
        rows = np.concatenate([np.arange(a, b) for a, b in spans] or [np.empty(0, np.int64)])
        owner = np.repeat(np.arange(len(spans)), [b - a for a, b in spans])
        mine = wanted[self._field[rows]] >= 0
        rows, owner = rows[mine], owner[mine]
        period = self._period[rows]
        quarterly = np.append(period, only if only >= 0 else period[:1]) >= _YEARS.stop
        if len(rows) and quarterly.any() != quarterly.all():
            shown = ", ".join(f"$${name}" for name in fields)
            raise InvalidInputError("expression", shown, "quarters and years cannot be joined")
        starts = np.searchsorted(owner, np.arange(len(spans) + 1))
        longest = max(1, min(depth, int(np.ptp(period)) + 1)) if len(rows) else 1
        columns = np.empty((len(fields), len(rows) * (1 if only >= 0 else longest)))
        lengths, days = np.empty(len(rows), np.int64), np.empty(len(rows), np.int32)
        edges = np.empty(len(spans) + 1, np.int64)
        made, used = _unroll(
            starts, self._known[rows], wanted[self._field[rows]], period, self._value[rows], longest, only,
            columns, lengths, days, edges,
        )  # fmt: skip
        return Versions(Stack(lengths[:made]), columns[:, :used], days[:made], edges)


def _checked(frame: pl.DataFrame) -> pl.DataFrame:
    for name in _COLUMNS:
        if name not in frame.columns:
            raise InvalidInputError("statements", frame.columns, f"it needs a column {name!r}")
        if name != "value" and frame[name].null_count():
            raise InvalidInputError(f"statements.{name}", None, "only the value may be null")
    dated = frame.schema["period"] == pl.Date
    kinds = {
        "period": (dated or frame.schema["period"].is_integer(), "periods are whole numbers or dates"),
        "known_at": (frame.schema["known_at"] == pl.Date, "it is a date"),
        "value": (frame.schema["value"].is_numeric() or frame.schema["value"] == pl.Null, "it is a number"),
    }
    for name, (fits, rule) in kinds.items():
        if not fits:
            raise InvalidInputError(f"statements.{name}", frame.schema[name], rule)
    period = quarter_of(pl.col("period")) if dated else pl.col("period")
    rows = frame.select(
        pl.col("instrument", "field").cast(pl.String), "known_at", period.cast(pl.Int64).alias("period"),
        pl.col("value").cast(pl.Float64).fill_null(np.nan),
    )  # fmt: skip
    known = rows["period"].unique()
    ordinals = pl.Series([ordinal(p) for p in known.to_list()], dtype=pl.Int64)
    if (ordinals < 0).any():
        raise InvalidInputError("statements.period", known.filter(ordinals < 0)[0], PERIOD_RULE)
    return rows.with_columns(pl.col("period").replace_strict(known, ordinals).cast(pl.Int64))
