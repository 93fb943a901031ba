"""What a planted leak is, and how it is examined."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from bench.leakage.worlds import FROM_LABEL, bars_frame, market_tables, small_lakes
from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import compute
from qbrain_core.factors.leakage import Check, Outcome, check_callable, check_expressions, check_knowledge
from qbrain_core.factors.leakage.selection import check_selection

__all__ = ["KEY", "Leak", "caught_by", "factor", "failing"]

KEY = ["instrument", "session"]
CUTS = 6

How = Literal["expression", "frame", "tables", "lake", "reports", "rows"]


@dataclass(frozen=True)
class Leak:
    """One way to see the future.

    Attributes
    ----------
    kind : str
        Family it belongs to.
    words : str
        What it does.
    how : str
        `expression` text over bars, `frame` function of bars, `tables` function of the lake's tables as frames, `lake`
        function of a lake, `reports` function that makes a table of reports, `rows` function of labels that chooses
        rows.
    make : str or callable
    """

    kind: str
    words: str
    how: How
    make: Any


def factor(bars: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    """Make a result of one expression over a frame sorted by instrument and session."""
    return bars.sort(KEY).select(*KEY, x=value)


def failing(leak: Leak) -> tuple[Check, ...]:
    """Examine a leak; give the checks that failed."""
    return tuple(check for check in _examined(leak) if check.outcome is Outcome.FAIL)


def caught_by(leak: Leak) -> str:
    """Name what caught a leak: codes of findings, or that it was refused; "" where nothing did."""
    codes = dict.fromkeys(f.code for check in failing(leak) for f in check.findings if f.severity is Outcome.FAIL)
    if leak.how == "expression" and codes:
        try:
            compute({"x": leak.make}, bars_frame().head(40))
        except InvalidInputError:
            return ", ".join(("refused", *codes))
    return ", ".join(codes)


def _examined(leak: Leak) -> tuple[Check, ...]:
    make: Callable[..., Any] = leak.make
    match leak.how:
        case "expression":
            return check_expressions({"x": leak.make}, bars_frame(), cuts=CUTS).checks
        case "frame":
            return check_callable(make, bars_frame(), cuts=CUTS, late=FROM_LABEL).checks
        case "tables":
            return check_callable(make, market_tables(), cuts=CUTS).checks
        case "lake":
            with small_lakes() as lake_of:

                def function(given: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
                    result: pl.DataFrame = make(lake_of(given))
                    return result

                return check_callable(function, market_tables(), cuts=3).checks
        case "reports":
            return (check_knowledge(make(market_tables()["fundamentals"])),)
        case "rows":
            labels = bars_frame().select(*KEY, label="LABEL0")
            return (check_selection(make, labels),)
