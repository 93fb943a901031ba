"""Rank, correlate and average within sessions, whole or by group, as often as masks and labels ask for it.

Arrays have the shape (n_sessions, n_instruments). The loops are compiled once and kept on the disk.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qbrain_core.compiled import compiled

__all__ = ["RowOrder", "average", "correlate"]

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SHORT = 2**15  # instruments that two bytes can count


@dataclass(frozen=True)
class RowOrder:
    """The order of each session's values, found once; ranks among any part of it then need no sorting.

    Attributes
    ----------
    values : ndarray, shape (n_sessions, n_instruments)
    order : ndarray of int, same shape
        Columns by value, NaN last.
    """

    values: Floats
    order: NDArray[np.int64] | NDArray[np.int16]

    @classmethod
    def of(cls, values: Floats) -> "RowOrder":
        """Sort each session.

        Parameters
        ----------
        values : ndarray, shape (n_sessions, n_instruments)
            NaN for no value.

        Returns
        -------
        RowOrder
        """
        order = np.argsort(values, axis=1)
        return cls(values, order.astype(np.int16) if values.shape[1] <= _SHORT else order)

    def rows(self, chosen: NDArray[np.int64]) -> "RowOrder":
        """Take some sessions.

        Parameters
        ----------
        chosen : ndarray of int
            Their positions.

        Returns
        -------
        RowOrder
        """
        return RowOrder(self.values[chosen], self.order[chosen])

    def ranks(
        self, mask: Mask, *, groups: Groups | None = None, method: Literal["average", "min"] = "average"
    ) -> Floats:
        """Rank the cells of a mask within their sessions, from 1; equal values share their rank.

        Parameters
        ----------
        mask : ndarray of bool, shape (n_sessions, n_instruments)
            Cells that count; none without a value.
        groups : ndarray of int, same shape, optional
            Rank within each group of a session; codes from 0, cells below 0 do not count.
        method : {"average", "min"}
            The mean of the places that equal values take, or the first of them.

        Returns
        -------
        ndarray, shape (n_sessions, n_instruments)
            0 for cells that do not count.
        """
        codes, width = _codes(mask, groups)
        ranks: Floats = _ranks(self.values, self.order, codes, width, method == "average")
        return ranks


def correlate(
    x: Floats, y: Floats, mask: Mask, *, groups: Groups | None = None, n_groups: int | None = None
) -> tuple[Floats, NDArray[np.int64]]:
    """Correlate two arrays session by session (Pearson; of ranks: Spearman).

    Parameters
    ----------
    x, y : ndarray, shape (n_sessions, n_instruments)
        Finite where the mask is.
    mask : ndarray of bool, same shape
        Cells that count.
    groups : ndarray of int, same shape, optional
        Correlate within each group; codes from 0, cells below 0 do not count.
    n_groups : int, optional
        Above every code; found out when left out.

    Returns
    -------
    coefficient : ndarray, shape (n_sessions, n_groups)
        In [-1, 1]; NaN where either side is constant. One column without groups.
    count : ndarray of int, same shape
        Cells that counted.
    """
    codes, width = _codes(mask, groups, n_groups)
    coefficient, count = _correlations(x, y, codes, width)
    return coefficient, count


def average(
    values: Floats, mask: Mask, *, groups: Groups | None = None, n_groups: int | None = None
) -> tuple[Floats, NDArray[np.int64]]:
    """Average session by session.

    Parameters
    ----------
    values : ndarray, shape (n_sessions, n_instruments)
        Finite where the mask is.
    mask : ndarray of bool, same shape
        Cells that count.
    groups : ndarray of int, same shape, optional
        Average within each group; codes from 0, cells below 0 do not count.
    n_groups : int, optional
        Above every code; found out when left out.

    Returns
    -------
    mean : ndarray, shape (n_sessions, n_groups)
        NaN where nothing counts. One column without groups.
    count : ndarray of int, same shape
    """
    codes, width = _codes(mask, groups, n_groups)
    mean, count = _averages(values, codes, width)
    return mean, count


def _codes(mask: Mask, groups: Groups | None, n_groups: int | None = None) -> tuple[NDArray[np.int16], int]:
    # group of each cell, -1 for those that do not count
    if groups is None:
        return np.where(mask, 0, -1).astype(np.int16), 1
    width = int(groups.max(initial=-1)) + 1 if n_groups is None else n_groups
    return np.where(mask, groups, -1).astype(np.int16), width


@compiled
def _ranks(values, order, codes, width, average):  # type: ignore[no-untyped-def]
    # up the order each cell learns the first place of its ties, down again the last
    rows, columns = values.shape
    result = np.zeros((rows, columns))
    for i in range(rows):
        count, place, tied = np.zeros(width, np.int64), np.zeros(width, np.int64), np.full(width, np.nan)
        for k in range(columns):
            j = order[i, k]
            g = codes[i, j]
            if g >= 0:
                count[g] += 1
                if values[i, j] != tied[g]:
                    tied[g], place[g] = values[i, j], count[g]
                result[i, j] = place[g]
        if average:
            tied[:] = np.nan
            for k in range(columns - 1, -1, -1):
                j = order[i, k]
                g = codes[i, j]
                if g >= 0:
                    if values[i, j] != tied[g]:
                        tied[g], place[g] = values[i, j], count[g]
                    result[i, j] = (result[i, j] + place[g]) / 2
                    count[g] -= 1
    return result


@compiled
def _correlations(x, y, codes, width):  # type: ignore[no-untyped-def]
    rows, columns = x.shape
    coefficient, count = np.full((rows, width), np.nan), np.zeros((rows, width), np.int64)
    for i in range(rows):
        mean_x, mean_y = np.zeros(width), np.zeros(width)
        xx, yy, xy = np.zeros(width), np.zeros(width), np.zeros(width)
        for j in range(columns):
            g = codes[i, j]
            if g >= 0:
                count[i, g] += 1
                mean_x[g] += x[i, j]
                mean_y[g] += y[i, j]
        for g in range(width):
            mean_x[g] /= max(count[i, g], 1)
            mean_y[g] /= max(count[i, g], 1)
        for j in range(columns):
            g = codes[i, j]
            if g >= 0:
                a, b = x[i, j] - mean_x[g], y[i, j] - mean_y[g]
                xx[g] += a * a
                yy[g] += b * b
                xy[g] += a * b
        for g in range(width):
            # what is left of a constant side is rounding of its mean
            tiny = 1e-20 * count[i, g]
            if xx[g] > tiny * mean_x[g] ** 2 and yy[g] > tiny * mean_y[g] ** 2:
                coefficient[i, g] = max(-1.0, min(1.0, xy[g] / np.sqrt(xx[g] * yy[g])))
    return coefficient, count


@compiled
def _averages(values, codes, width):  # type: ignore[no-untyped-def]
    rows, columns = values.shape
    mean, count = np.full((rows, width), np.nan), np.zeros((rows, width), np.int64)
    for i in range(rows):
        total = np.zeros(width)
        for j in range(columns):
            g = codes[i, j]
            if g >= 0:
                count[i, g] += 1
                total[g] += values[i, j]
        for g in range(width):
            if count[i, g]:
                mean[i, g] = total[g] / count[i, g]
    return mean, count
