"""Look at a computation from outside: what came later must not change what it said before.

The computation runs on everything, on data cut off at a day, and on data whose numbers after that day are others. Every
value up to the day must be the same each time, to the bit, and so must be the rows. How it works inside is all one.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeAlias

import polars as pl

from qbrain_core.errors import InvalidInputError, JobCancelledError, JobLostError
from qbrain_core.factors.leakage.compare import KEY, Difference, differences, factor_columns, ordered
from qbrain_core.factors.leakage.report import Check, Finding, Outcome
from qbrain_core.knowledge import Rule, known_on, rule_for, shocked_after

__all__ = ["Data", "Function", "Rules", "cut_off", "probe", "run"]

Data: TypeAlias = pl.DataFrame | Mapping[str, pl.DataFrame]
"""One frame with a row per instrument and session, or several frames by name."""

Function: TypeAlias = Callable[[Any], pl.DataFrame]
"""Data → frame with `instrument`, `session` and one column per factor."""

Rules: TypeAlias = Mapping[str, Rule]
"""How rows of the frames become known, where it is not by the table of that name; `bars` is the one frame."""


def cut_off(data: Data, day: date, rules: Rules | None = None) -> Data:
    """Take from data what was known at the end of a day.

    Parameters
    ----------
    data : DataFrame or mapping of str to DataFrame
    day : date
    rules : mapping of str to Rule, optional

    Returns
    -------
    DataFrame or dict of str to DataFrame
        As given.
    """
    return _each(data, rules, partial(known_on, day=day))


def probe(
    function: Function,
    data: Data,
    cuts: Sequence[date],
    *,
    whole: pl.DataFrame | None = None,
    rules: Rules | None = None,
    shock: bool = True,
    repeat: bool = True,
    seed: int = 7,
    name: str = "probe",
) -> Check:
    """Probe a computation at some days.

    Parameters
    ----------
    function : callable
        Data → frame with `instrument`, `session` and one column per factor. It must not remember one call in the next.
    data : DataFrame or mapping of str to DataFrame
    cuts : sequence of date
    whole : DataFrame, optional
        What it gives of all data, where that is known already.
    rules : mapping of str to Rule, optional
    shock : bool
        Also change the numbers after the days. A factor that uses the future on rare occasions only is found that way.
    repeat : bool
        Also run it twice on the same data, because nothing can be shown of a computation that gives something else
        each time, but for last digits (sums in parallel have no order).
    seed : int
        Of the changes.
    name : str
        Key of `CHECKS`.

    Returns
    -------
    Check
        One finding per factor and kind, of the cut that shows it best.

    Raises
    ------
    InvalidInputError
        If the result is no frame of factors, or there is no cut.
    """
    begun = time.perf_counter()
    if not cuts:
        raise InvalidInputError("cuts", list(cuts), "at least one day is needed")
    whole = ordered(function(data)) if whole is None else ordered(whole)
    found: list[Finding] = []
    if repeat and (other := ordered(function(data))).select(KEY).equals(whole.select(KEY)):
        apart = [d for d in differences(whole, other, _same(whole, other)) if not d.rounding]
        found += [_finding("not_repeatable", factor=d.factor) for d in apart]
    elif repeat:
        found.append(_finding("not_repeatable"))
    unstable = {f.factor for f in found}
    compared = 0
    for number, cut in enumerate(cuts):
        past = whole.filter(pl.col("session") <= cut)
        worlds: list[tuple[str, Data]] = [("future_value", cut_off(data, cut, rules))]
        if shock:
            change = partial(shocked_after, day=cut, seed=seed + number)
            worlds.append(("shocked_value", _each(data, rules, change)))
        for code, world in worlds:
            made = run(function, world)
            if isinstance(made, str):
                found.append(_finding("fails_when_cut", cut=cut.isoformat(), error=made))
                continue
            compared += past.height
            found += _compare(past, made.filter(pl.col("session") <= cut), code, cut)
    if not compared and not found:
        found.append(Finding(code="nothing_compared", severity=Outcome.WARN))
    kept = [f for f in _best(found) if f.code == "not_repeatable" or f.factor not in unstable]
    return Check(name=name, findings=tuple(kept), seconds=round(time.perf_counter() - begun, 3))


def run(function: Function, data: Data) -> pl.DataFrame | str:
    """Run a computation on data that it was perhaps not made for.

    Parameters
    ----------
    function : callable
    data : DataFrame or mapping of str to DataFrame

    Returns
    -------
    DataFrame or str
        Sorted by instrument and session; the error's text where it fails.
    """
    try:
        return ordered(function(data))
    except (JobCancelledError, JobLostError):
        raise
    except Exception as error:  # whatever somebody's function raises on less data is a finding, not our failure
        return f"{type(error).__name__}: {error}"[:300]


def _compare(past: pl.DataFrame, made: pl.DataFrame, code: str, cut: date) -> Iterator[Finding]:
    names = _same(past, made)
    strangers = sorted({*factor_columns(past), *factor_columns(made)} - set(names))
    if strangers:
        yield _finding("columns_change", columns=", ".join(strangers[:5]), cut=cut.isoformat())
    keys = past.select(KEY)
    if not keys.equals(made.select(KEY)):
        for rows, other, kind in ((made, past, "rows_vanish"), (past, made, "rows_appear")):
            only = rows.select(KEY).join(other.select(KEY), on=KEY, how="anti").sort("session", "instrument")
            if only.height:
                instrument, session = only.row(-1)
                of = {"instrument": str(instrument), "session": session.isoformat(), "cut": cut.isoformat()}
                yield _finding(kind, rows=only.height, **of)
        both = keys.join(made.select(KEY), on=KEY, how="inner")
        past, made = (rows.join(both, on=KEY, how="semi").sort(KEY) for rows in (past, made))
    for difference in differences(made, past, names):
        yield _value_finding(difference, code, cut)


def _value_finding(d: Difference, code: str, cut: date) -> Finding:
    if d.rounding:
        params: dict[str, Any] = {"rows": d.rows, "compared": d.compared, "cut": cut.isoformat()}
        return Finding(code="future_rounding", severity=Outcome.WARN, factor=d.factor, params=params)
    return _finding(
        code, factor=d.factor, rows=d.rows, compared=d.compared, instrument=d.instrument, session=d.session.isoformat(),
        known=d.before, hindsight=d.after, cut=cut.isoformat(), first=d.first.isoformat(),
    )  # fmt: skip


def _finding(code: str, *, factor: str = "", **params: Any) -> Finding:
    return Finding(code=code, severity=Outcome.FAIL, factor=factor, params=params)


def _best(found: Sequence[Finding]) -> list[Finding]:
    # of several cuts, the one that moved most rows; values cut off say more than values changed
    best: dict[tuple[str, str], Finding] = {}
    for finding in found:
        kind = "value" if finding.code in ("future_value", "shocked_value", "future_rounding") else finding.code
        held = best.get((finding.factor, kind))
        if held is None or _weight(finding) > _weight(held):
            best[finding.factor, kind] = finding
    return list(best.values())


def _weight(finding: Finding) -> tuple[bool, bool, int]:
    return finding.severity is Outcome.FAIL, finding.code != "shocked_value", int(finding.params.get("rows", 0))


def _same(a: pl.DataFrame, b: pl.DataFrame) -> list[str]:
    return [name for name in factor_columns(a) if name in b.columns]


def _each(data: Data, rules: Rules | None, change: Callable[[pl.DataFrame, Rule], pl.DataFrame]) -> Data:
    given = rules or {}
    if isinstance(data, pl.DataFrame):
        return change(data, given.get("bars") or rule_for("bars", data))
    return {name: change(rows, given.get(name) or rule_for(name, rows)) for name, rows in data.items()}
