"""Columns as arrays and back: NaN within the engine, null outside it."""

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from qbrain_core.factors.kernels.stack import Array

__all__ = ["nullable"]


def nullable(values: Array, place: NDArray[np.int64]) -> pl.Series:
    """Make a float32 column of computed values, null where they are NaN.

    Parameters
    ----------
    values : ndarray, shape (n_values,)
        Not to be written to afterwards: the column may share its memory.
    place : ndarray of int, shape (n_rows,) or (0,)
        Where each row's value stands; empty: row by row.

    Returns
    -------
    Series of float32
    """
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite
        own = values.astype(np.float32, order="C", copy=False)
    own = own.take(place) if place.size else own
    there = own == own
    missing = len(own) - int(np.count_nonzero(there))
    valid = pa.py_buffer(np.packbits(there, bitorder="little")) if missing else None
    return pl.Series(pa.Array.from_buffers(pa.float32(), len(own), [valid, pa.py_buffer(own)], null_count=missing))
