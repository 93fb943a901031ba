"""Values of one table by instrument and session, as its files gave them, and the arrays that are made of them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["Axes", "Cells", "Part"]

_WORKERS = 4  # parts at once: naming rows keeps one core busy while others lay values out


@dataclass(frozen=True, eq=False)
class Axes:
    """What the rows and columns of a dense array stand for.

    Attributes
    ----------
    sessions : array of int32, shape (n_sessions,)
        Days since 1970-01-01, ascending.
    instruments : tuple of str
        Ascending.
    """

    sessions: NDArray[np.int32]
    instruments: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(n_sessions, n_instruments)."""
        return len(self.sessions), len(self.instruments)

    def union(self, other: "Axes") -> "Axes":
        """Combine with other axes.

        Parameters
        ----------
        other : Axes

        Returns
        -------
        Axes
        """
        names = self.instruments
        if names != other.instruments:
            names = tuple(sorted({*names, *other.instruments}))
        return Axes(np.union1d(self.sessions, other.sessions).astype(np.int32), names)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one batch of files.

    Attributes
    ----------
    names : Series of str
        Of runs of rows of one instrument.
    lengths : array of int64
        Rows of each run.
    days : array of int32, shape (n_rows,)
        Days since 1970-01-01.
    columns : dict of str to Series
    """

    names: pl.Series
    lengths: NDArray[np.int64]
    days: NDArray[np.int32]
    columns: dict[str, pl.Series]


@dataclass(frozen=True, eq=False)
class Cells:
    """Values at (session, instrument), as files gave them.

    Attributes
    ----------
    axes : Axes
        Every session and instrument that has a row.
    """

    axes: Axes
    _parts: list[Part]

    def dense(
        self, axes: Axes | None = None, *, by: Literal["instrument", "session"] = "instrument",
        into: Mapping[str, NDArray[Any]] | None = None,
    ) -> dict[str, NDArray[Any]]:  # fmt: skip
        """Lay the values out.

        Parameters
        ----------
        axes : Axes, optional
            Hold those of the cells; the cells' own when left out.
        by : {"instrument", "session"}
            Whose values lie side by side in memory.
        into : mapping of str to array, optional
            Arrays of the shape of the axes, laid out so, to write to; new ones full of NaN when left out.

        Returns
        -------
        dict of str to array, shape (n_sessions, n_instruments)
        """
        axes = axes or self.axes
        order: Literal["F", "C"] = "F" if by == "instrument" else "C"
        place = self._places(axes, by)

        def blank(column: pl.Series) -> NDArray[Any]:
            return np.full(axes.shape, np.nan, np.float32 if column.dtype == pl.Float32 else np.float64, order)

        def lay(part: Part) -> None:
            places = place(part)
            for name, column in part.columns.items():
                _spread(column, places, arrays[name].reshape(-1, order="A"))

        columns = self._parts[0].columns if self._parts else {}
        with ThreadPoolExecutor(_WORKERS) as workers:
            arrays = dict(into or zip(columns, workers.map(blank, columns.values()), strict=True))
            list(workers.map(lay, self._parts))
        return arrays

    def rows(
        self, *, by: Literal["instrument", "session"] = "session", gaps: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Lay the values out row by row.

        Parameters
        ----------
        by : {"instrument", "session"}
            What rows are sorted by first.
        gaps : bool
            Also a row, of NaN, for each session that an instrument lacks between its first and its last.

        Returns
        -------
        array of int64, shape (n_rows,)
            Where each row stands in the axes: session number × n_instruments + instrument number, or by instrument
            instrument number × n_sessions + session number; ascending.
        array of float32, shape (n_columns, n_rows)
            In the order of the columns read.
        """
        n_sessions, n_instruments = self.axes.shape
        place = self._places(self.axes, by)
        listed = np.zeros(n_sessions * n_instruments, np.bool_)
        with ThreadPoolExecutor(_WORKERS) as workers:
            places = list(workers.map(place, self._parts))
            for part in places:
                listed[part] = True
            read = sum(map(len, places))
            if gaps and read < listed.size:
                _fill(
                    listed.reshape(n_instruments, n_sessions)
                    if by == "instrument"
                    else listed.reshape(n_sessions, -1).T
                )
            rows = np.flatnonzero(listed)
            number = None
            if len(rows) < listed.size:
                number = np.cumsum(listed, dtype=np.int32)
                number -= 1
            shape = (len(self._parts[0].columns) if self._parts else 0, len(rows))
            block = np.empty(shape, np.float32) if read == len(rows) else np.full(shape, np.nan, np.float32)

            def lay(part: Part, places: NDArray[np.int64]) -> None:
                seats = places if number is None else number[places]
                for column, values in zip(part.columns.values(), block, strict=True):
                    _spread(column, seats, values)

            list(workers.map(lay, self._parts, places))
        return rows, block

    def _places(self, axes: Axes, by: Literal["instrument", "session"]) -> Callable[[Part], NDArray[np.int64]]:
        # where the rows of a part stand in an array of these axes
        n_sessions, n_instruments = axes.shape
        across, along = (n_sessions, 1) if by == "instrument" else (1, n_instruments)
        names = pl.Enum(axes.instruments)
        first = int(axes.sessions[0]) if n_sessions else 0
        numbers = np.zeros((int(axes.sessions[-1]) - first + 1) if n_sessions else 0, np.int64)
        numbers[axes.sessions - first] = np.arange(n_sessions) * along

        def place(part: Part) -> NDArray[np.int64]:
            codes = part.names.cast(names).to_physical().to_numpy().astype(np.int64) * across
            places = np.repeat(codes, part.lengths)
            places += numbers[part.days - first]
            return places

        return place


def _fill(known: NDArray[np.bool_]) -> None:
    # from the first that is known in each row to the last
    begun = np.logical_or.accumulate(known, axis=1)
    known[:] = begun & np.logical_or.accumulate(known[:, ::-1], axis=1)[:, ::-1]


def _spread(column: pl.Series, places: NDArray[Any], into: NDArray[Any]) -> None:
    start = 0
    for chunk in column.get_chunks():  # one by one: to join them would copy them all
        into[places[start : start + len(chunk)]] = chunk.to_numpy()
        start += len(chunk)
