"""All checks of a set of expressions, or of any function, in one report."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from qbrain_core.factors.engine import compute
from qbrain_core.factors.expression import lookback, parse
from qbrain_core.factors.leakage.compare import factor_columns, ordered
from qbrain_core.factors.leakage.cuts import choose_cuts
from qbrain_core.factors.leakage.foresight import check_foresight
from qbrain_core.factors.leakage.probe import Data, Function, Rules, probe
from qbrain_core.factors.leakage.report import LeakageReport
from qbrain_core.factors.leakage.startup import check_startup
from qbrain_core.factors.leakage.static import check_knowledge, check_static
from qbrain_core.knowledge import Dated

__all__ = ["check_callable", "check_expressions"]

_CUTS = 8


def check_expressions(
    expressions: Mapping[str, str],
    bars: pl.DataFrame,
    *,
    statements: pl.DataFrame | None = None,
    cuts: int | Sequence[date] = _CUTS,
    seed: int = 7,
    threads: int = 1,
    **about: Any,
) -> LeakageReport:
    """Check expressions: what they say, and what they do with data that lack a future, or have another one.

    Parameters
    ----------
    expressions : mapping of str to str
        Factor name → expression.
    bars : DataFrame
        As for `compute`; some names and a few hundred sessions will do, and decide how long it takes.
    statements : DataFrame, optional
        As for `compute`.
    cuts : int or sequence of date
        Days at which data are cut off, or how many to choose.
    seed : int
        Of the changes to later data.
    threads : int
    **about
        `subject`, `digest`, `market`, `code_hash` of the report.

    Returns
    -------
    LeakageReport
        Checks `static`, `probe`, `startup`, `foresight`, and `knowledge` where there are statements. It never raises
        for a look-ahead: that is a finding.

    Raises
    ------
    FactorSyntaxError
        If an expression cannot be read.
    UnknownNameError, InvalidInputError
        If `bars` is not what the expressions need.
    InsufficientDataError
        If there are fewer than eight sessions.
    """
    texts = dict(expressions)
    static = check_static(texts)
    if statements is None:
        data: Data = bars

        def function(given: Any) -> pl.DataFrame:
            return compute(texts, given, allow_future=True, threads=threads)
    else:
        data = {"bars": bars, "statements": statements}

        def function(given: Any) -> pl.DataFrame:
            frames = {"statements": given["statements"]}
            return compute(texts, given["bars"], allow_future=True, threads=threads, **frames)

    days = choose_cuts(data, cuts) if isinstance(cuts, int) else list(cuts)
    whole = ordered(function(data))
    lookbacks = {name: lookback(parse(text)) for name, text in texts.items()}
    checks = [
        static,
        probe(function, data, days, whole=whole, repeat=False, seed=seed),
        check_startup(function, data, lookbacks=lookbacks, whole=whole),
        check_foresight(whole, bars),
    ]
    if statements is not None:
        checks.append(check_knowledge(statements))
    return LeakageReport(
        checks=tuple(checks), factors=len(texts), instruments=whole["instrument"].n_unique(), rows=whole.height,
        cuts=tuple(days), **about,
    )  # fmt: skip


def check_callable(
    function: Function,
    data: Data,
    *,
    cuts: int | Sequence[date] = _CUTS,
    late: Mapping[str, int] | None = None,
    rules: Rules | None = None,
    seed: int = 7,
    **about: Any,
) -> LeakageReport:
    """Check any Python function that makes factors.

    Parameters
    ----------
    function : callable
        Data → polars frame with `instrument`, `session` and one column per factor. It must not remember one call in
        the next.
    data : DataFrame or mapping of str to DataFrame
        One frame with a row per instrument and session, or several by name; frames named as tables of the lake become
        known as those do, others by their columns `known_at`, `session`, or `start` and `end`.
    cuts, seed : optional
        As for `check_expressions`.
    late : mapping of str to int, optional
        Columns of the one frame, or of `bars`, whose values are known only so many sessions after their row's: labels.
    rules : mapping of str to Rule, optional
        How rows of frames become known, where it is otherwise.
    **about
        As for `check_expressions`.

    Returns
    -------
    LeakageReport
        Checks `probe`, `startup` and `foresight`.

    Raises
    ------
    InvalidInputError
        If the result is no frame of factors.
    InsufficientDataError
        If there are fewer than eight sessions.
    """
    known = dict(rules or {})
    if late:
        known["bars"] = Dated(late=dict(late))
    days = choose_cuts(data, cuts) if isinstance(cuts, int) else list(cuts)
    whole = ordered(function(data))
    bars = data if isinstance(data, pl.DataFrame) else data.get("bars")
    checks = [
        probe(function, data, days, whole=whole, rules=known, seed=seed),
        check_startup(function, data, whole=whole),
    ]
    if bars is not None:
        checks.append(check_foresight(whole, bars))
    return LeakageReport(
        checks=tuple(checks), factors=len(factor_columns(whole)), instruments=whole["instrument"].n_unique(),
        rows=whole.height, cuts=tuple(days), **about,
    )  # fmt: skip
