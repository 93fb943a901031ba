"""What is left of a session's values once groups and other numbers have explained their part."""

from collections.abc import Sequence

import numpy as np

from qbrain_core.compiled import compiled
from qbrain_core.factors.kernels.stack import Array, Stack, as_numbers

__all__ = ["neutralize"]

_LEVELS = 1 << 12  # codes up to which a table of all of them is cheaper than sorting
_TINY = 1e-24  # squared: what is left of a column by rounding alone
_ALIKE = 1e-16  # squared: what is left of a column that others make up


@compiled
def _centre(v, level, sums, held):  # type: ignore[no-untyped-def]
    # take the mean of its group off every value
    for i in range(v.size):
        sums[level[i]] = 0.0
        held[level[i]] = 0.0
    for i in range(v.size):
        sums[level[i]] += v[i]
        held[level[i]] += 1.0
    for i in range(v.size):
        v[i] -= sums[level[i]] / held[level[i]]


@compiled
def _keep(v, least, basis, kept):  # type: ignore[no-untyped-def]
    # make a column orthogonal to those kept, and keep it unless nothing of it is left
    whole = 0.0
    for i in range(v.size):
        whole += v[i] * v[i]
    if whole <= least:
        return kept
    for _ in range(2):  # the second round removes what rounding has left of the first
        for k in range(kept):
            _remove(v, basis[k])
    left = 0.0
    for i in range(v.size):
        left += v[i] * v[i]
    if left <= _ALIKE * whole:
        return kept
    root = np.sqrt(left)
    for i in range(v.size):
        basis[kept, i] = v[i] / root
    return kept + 1


@compiled
def _remove(v, direction):  # type: ignore[no-untyped-def]
    along = 0.0
    for i in range(v.size):
        along += v[i] * direction[i]
    for i in range(v.size):
        v[i] -= along * direction[i]


@compiled
def _finest(codes, rows, seen):  # type: ignore[no-untyped-def]
    # which of several groupings has the most groups among these rows
    finest, most = 0, 0
    for g in range(codes.shape[0]):
        for code in range(seen.size):
            seen[code] = -1
        found = 0
        for j in range(rows.size):
            found -= seen[codes[g, rows[j]]]
            seen[codes[g, rows[j]]] = 0
        if found > most:
            finest, most = g, found
    return finest


@compiled
def _residuals(x, numbers, codes, levels, edges, result):  # type: ignore[no-untyped-def]
    # one grouping is taken off by group means, the others are columns of 0 and 1 (Frisch, Waugh and Lovell)
    most, widest, columns = 1, 1, numbers.shape[0]
    for s in range(len(edges) - 1):
        most = max(most, edges[s + 1] - edges[s])
    for g in range(len(levels)):
        widest = max(widest, levels[g])
        columns += min(levels[g], most) if len(levels) > 1 else 0
    rows, level, v, y = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most), np.empty(most)
    sums, held, seen = np.empty(widest), np.empty(widest), np.empty(widest, np.int64)
    basis = np.empty((columns, most))
    for s in range(len(edges) - 1):
        n, largest = 0, 0.0
        for i in range(edges[s], edges[s + 1]):
            result[i] = np.nan
            valid = np.isfinite(x[i])
            for k in range(numbers.shape[0]):
                valid = valid and np.isfinite(numbers[k, i])
            for g in range(codes.shape[0]):
                valid = valid and codes[g, i] >= 0
            if valid:
                rows[n] = i
                v[n] = x[i]
                largest = max(largest, abs(x[i]))
                n += 1
        kept = 0
        finest = _finest(codes, rows[:n], seen) if codes.shape[0] > 1 else 0
        for j in range(n):
            level[j] = codes[finest, rows[j]]
        for k in range(numbers.shape[0]):
            least = 0.0
            for j in range(n):
                y[j] = numbers[k, rows[j]]
                least += y[j] * y[j]
            _centre(y[:n], level[:n], sums, held)
            kept = _keep(y[:n], _TINY * least, basis, kept)
        for g in range(codes.shape[0]):
            if g == finest:
                continue
            for code in range(levels[g]):
                seen[code] = -1
            for j in range(n):
                seen[codes[g, rows[j]]] = 0
            for code in range(levels[g]):
                if seen[code] == 0:
                    for j in range(n):
                        y[j] = 1.0 if codes[g, rows[j]] == code else 0.0
                    _centre(y[:n], level[:n], sums, held)
                    kept = _keep(y[:n], _TINY * n, basis, kept)
        _centre(v[:n], level[:n], sums, held)
        for _ in range(2):
            for k in range(kept):
                _remove(v[:n], basis[k])
        for j in range(n):
            result[rows[j]] = v[j] if abs(v[j]) > 1e-12 * largest else 0.0


def neutralize(stack: Stack, x: Array, *regressors: Array, groups: Sequence[bool] = ()) -> Array:
    """Take off each session's values what a constant, numbers and groups explain: residuals of least squares.

    Parameters
    ----------
    stack : Stack
        Of sessions: the rows of one session's instruments stand together.
    x : ndarray, shape (n_rows,)
        NaN and infinities count as no value.
    *regressors : ndarray, shape (n_rows,)
        Numbers, or codes of groups. What others explain already changes nothing.
    groups : sequence of bool
        Which of the regressors are groups; none when empty.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where `x` or any regressor has no value; exactly 0 where nothing but rounding is left.
    """
    flags = list(groups) or [False] * len(regressors)
    numbers = [as_numbers(y) for y, group in zip(regressors, flags, strict=True) if not group]
    coded = [_codes(as_numbers(y)) for y, group in zip(regressors, flags, strict=True) if group]
    codes, levels = zip(*coded, strict=True) if coded else ([np.zeros(len(x), np.int32)], [1])
    result = np.empty(len(x))
    _residuals(
        as_numbers(x).astype(np.float64), np.array(numbers, np.float64).reshape(len(numbers), len(x)),
        np.array(codes, np.int32), np.array(levels, np.int64), stack.edges, result,
    )  # fmt: skip
    return result


def _codes(group: Array) -> tuple[Array, int]:
    # codes from 0 up (-1: none), and how many there are
    known = np.isfinite(group)
    values = group[known]
    codes = np.full(len(group), -1, np.int32)
    if values.size == 0:
        return codes, 1
    if values.min() >= 0 and values.max() < _LEVELS and np.array_equal(values, np.floor(values)):
        codes[known] = values
        return codes, int(values.max()) + 1
    distinct, codes[known] = np.unique(values, return_inverse=True)
    return codes, len(distinct)
