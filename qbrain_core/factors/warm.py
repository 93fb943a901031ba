"""Compile every kernel ahead of its first use."""

from datetime import date, timedelta

import polars as pl

from qbrain_core.factors.engine import compute
from qbrain_core.factors.operators import OPERATORS, Operator, Slot
from qbrain_core.reporting import NULL_REPORTER, Reporter

__all__ = ["warm"]

_GIVEN = {
    Slot.CONDITION: "$close > 1", Slot.WINDOW: "4", Slot.SHIFT: "1", Slot.SPAN: "4", Slot.FRACTION: "0.5",
    Slot.POSITIVE: "1", Slot.INSTRUMENT: "'A'", Slot.SPELL: "'W'", Slot.STATISTIC: "'last'", Slot.PERIODS: "$$sales",
    Slot.PERIOD: "2020",
}  # fmt: skip


def warm(reporter: Reporter = NULL_REPORTER) -> None:
    """Compute every operator of ours once on a few rows, as single and as double precision numbers.

    What is compiled already is only read from the disk.

    Parameters
    ----------
    reporter : Reporter
        Told when something is being compiled.
    """
    ours = [operator for operator in OPERATORS.values() if not operator.talib]
    texts = [_text(operator, series) for series in ("$close", "Mean($close, 2)") for operator in ours]
    days = [date(2024, 1, 1) + timedelta(n) for n in range(8)]
    bars = pl.DataFrame({"instrument": ["A"] * 8 + ["B"] * 8, "session": days * 2, "close": range(1, 17)})
    known = {"instrument": ["A"], "period": [2020], "known_at": days[:1], "field": ["sales"], "value": [1.0]}
    compute({text: text for text in texts}, bars, statements=pl.DataFrame(known), reporter=reporter)


def _text(operator: Operator, series: str) -> str:
    return f"{operator.name}({', '.join(_GIVEN.get(slot, series) for slot in operator.slots)})"
