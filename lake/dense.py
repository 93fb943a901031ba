"""Turn rows of one table, one per instrument and session, into dense arrays, and dense arrays into longer ones."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.files import DataFile, Snapshot
from lake.scan import scan_rows
from lake.storage import Storage

__all__ = ["Axes", "Cells", "extend", "read_cells"]

_BATCH_ROWS = 500_000  # rows of the files read at once: what a batch needs in passing is then reused by the next one
_WORKERS = 4  # batches at once: naming rows keeps one core busy while others decompress


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
class _Part:
    names: pl.Series  # of runs of rows of one instrument
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
    _parts: list[_Part]

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
        n_sessions, n_instruments = axes.shape
        across, along = (n_sessions, 1) if by == "instrument" else (1, n_instruments)
        order: Literal["F", "C"] = "F" if by == "instrument" else "C"
        names = pl.Enum(axes.instruments)
        first = int(axes.sessions[0]) if n_sessions else 0
        numbers = np.zeros((int(axes.sessions[-1]) - first + 1) if n_sessions else 0, np.int64)
        numbers[axes.sessions - first] = np.arange(n_sessions) * along

        def blank(column: pl.Series) -> NDArray[Any]:
            return np.full(axes.shape, np.nan, np.float32 if column.dtype == pl.Float32 else np.float64, order)

        def lay(part: _Part) -> None:
            codes = part.names.cast(names).to_physical().to_numpy().astype(np.int64) * across
            place = np.repeat(codes, part.lengths)
            place += numbers[part.days - first]
            for name, column in part.columns.items():
                flat, start = arrays[name].reshape(-1, order="A"), 0
                for chunk in column.get_chunks():  # one by one: to join them would copy them all
                    flat[place[start : start + len(chunk)]] = chunk.to_numpy()
                    start += len(chunk)

        columns = self._parts[0].columns if self._parts else {}
        with ThreadPoolExecutor(_WORKERS) as workers:
            arrays = dict(into or zip(columns, workers.map(blank, columns.values()), strict=True))
            list(workers.map(lay, self._parts))
        return arrays


def read_cells(
    snapshot: Snapshot, storage: Storage, columns: Sequence[str], *, bounds: Mapping[str, tuple[Any, Any]],
    values: Mapping[str, Collection[Any] | None],
) -> Cells:  # fmt: skip
    """Read columns of the rows that fit.

    Parameters
    ----------
    snapshot : Snapshot
        Of a table with `instrument` and `session`.
    storage : Storage
    columns : sequence of str
        Numbers or booleans; read as float32 where they are stored so, as float64 otherwise. Null is NaN.
    bounds, values : mapping
        As for `scan_rows`.

    Returns
    -------
    Cells
    """
    types = {c.name: str(c.type) for c in snapshot.table.columns}
    wanted = [pl.col(name) if types[name] == "float" else pl.col(name).cast(pl.Float64) for name in columns]
    files, left = _within(snapshot.files, values)

    def read(batch: tuple[DataFile, ...]) -> _Part | None:
        rows = scan_rows(replace(snapshot, files=batch), storage, bounds, left)
        frame = rows.select("instrument", "session", *wanted).collect()
        if frame.is_empty():
            return None
        runs = frame["instrument"].rle().struct.unnest()
        days = frame["session"].to_physical().to_numpy()
        return _Part(runs["value"], runs["len"].to_numpy().astype(np.int64), days, {c: frame[c] for c in columns})

    with ThreadPoolExecutor(_WORKERS) as readers:
        parts = [part for part in readers.map(read, _batches(files)) if part is not None]
    names = pl.concat([part.names.unique() for part in parts]).unique().sort().to_list() if parts else []
    return Cells(Axes(_distinct([part.days for part in parts]), tuple(names)), parts)


def extend(axes: Axes, values: NDArray[Any], cells: Cells, column: str) -> tuple[Axes, NDArray[Any]]:
    """Add cells to a dense array.

    Parameters
    ----------
    axes : Axes
    values : array, shape (n_sessions, n_instruments)
    cells : Cells
    column : str

    Returns
    -------
    tuple of (Axes, array)
        A new array, those of one instrument side by side; where both have a value, that of the cells.
    """
    union = axes.union(cells.axes)
    grown = np.full(union.shape, np.nan, values.dtype, "F")
    rows = np.searchsorted(union.sessions, axes.sessions)
    if union.instruments == axes.instruments and rows.size and rows[-1] == rows.size - 1:
        grown[: rows.size] = values  # the usual case: later sessions of the same names
    else:
        number = {name: n for n, name in enumerate(union.instruments)}
        grown[np.ix_(rows, np.array([number[name] for name in axes.instruments], np.intp))] = values
    cells.dense(union, into={column: grown})
    return union, grown


def _within(
    files: Sequence[DataFile], values: Mapping[str, Collection[Any] | None]
) -> tuple[list[DataFile], dict[str, Collection[Any] | None]]:
    # what the partition of a file says need not be asked of each of its rows
    chosen, left = list(files), dict(values)
    for name, choice in values.items():
        if choice is not None and all(name in file.partition for file in files):
            chosen = [file for file in chosen if file.partition[name] in choice]
            del left[name]
    return chosen, left


def _batches(files: Sequence[DataFile]) -> Iterator[tuple[DataFile, ...]]:
    batch: list[DataFile] = []
    for file in files:
        batch.append(file)
        if sum(f.rows for f in batch) >= _BATCH_ROWS:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def _distinct(days: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    # marking beats sorting: days are few, rows are many
    if not days:
        return np.empty(0, np.int32)
    first, last = min(int(d.min()) for d in days), max(int(d.max()) for d in days)
    seen = np.zeros(last - first + 1, np.bool_)
    for d in days:
        seen[d - first] = True
    return (np.flatnonzero(seen) + first).astype(np.int32)
