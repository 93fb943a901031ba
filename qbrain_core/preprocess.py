"""Make raw factor values comparable: clip outliers, fill gaps, standardise, take known exposures out.

Every function looks at one session at a time, so nothing of a later session can enter. Arrays have the shape
(n_sessions, n_instruments) and hold no infinity; NaN is "no value", and stays that except in `fill`.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.errors import InvalidInputError
from qbrain_core.layout import Layout
from qbrain_core.sections import RowOrder, average
from qbrain_core.specs.evaluate import PreprocessSpec

__all__ = ["MAD_TO_SIGMA", "by_session", "fill", "log_size", "neutralise", "prepare", "standardise", "winsorise"]

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation × this = standard deviation, for normal values."""

_NO_SPREAD = 1e-12  # a deviation below this share of the largest value is rounding


def winsorise(values: Floats, *, method: Literal["mad", "sigma", "percentile"] = "mad", limit: float = 3.0) -> Floats:
    """Pull outliers in to a bound of their session.

    Parameters
    ----------
    values : ndarray, shape (n_sessions, n_instruments)
    method : {"mad", "sigma", "percentile"}
        Bounds are median ± `limit` × 1.4826 × median absolute deviation; mean ± `limit` × standard deviation (n - 1);
        or the `limit` and 1 - `limit` quantiles (linear between values).
    limit : float
        Above 0; below 0.5 for percentiles.

    Returns
    -------
    ndarray
        A session whose bounds coincide (half of the values are equal, say) is left as it is.

    Raises
    ------
    InvalidInputError
        If the limit is out of range.
    """
    if limit <= 0 or (method == "percentile" and limit >= 0.5):
        rule = "percentiles lie between 0 and 0.5" if method == "percentile" else "it has to be above 0"
        raise InvalidInputError("limit", limit, rule)
    if method == "sigma":
        mean, deviation = _moments(values)
        low, high = mean - limit * deviation, mean + limit * deviation
    elif method == "mad":
        middle = _quantile(np.sort(values, axis=1), 0.5)
        width = limit * MAD_TO_SIGMA * _quantile(np.sort(np.abs(values - middle), axis=1), 0.5)
        low, high = middle - width, middle + width
    else:
        ordered = np.sort(values, axis=1)
        low, high = _quantile(ordered, limit), _quantile(ordered, 1 - limit)
    clipped: Floats = np.clip(values, low, high)
    return np.where(high > low, clipped, values)


def fill(values: Floats, wanted: NDArray[np.bool_], *, method: Literal["median", "mean", "zero"] = "median") -> Floats:
    """Put a value of the session where there is none.

    Parameters
    ----------
    values : ndarray, shape (n_sessions, n_instruments)
    wanted : ndarray of bool, same shape
        Cells to be filled where empty: the members of the universe.
    method : {"median", "mean", "zero"}

    Returns
    -------
    ndarray
        Sessions without any value stay empty.
    """
    if method == "median":
        centre = _quantile(np.sort(values, axis=1), 0.5)
    elif method == "mean":
        centre = _moments(values)[0]
    else:
        centre = np.where(np.isfinite(values).any(axis=1, keepdims=True), 0.0, np.nan)
    return np.where(np.isnan(values) & wanted, centre, values)


def standardise(values: Floats, *, method: Literal["zscore", "robust", "rank"] = "zscore") -> Floats:
    """Bring every session to one scale.

    Parameters
    ----------
    values : ndarray, shape (n_sessions, n_instruments)
    method : {"zscore", "robust", "rank"}
        (x - mean) ÷ standard deviation (n - 1); (x - median) ÷ (1.4826 × median absolute deviation); or the average
        rank ÷ count, in (0, 1].

    Returns
    -------
    ndarray
        NaN throughout a session without spread, but for ranks.
    """
    if method == "rank":
        present = ~np.isnan(values)
        ranks = RowOrder.of(values).ranks(present)
        return np.where(present, ranks / np.maximum(present.sum(axis=1, keepdims=True), 1), np.nan)
    if method == "robust":
        centre = _quantile(np.sort(values, axis=1), 0.5)
        spread = MAD_TO_SIGMA * _quantile(np.sort(np.abs(values - centre), axis=1), 0.5)
    else:
        centre, spread = _moments(values)
    largest = np.max(np.abs(values), axis=1, keepdims=True, initial=0.0, where=~np.isnan(values))
    return (values - centre) / np.where(spread > _NO_SPREAD * largest, spread, np.nan)


