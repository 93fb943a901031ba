"""See whether a value depends on where history begins."""

import math
import time
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qbrain_core.factors.leakage.compare import KEY, factor_columns, values_of
from qbrain_core.factors.leakage.probe import Data, Function, run
from qbrain_core.factors.leakage.report import Check, Finding, Outcome

__all__ = ["begin_at", "check_startup"]

_TOLERANCE = 1e-4  # of a value plus the column's deviation: sums that began elsewhere round elsewhere
_SOON = 5  # sessions after the windows are full
_SHARE = 0.05  # of values that may differ as ranks of what nearly ties do
_FEW = 0.01  # of the values: so many may be late to settle
_BEGIN = 0.3  # of the sessions; earlier where windows would not be full in time


def begin_at(data: Data, day: date) -> Data:
    """Take from data what a history that begins on a day would hold.

    Parameters
    ----------
    data : DataFrame or mapping of str to DataFrame
    day : date

    Returns
    -------
    DataFrame or dict of str to DataFrame
        Without the rows of earlier sessions. Frames that are not by instrument and session stay: what a company once
        reported is known however short the prices' history.
    """
    if isinstance(data, pl.DataFrame):
        return data.filter(pl.col("session") >= day)
    daily = {name for name, rows in data.items() if set(KEY) <= set(rows.columns)}
    return {name: rows.filter(pl.col("session") >= day) if name in daily else rows for name, rows in data.items()}


def check_startup(
    function: Function,
    data: Data,
    *,
    lookbacks: dict[str, float] | None = None,
    whole: pl.DataFrame | None = None,
) -> Check:
    """Compute again from a later beginning and see when the values meet.

    Parameters
    ----------
    function : callable
        As for `probe`.
    data : DataFrame or mapping of str to DataFrame
    lookbacks : dict of str to float, optional
        Sessions before its own that each factor says it depends on; infinite or left out: not known.
    whole : DataFrame, optional
        What the function gives of all data, where that is known already.

    Returns
    -------
    Check
        `start_matters` (fail) where a value depends on more than it says, `start_settles` (note) with the sessions it
        takes where nothing was said, `start_lasts` (warning) where it had not settled when the data ended. Values meet
        when they differ by less than 1e-4 of the value plus the column's deviation. Few that do not,
        alike at all times, are counted as `start_near_ties` (note).
    """
    begun = time.perf_counter()
    whole = function(data).sort(KEY) if whole is None else whole.sort(KEY)
    sessions = whole["session"].unique().sort()
    said = lookbacks or {}
    finite = [n for n in said.values() if math.isfinite(n)]
    start = min(max(1, int(_BEGIN * sessions.len())), max(1, sessions.len() - int(max(finite, default=0)) - 20))
    findings: list[Finding] = []
    if sessions.len() > start:
        made = run(function, begin_at(data, sessions[start]))
        if isinstance(made, str):
            params = {"cut": sessions[start].isoformat(), "error": made}
            findings.append(Finding(code="fails_when_cut", severity=Outcome.WARN, params=params))
        else:
            findings += _settled(whole, made, sessions, start, said)
    return Check(name="startup", findings=tuple(findings), seconds=round(time.perf_counter() - begun, 3))


def _settled(
    whole: pl.DataFrame, made: pl.DataFrame, sessions: pl.Series, start: int, said: dict[str, float]
) -> list[Finding]:
    both = whole.select(KEY).join(made.select(KEY), on=KEY, how="inner")
    a, b = (rows.join(both, on=KEY, how="semi").sort(KEY) for rows in (whole, made))
    # sessions since the later beginning; a row that was left out altogether has nothing to compare
    age = sessions.search_sorted(a["session"]).to_numpy().astype(np.int64) - start
    found = []
    for name in factor_columns(a):
        if name not in b.columns or not (a[name].dtype.is_numeric() and b[name].dtype.is_numeric()):
            continue
        strays = _strays(values_of(a[name]), values_of(b[name]))
        lookback = said.get(name, math.inf)
        judged = _beyond(strays, age, int(lookback)) if math.isfinite(lookback) else _unsaid(strays, age)
        if judged is not None:
            code, severity, params = judged
            found.append(Finding(code=code, severity=severity, factor=name, params=params))
    return found


def _strays(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    finite = np.isfinite(x) & np.isfinite(y)
    spread = float(x[finite].std()) if finite.any() else 0.0
    with np.errstate(all="ignore"):
        near = np.abs(x - y) <= _TOLERANCE * (np.abs(x) + spread)
    same: NDArray[np.bool_] = np.where(finite, near, (x == y) | (np.isnan(x) & np.isnan(y)))
    return ~same


def _beyond(
    strays: NDArray[np.bool_], age: NDArray[np.int64], lookback: int
) -> tuple[str, Outcome, dict[str, int]] | None:
    # what depends on more than its windows does so right after they are full, or for ever; ranks of what nearly ties
    # turn on the last digit of a sum, here and there
    full = age >= lookback
    if not strays[full].any():
        return None
    early, late = full & (age < lookback + _SOON), age >= (lookback + int(age.max())) / 2
    shares = [float(strays[part].mean()) if part.any() else 0.0 for part in (early, late)]
    if shares[0] > _SHARE + 3 * shares[1] or shares[1] > 5 * _SHARE:
        sessions = int(age[full & strays].max()) + 1
        return "start_matters", Outcome.FAIL, {"sessions": sessions, "lookback": lookback}
    return "start_near_ties", Outcome.PASS, {"rows": int(strays[full].sum()), "compared": int(full.sum())}


def _unsaid(strays: NDArray[np.bool_], age: NDArray[np.int64]) -> tuple[str, Outcome, dict[str, int]] | None:
    ages = np.sort(age[strays])[::-1]
    few = int(_FEW * len(age))
    if len(ages) <= few:
        return None
    needs, last = int(ages[few]) + 1, int(age.max())
    if needs > 0.9 * last:
        return "start_lasts", Outcome.WARN, {"sessions": last}
    return "start_settles", Outcome.PASS, {"sessions": needs}
