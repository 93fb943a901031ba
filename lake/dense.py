"""Read rows of one table, one per instrument and session, as cells, and make dense arrays longer."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.cells import Axes, Cells, Part
from lake.files import DataFile, Snapshot
from lake.scan import scan_rows
from lake.storage import Storage

__all__ = ["extend", "read_cells"]

_BATCH_ROWS = 500_000  # rows of the files read at once: what a batch needs in passing is then reused by the next one
_WORKERS = 4  # batches at once: naming rows keeps one core busy while others decompress


def read_cells(
    snapshot: Snapshot, storage: Storage, columns: Sequence[str], *, bounds: Mapping[str, tuple[Any, Any]],
    values: Mapping[str, Collection[Any] | None], make: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
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
    make : callable, optional
        Makes other columns of a frame of `instrument`, `session` and the columns, row by row; those are the cells then.

    Returns
    -------
    Cells
    """
    types = {c.name: str(c.type) for c in snapshot.table.columns}
    wanted = [pl.col(c) if make or types[c] == "float" else pl.col(c).cast(pl.Float64) for c in columns]
    files, left = _within(snapshot.files, values)

    def read(batch: tuple[DataFile, ...]) -> Part | None:
        rows = scan_rows(replace(snapshot, files=batch), storage, bounds, left)
        frame = rows.select("instrument", "session", *wanted).collect()
        if frame.is_empty():
            return None
        runs = frame["instrument"].rle().struct.unnest()
        days = frame["session"].to_physical().to_numpy()
        made = make(frame).drop("instrument", "session") if make else frame.select(columns)
        lengths = runs["len"].to_numpy().astype(np.int64)
        return Part(runs["value"], lengths, days, dict(zip(made.columns, made, strict=True)))

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
