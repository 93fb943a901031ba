"""How many bytes of memory a value takes, about."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

__all__ = ["size_of"]

_HEADER = 128  # of an array; the pages of a mapped one belong to the operating system


def size_of(value: Any) -> int:
    """Estimate the memory of a value.

    Parameters
    ----------
    value : object
        Frames and arrays are exact; containers and objects are the sum of their parts.

    Returns
    -------
    int
        Bytes; at least 1. Arrays that are mapped from a file count as next to nothing.
    """
    if isinstance(value, pl.DataFrame | pl.Series):
        return max(1, int(value.estimated_size()))
    if isinstance(value, np.ndarray):
        return _HEADER + (0 if _is_mapped(value) else value.nbytes)
    size = sys.getsizeof(value)
    if isinstance(value, Mapping):
        return size + sum(size_of(k) + size_of(v) for k, v in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return size + sum(size_of(part) for part in value)
    fields = getattr(value, "__dict__", None)
    return size + size_of(fields) if fields else size


def _is_mapped(array: Any) -> bool:
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False
