"""Compare two results of the same factors: which rows are in one only, and which values differ in any bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError

__all__ = ["KEY", "Difference", "differences", "factor_columns", "ordered", "values_of"]

KEY = ["instrument", "session"]
"""What names a row."""

_ROUNDING = {4: 1e-6, 8: 1e-12}  # of a value plus the column's deviation, by bytes of its type


@dataclass(frozen=True)
class Difference:
    """How a factor differs between two results.

    Attributes
    ----------
    factor : str
    rows, compared : int
        Values that differ, of how many.
    instrument : str
    session : date
        Where the difference is largest; a value that is missing on one side counts as largest.
    before, after : float or str or None
        The two values there.
    rounding : bool
        Whether all differences are in the last digits and the same values are missing.
    first : date
        Earliest session with a difference.
    """

    factor: str
    rows: int
    compared: int
    instrument: str
    session: date
    before: object
    after: object
    rounding: bool
    first: date


def factor_columns(frame: pl.DataFrame) -> list[str]:
    """Name the factors of a result.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    list of str
        Every column but the key.
    """
    return [name for name in frame.columns if name not in KEY]


def ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """Check that a result is one, and sort it.

    Parameters
    ----------
    frame : DataFrame, columns (instrument, session, then one per factor)

    Returns
    -------
    DataFrame
        By instrument and session.

    Raises
    ------
    InvalidInputError
        If a key column is missing, a row is there twice, or there is no factor.
    """
    if not isinstance(frame, pl.DataFrame) or not set(KEY) <= set(frame.columns):
        shape = frame.columns if isinstance(frame, pl.DataFrame) else type(frame).__name__
        raise InvalidInputError("function", shape, "it should return a polars frame with instrument and session")
    if not factor_columns(frame):
        raise InvalidInputError("function", frame.columns, "its result has no column besides instrument and session")
    rows = frame.sort(KEY)
    if rows.height and rows.select(KEY).n_unique() < rows.height:
        raise InvalidInputError("function", frame.height, "its result has more than one row of an instrument's session")
    return rows


def differences(before: pl.DataFrame, after: pl.DataFrame, factors: Sequence[str]) -> list[Difference]:
    """Compare two results row by row, to the bit.

    Parameters
    ----------
    before, after : DataFrame
        The same rows in the same order. Null and NaN are one value, as are the two zeros.
    factors : sequence of str
        Columns to compare.

    Returns
    -------
    list of Difference
        One for each factor that differs.
    """
    found = []
    for name in factors:
        a, b = before[name], after[name]
        if a.equals(b, null_equal=True):
            continue
        if not (a.dtype.is_numeric() and b.dtype.is_numeric()):
            differs = (~a.eq_missing(b.cast(a.dtype, strict=False))).to_numpy()
            if differs.any():
                found.append(
                    _difference(name, before, a.to_list(), b.to_list(), differs, int(np.argmax(differs)), False)
                )
            continue
        x, y = values_of(a), values_of(b)
        differs = ~((x == y) | (np.isnan(x) & np.isnan(y)))
        if not differs.any():
            continue
        size = _size(x, y)
        limit = _ROUNDING[4 if pl.Float32 in (a.dtype, b.dtype) else 8]
        where = int(np.argmax(np.where(differs, size, -1.0)))
        found.append(_difference(name, before, x, y, differs, where, bool(size[differs].max() <= limit)))
    return found


def values_of(column: pl.Series) -> NDArray[np.float64]:
    """Give a numeric column as numbers.

    Parameters
    ----------
    column : Series

    Returns
    -------
    ndarray, shape (n_rows,)
        NaN where there is no value.
    """
    values: NDArray[np.float64] = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values


def _size(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    # of each difference, relative to the value and the column's deviation; infinite where only one is a number
    finite = np.isfinite(x) & np.isfinite(y)
    spread = float(y[finite].std()) if finite.any() else 0.0
    with np.errstate(all="ignore"):
        size = np.abs(x - y) / (np.abs(y) + spread)
    return np.where(finite, np.nan_to_num(size, nan=0.0, posinf=np.inf), np.inf)


def _difference(
    name: str, rows: pl.DataFrame, x: Sequence[object] | NDArray[np.float64],
    y: Sequence[object] | NDArray[np.float64], differs: NDArray[np.bool_], where: int, rounding: bool,
) -> Difference:  # fmt: skip
    instrument, session = rows.select(KEY).row(where)
    first = rows["session"].filter(pl.Series(differs)).min()
    assert isinstance(first, date)
    return Difference(
        name, int(differs.sum()), rows.height, str(instrument), session, _plain(x[where]), _plain(y[where]), rounding,
        first,
    )  # fmt: skip


def _plain(value: object) -> object:
    # a JSON value: no NaN, no infinity
    if value is None or isinstance(value, str | bool):
        return value
    number = float(value)  # type: ignore[arg-type]
    if np.isnan(number):
        return None
    return number if np.isfinite(number) else str(number)
