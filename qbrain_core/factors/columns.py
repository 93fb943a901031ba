"""Columns as arrays and back: NaN within the engine, null outside it."""

import numba
import numpy as np
import polars as pl
import pyarrow as pa

from qbrain_core.factors.kernels.stack import Array

__all__ = ["nullable"]


@numba.njit(nogil=True, cache=True)
def _store(values, place, result, valid):  # type: ignore[no-untyped-def]
    missing = 0
    for byte in range(valid.size):
        bits = 0
        for bit in range(8):
            row = byte * 8 + bit
            if row < result.size:
                v = np.float32(values[place[row]] if place.size else values[row])
                result[row] = v
                if v == v:
                    bits |= 1 << bit
                else:
                    missing += 1
        valid[byte] = bits
    return missing


def nullable(values: Array, place: Array) -> pl.Series:
    """Make a float32 column of computed values, null where they are NaN.

    Parameters
    ----------
    values : ndarray, shape (n_values,)
    place : ndarray of int, shape (n_rows,) or (0,)
        Where each row's value stands; empty: row by row.

    Returns
    -------
    Series of float32
    """
    values = values.astype(np.float32) if values.dtype == np.bool_ else values
    rows = len(place) or len(values)
    result, valid = np.empty(rows, np.float32), np.empty((rows + 7) // 8, np.uint8)
    missing = _store(values, place, result, valid)
    buffers = [pa.py_buffer(valid) if missing else None, pa.py_buffer(result)]
    return pl.Series(pa.Array.from_buffers(pa.float32(), rows, buffers, null_count=missing))
