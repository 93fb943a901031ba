"""Lay long frames out as dense arrays, one row a session and one column an instrument, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """Which session each row of an array is, and which instrument each column.

    Attributes
    ----------
    sessions : tuple of date
        Ascending.
    instruments : tuple of str
        Ascending.
    """

    sessions: tuple[date, ...]
    instruments: tuple[str, ...]

    @classmethod
    def of(cls, frame: pl.DataFrame, *, sessions: Sequence[date] | None = None) -> "Layout":
        """Make the layout that holds every row of a frame.

        Parameters
        ----------
        frame : DataFrame, columns (instrument: str, session: date)
        sessions : sequence of date, optional
            Rows of the arrays, ascending; those of the frame when left out.

        Returns
        -------
        Layout
        """
        days = frame["session"].unique().sort().to_list() if sessions is None else sessions
        return cls(tuple(days), tuple(frame["instrument"].unique().sort().to_list()))

    @property
    def shape(self) -> tuple[int, int]:
        """(n_sessions, n_instruments)."""
        return len(self.sessions), len(self.instruments)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of each instrument."""
        return {name: position for position, name in enumerate(self.instruments)}

    @cached_property
    def _rows(self) -> tuple[int, NDArray[np.int64]]:
        # first day, and the row of every day since, -1 for days that are no session
        days = np.array(self.sessions, dtype="datetime64[D]").astype(np.int64)
        rows = np.full(days[-1] - days[0] + 1 if len(days) else 0, -1, np.int64)
        rows[days - days[0] if len(days) else days] = np.arange(len(days))
        return int(days[0]) if len(days) else 0, rows

    def cells(self, frame: pl.DataFrame) -> NDArray[np.int64]:
        """Find the cell of each row of a frame.

        Parameters
        ----------
        frame : DataFrame, columns (instrument: str, session: date)

        Returns
        -------
        ndarray of int64, shape (n_rows,)
            Position in the flattened array; -1 where the session or the instrument is not in the layout.
        """
        first, rows = self._rows
        day = frame["session"].to_physical().to_numpy().astype(np.int64) - first
        inside = (day >= 0) & (day < len(rows))
        row = np.where(inside, rows[np.where(inside, day, 0)] if len(rows) else -1, -1)
        names = frame["instrument"].cast(pl.Enum(self.instruments), strict=False).to_physical()
        column = names.cast(pl.Int64).fill_null(-1).to_numpy()
        return np.where((row >= 0) & (column >= 0), row * self.shape[1] + column, -1)

    def dense(self, frame: pl.DataFrame, column: str, *, cells: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Lay one column out.

        Parameters
        ----------
        frame : DataFrame, columns (instrument: str, session: date, `column`: number or bool)
            One row per instrument and session; rows outside the layout are left out.
        column : str
        cells : ndarray, optional
            What `cells` gave for this frame, where several columns of it are laid out.

        Returns
        -------
        ndarray, shape (n_sessions, n_instruments)
            NaN where there is no row or no value.

        Raises
        ------
        InvalidInputError
            If the frame repeats an instrument and session.
        """
        at = self.cells(frame) if cells is None else cells
        values = frame[column].cast(pl.Float64).to_numpy()
        inside = at >= 0
        if not inside.all():
            at, values = at[inside], values[inside]
        taken = np.zeros(self.shape[0] * self.shape[1], np.bool_)
        taken[at] = True
        if np.count_nonzero(taken) != len(at):
            raise InvalidInputError(column, "repeated rows", "a frame has one row per instrument and session")
        result = np.full(taken.size, np.nan)
        result[at] = values
        return result.reshape(self.shape)

    def long(self, values: NDArray[np.float64], name: str) -> pl.DataFrame:
        """Turn an array back into rows.

        Parameters
        ----------
        values : ndarray, shape (n_sessions, n_instruments)
        name : str
            Column of the values.

        Returns
        -------
        DataFrame, columns (session: date, instrument: str, `name`: f64)
            The cells that are not NaN, by session, then instrument.
        """
        row, column = np.nonzero(~np.isnan(values))
        days = pl.Series("session", self.sessions, dtype=pl.Date)
        names = pl.Series("instrument", self.instruments, dtype=pl.String)
        return pl.DataFrame([days.gather(row), names.gather(column), pl.Series(name, values[row, column])])
