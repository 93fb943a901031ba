"""What can be said of expressions and of reports without computing anything."""

import time
from collections.abc import Mapping

import polars as pl

from qbrain_core.factors.expression import lookahead, parse, reads_future
from qbrain_core.factors.leakage.report import Check, Finding, Outcome

__all__ = ["check_knowledge", "check_static"]


def check_static(expressions: Mapping[str, str]) -> Check:
    """Look for references to later sessions.

    All that an expression can reach in time stands in its tree: a negative `Ref` or `Delta` is the only way ahead,
    operators across instruments see the rows of one session, reports are seen by the day they became known.

    Parameters
    ----------
    expressions : mapping of str to str
        Factor name → expression.

    Returns
    -------
    Check
        `later_session` (fail), also where an outer `Ref` brings the value back.

    Raises
    ------
    FactorSyntaxError
        If an expression cannot be read.
    """
    begun = time.perf_counter()
    found = []
    for name, text in expressions.items():
        tree = parse(text, parameter=f"expressions[{name!r}]")
        if reads_future(tree):
            params = {"sessions": lookahead(tree)}
            found.append(Finding(code="later_session", severity=Outcome.FAIL, factor=name, params=params))
    return Check(name="static", findings=tuple(found), seconds=round(time.perf_counter() - begun, 3))


def check_knowledge(statements: pl.DataFrame) -> Check:
    """Look whether reports are dated by the day they became public.

    Parameters
    ----------
    statements : DataFrame, columns (known_at: date, and period: int as yyyyqq or yyyymm, or period_end: date)
        One row per figure, or per report.

    Returns
    -------
    Check
        `known_at_missing` (fail) where rows lack the day; `known_at_period_end` where they name the period's last day
        or an earlier one: fail for a tenth of the rows, else a warning.
    """
    begun = time.perf_counter()
    found: list[Finding] = []
    rows = statements.height
    missing = rows if "known_at" not in statements.columns else statements["known_at"].null_count()
    if missing:
        params = {"rows": missing, "compared": rows}
        found.append(Finding(code="known_at_missing", severity=Outcome.FAIL, params=params))
    if missing < rows:
        ends = _period_ends(statements)
        early = statements.select((pl.col("known_at") <= ends).fill_null(False)).to_series().sum()
        if early:
            severity = Outcome.FAIL if early >= 0.1 * rows else Outcome.WARN
            params = {"rows": int(early), "compared": rows}
            found.append(Finding(code="known_at_period_end", severity=severity, params=params))
    return Check(name="knowledge", findings=tuple(found), seconds=round(time.perf_counter() - begun, 3))


def _period_ends(statements: pl.DataFrame) -> pl.Series:
    if "period_end" in statements.columns:
        return statements["period_end"]
    period = statements["period"].cast(pl.Int64)
    part = period % 100
    # yyyyqq where no number within the year is above 4, else yyyymm
    months = 3 if (part.max() or 0) <= 4 else 1  # type: ignore[operator]
    year, month = period // 100, (part * months).clip(1, 12)
    return pl.DataFrame({"y": year, "m": month}).select(pl.date("y", "m", 1).dt.month_end()).to_series()
