"""The frame that factors are computed on: its rows by instrument in blocks, and by session in pieces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError
from qbrain_core.factors.kernels import Array, Stack
from qbrain_core.factors.tree import Field, Node

__all__ = ["KEY", "Block", "Panel", "Piece"]

KEY = ("instrument", "session")
"""Columns that name a row."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole instruments of a panel.

    Attributes
    ----------
    first, last : int
        Rows of the panel, `last` excluded.
    stack : Stack
        The same instruments with a row for every session between their first and last one.
    place : ndarray of int
        Where each row stands in the stack; empty: row by row, since nobody lacks a session.
    """

    first: int
    last: int
    stack: Stack
    place: NDArray[np.int64]

    def spread(self, values: Array) -> Array:
        """Put a column's values on the rows of the stack, with NaN between them.

        Parameters
        ----------
        values : ndarray, shape (last - first,)

        Returns
        -------
        ndarray, shape (stack.rows,)
        """
        if not self.place.size:
            return values
        result = np.full(self.stack.rows, np.nan, values.dtype)
        result[self.place] = values
        return result

    def gather(self, values: Array) -> Array:
        """Take the panel's rows out of an array on the stack's.

        Parameters
        ----------
        values : ndarray, shape (stack.rows,)

        Returns
        -------
        ndarray, shape (last - first,)
        """
        return values[self.place] if self.place.size else values


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole sessions of a panel.

    Attributes
    ----------
    rows : ndarray of int
        Rows of the panel, session by session.
    stack : Stack
        Of sessions: `edges` says where in `rows` each begins.
    """

    rows: NDArray[np.int64]
    stack: Stack


class Panel:
    """Rows sorted by instrument and session, and the numbers on them.

    Parameters
    ----------
    bars : DataFrame
        One row per instrument and session, in any order.
    fields : sequence of str
        Columns to take; rounded to float32, as in Qlib's storage.
    statements : Statements, optional
        Handed to kernels that read report periods.
    calendar : sequence of date, optional
        Sessions that count as rows, in any order; default: those in the frame.

    Attributes
    ----------
    keys : DataFrame, columns (instrument, session)
    instruments : list of str
    rows : int

    Raises
    ------
    InvalidInputError
        If a key column is missing or has nulls, a row is there twice or on no session of the calendar, or a field
        holds no numbers.
    """

    def __init__(
        self,
        bars: pl.DataFrame,
        fields: Sequence[str],
        *,
        statements: Any = None,
        calendar: Sequence[date] | None = None,
    ) -> None:
        for key in KEY:
            if key not in bars.columns or bars[key].null_count():
                raise InvalidInputError("bars", key, "this column must be there and never null")
        for name in fields:
            dtype = bars.schema[name]
            if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
                raise InvalidInputError(f"bars.{name}", dtype, "a field that an expression reads holds numbers")
        table = bars.select(*KEY, pl.col(fields).cast(pl.Float32))
        if not _ordered(table):
            table = table.sort(KEY)
        self._starts = _starts(table)
        self.keys = table.select(KEY)
        self.rows = table.height
        self.instruments: list[str] = self.keys["instrument"].gather(self._starts).to_list()
        self._columns: dict[Node, pl.Series | Array] = {Field(name): table[name] for name in fields}
        days = self.keys["session"].unique().sort()
        if calendar is not None:
            known = pl.Series(calendar, dtype=days.dtype).unique().sort()
            if not days.is_in(known.implode()).all():
                stray = days.filter(~days.is_in(known.implode()))[0]
                raise InvalidInputError("bars", stray, "every session of the frame stands in the calendar")
            days = known
        self._days = days.cast(pl.Date).to_physical().to_numpy()
        self._number = days.search_sorted(self.keys["session"]).to_numpy()  # of each row's session
        again = np.flatnonzero(np.diff(self._number) == 0) + 1
        again = again[~np.isin(again, self._starts)]
        if again.size:
            example = self.keys.row(int(again[0]))
            raise InvalidInputError("bars", example, "a frame has one row per instrument and session")
        self._statements = statements

    def store(self, column: Node, values: Array) -> None:
        """Keep a computed column.

        Parameters
        ----------
        column : Node
        values : ndarray, shape (rows,)
        """
        self._columns[column] = values

    def drop(self, column: Node) -> None:
        """Forget a column.

        Parameters
        ----------
        column : Node
        """
        del self._columns[column]

    def values(self, column: Node, first: int, last: int) -> Array:
        """Read a stretch of a column.

        Parameters
        ----------
        column : Node
        first, last : int
            Rows, `last` excluded.

        Returns
        -------
        ndarray, shape (last - first,)
            NaN where there is no value. A field is copied: kernels are compiled for writable arrays alone.
        """
        values = self._columns[column]
        return values[first:last].to_numpy(writable=True) if isinstance(values, pl.Series) else values[first:last]

    def blocks(self, rows: int) -> Iterator[Block]:
        """Cut into blocks of whole instruments.

        Parameters
        ----------
        rows : int
            Most rows of a block; more only where one instrument has more.

        Yields
        ------
        Block
        """
        edges = [*self._starts.tolist(), self.rows]
        low = 0
        for high in range(1, len(edges)):
            if high + 1 == len(edges) or edges[high + 1] - edges[low] > rows:
                yield self._block(low, high, edges[low], edges[high])
                low = high

    def _block(self, low: int, high: int, first: int, last: int) -> Block:
        starts = self._starts[low:high] - first
        counts = np.diff([*starts, last - first])
        number = self._number[first:last].astype(np.int64)
        opening = number[starts]
        since = number - np.repeat(opening, counts)
        lengths = since[starts + counts - 1] + 1
        stack = Stack(lengths)
        stack.instruments = self.instruments[low:high]
        stack.calendar, stack.opening, stack.statements = self._days, opening, self._statements
        place = since + np.repeat(np.cumsum(lengths) - lengths, counts)
        return Block(first, last, stack, place[:0] if stack.rows == last - first else place)

    def pieces(self, rows: int) -> Iterator[Piece]:
        """Cut into pieces of whole sessions.

        Parameters
        ----------
        rows : int
            Most rows of a piece; more only where one session has more.

        Yields
        ------
        Piece
        """
        small = self._number.astype(np.uint16) if len(self._days) < 2**16 else self._number  # sorted by radix
        order = np.argsort(small, kind="stable")
        edges = np.concatenate(([0], np.cumsum(np.bincount(self._number, minlength=len(self._days)))))
        low = 0
        for high in range(1, len(edges)):
            if high + 1 == len(edges) or edges[high + 1] - edges[low] > rows:
                own = order[edges[low] : edges[high]]
                stack = Stack(np.diff(edges[low : high + 1]))
                stack.instruments = self.instruments
                stack.seats = (np.searchsorted(self._starts, own, side="right") - 1).astype(np.int32)
                yield Piece(own, stack)
                low = high


def _ordered(table: pl.DataFrame) -> bool:
    # by instrument and session; cheaper to see than to sort
    starts = _starts(table)
    names = table["instrument"].gather(starts)
    if not names.is_sorted() or names.n_unique() < names.len():
        return False
    back = np.flatnonzero(np.diff(table["session"].to_physical().to_numpy()) < 0) + 1
    return bool(np.isin(back, starts).all())


def _starts(table: pl.DataFrame) -> NDArray[np.int64]:
    changed = (table["instrument"] != table["instrument"].shift(1)).fill_null(True)
    return np.flatnonzero(changed.to_numpy())
