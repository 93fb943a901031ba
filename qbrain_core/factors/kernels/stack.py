"""Instruments one after another in one column: where each begins, and how to look back within it."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Stack", "as_numbers"]

Array: TypeAlias = NDArray[Any]


class Stack:
    """Instruments one after another in one column, each on consecutive sessions.

    Parameters
    ----------
    lengths : ndarray of int, shape (n_instruments,)
        Rows of each instrument.

    Attributes
    ----------
    edges : ndarray of int, shape (n_instruments + 1,)
        Where each instrument starts, and the end of the last.
    instruments : sequence of str
        Their names.
    calendar : ndarray of int32
        Days since 1970-01-01 of all sessions.
    opening : ndarray of int, shape (n_instruments,)
        Place in the calendar of each instrument's first row.
    statements : object
        What is known of companies, for kernels that read report periods; None: nothing.
    seats : ndarray of int32, shape (n_rows,)
        Where operators across instruments run, a stack has sessions in place of instruments, `instruments` names all
        there are, and `seats` says which of them each row is. Else empty.
    """

    def __init__(self, lengths: NDArray[np.int64]) -> None:
        self.edges = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        self.instruments: Sequence[str] = ()
        self.calendar: NDArray[np.int32] = np.empty(0, np.int32)
        self.opening: NDArray[np.int64] = np.empty(0, np.int64)
        self.seats: NDArray[np.int32] = np.empty(0, np.int32)
        self.statements: Any = None

    @property
    def rows(self) -> int:
        """Rows of all instruments together."""
        return int(self.edges[-1])

    @property
    def days(self) -> NDArray[np.int32]:
        """Days since 1970-01-01 of each row's session."""
        lengths = np.diff(self.edges)
        return self.calendar[np.arange(self.rows) + np.repeat(self.opening - self.edges[:-1], lengths)]

    def shift(self, x: Array, rows: float) -> Array:
        """Take each value from earlier (or, if negative, later) in the same instrument.

        Parameters
        ----------
        x : ndarray, shape (n_rows,)
        rows : float
            0 takes the instrument's first value.

        Returns
        -------
        ndarray, shape (n_rows,)
            NaN where the instrument has no such row.
        """
        x = as_numbers(x)
        shift = int(rows)
        if shift == 0:
            return np.repeat(x[np.minimum(self.edges[:-1], len(x) - 1)], np.diff(self.edges))
        result = np.empty_like(x)
        starts, ends = self.edges[:-1], self.edges[1:]
        if shift > 0:
            result[shift:] = x[:-shift]
        else:
            result[:shift] = x[-shift:]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if shift > 0:
                result[start : min(start + shift, end)] = np.nan
            else:
                result[max(end + shift, start) : end] = np.nan
        return result


def as_numbers(x: Array) -> Array:
    """Turn conditions into 0 and 1, in float32 as Qlib does; leave numbers alone.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    ndarray
    """
    return x.astype(np.float32) if x.dtype == np.bool_ else x