def neutralise(values: Floats, *, groups: Groups | None = None, exposures: Sequence[Floats] = ()) -> Floats:
    """Take out what groups and exposures explain: the residual of least squares, session by session.

    Parameters
    ----------
    values : ndarray, shape (n_sessions, n_instruments)
    groups : ndarray of int, same shape, optional
        Code of the sector, -1 for none. A constant per group; one for the session without groups.
    exposures : sequence of ndarray, same shape
        Numbers such as the logarithm of the size.

    Returns
    -------
    ndarray
        NaN where the value, the group or any exposure is missing.

    References
    ----------
    .. [1] Frisch & Waugh (1933), Lovell (1963): demeaning by group first gives the residual of the full regression.
    """
    known = ~np.isnan(values)
    for column in exposures:
        known &= np.isfinite(column)
    if groups is not None:
        known &= groups >= 0
    demeaned = [_demeaned(np.where(known, column, 0.0), known, groups) for column in (values, *exposures)]
    residual, regressors = demeaned[0], demeaned[1:]
    if regressors:
        scale = [np.sqrt(np.einsum("ij,ij->i", x, x)) for x in regressors]
        unit = [x / np.where(s > 0, s, 1)[:, None] for x, s in zip(regressors, scale, strict=True)]
        gram = np.stack([np.stack([np.einsum("ij,ij->i", a, b) for b in unit], -1) for a in unit], -1)
        right = np.stack([np.einsum("ij,ij->i", a, residual) for a in unit], -1)
        weights = np.einsum("iab,ib->ia", np.linalg.pinv(gram, rcond=1e-10, hermitian=True), right)
        for position, x in enumerate(unit):
            residual = residual - weights[:, position, None] * x
    return np.where(known, residual, np.nan)


def prepare(
    values: Floats, members: NDArray[np.bool_], steps: PreprocessSpec, *, groups: Groups | None = None,
    exposures: Sequence[Floats] = (),
) -> Floats:  # fmt: skip
    """Take the steps of a spec: winsorise, fill, standardise, neutralise.

    Parameters
    ----------
    values : ndarray, shape (n_sessions, n_instruments)
        Infinite values count as none.
    members : ndarray of bool, same shape
        Cells that count; nothing else is looked at.
    steps : PreprocessSpec
        `neutralise` itself is not read: groups and exposures say what is taken out.
    groups : ndarray of int, same shape, optional
    exposures : sequence of ndarray, same shape

    Returns
    -------
    ndarray
        NaN outside `members` and where there is no value.

    Raises
    ------
    InvalidInputError
        If the limit does not suit the method.
    """
    done = np.where(members & np.isfinite(values), values, np.nan)
    if steps.winsorise != "none":
        done = winsorise(done, method=steps.winsorise, limit=steps.limit)
    if steps.fill != "none":
        done = fill(done, members, method=steps.fill)
    if steps.standardise != "none":
        done = standardise(done, method=steps.standardise)
    if groups is not None or exposures:
        done = neutralise(done, groups=groups, exposures=exposures)
    return done


def log_size(size: Floats) -> Floats:
    """Take the logarithm of sizes.

    Parameters
    ----------
    size : ndarray

    Returns
    -------
    ndarray
        NaN where the size is not above 0.
    """
    logarithm: Floats = np.log(np.where(size > 0, size, np.nan))
    return logarithm


def by_session(frame: pl.DataFrame, columns: Sequence[str], change: Callable[[Floats], Floats]) -> pl.DataFrame:
    """Apply a function of this module to columns of a long frame.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, session: date, `columns`: number)
        One row per instrument and session, in any order.
    columns : sequence of str
        Infinite values count as none.
    change : callable
        Takes and gives an array of shape (n_sessions, n_instruments), such as `winsorise`.

    Returns
    -------
    DataFrame
        The same rows in the same order; `columns` are changed, f64, null where there is no value.

    Raises
    ------
    InvalidInputError
        If the frame repeats an instrument and session.
    """
    layout = Layout.of(frame)
    cells = layout.cells(frame)
    made = []
    for name in columns:
        values = layout.dense(frame, name, cells=cells)
        values[np.isinf(values)] = np.nan
        made.append(pl.Series(name, change(values).ravel()[cells], nan_to_null=True))
    return frame.with_columns(made)


def _moments(values: Floats) -> tuple[Floats, Floats]:
    # mean and sample deviation of each row, NaN where there are too few
    present = ~np.isnan(values)
    count = present.sum(axis=1, keepdims=True)
    mean = np.where(count > 0, np.where(present, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1), np.nan)
    square = np.where(present, values - mean, 0.0)
    variance = np.einsum("ij,ij->i", square, square)[:, None] / np.maximum(count - 1, 1)
    return mean, np.where(count > 1, np.sqrt(variance), np.nan)


def _quantile(ordered: Floats, share: float) -> Floats:
    # of rows sorted with NaN last; linear between values
    count = (~np.isnan(ordered)).sum(axis=1)
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(np.int64)
    rows = np.arange(len(ordered))
    below, above = ordered[rows, low], ordered[rows, np.minimum(low + 1, np.maximum(count - 1, 0))]
    found: Floats = (below + (above - below) * (place - low))[:, None]
    return found


def _demeaned(values: Floats, known: NDArray[np.bool_], groups: Groups | None) -> Floats:
    # less the mean of the group (or session) over `known`; 0 elsewhere
    mean, _ = average(values, known, groups=groups)
    at = np.zeros(values.shape, np.int64) if groups is None else np.maximum(groups, 0)
    return np.where(known, values - np.take_along_axis(mean, at, axis=1), 0.0)
