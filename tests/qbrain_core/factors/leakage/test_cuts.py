from datetime import date, timedelta

import polars as pl
import pytest

from qbrain_core.errors import InsufficientDataError
from qbrain_core.factors.leakage import choose_cuts

DAYS = [d for n in range(200) if (d := date(2024, 1, 1) + timedelta(n)).weekday() < 5]


def rows(**spans: tuple[int, int]) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame({"instrument": name, "session": DAYS[a:b], "close": 1.0 + 0.01 * (n % 3) * 0})
        for n, (name, (a, b)) in enumerate(spans.items())
    )


def test_cuts_stand_before_what_happens_and_inside_weeks_and_months() -> None:
    listed = 100
    cuts = choose_cuts(rows(A=(0, 142), B=(listed, 142)), 4)
    assert len(cuts) == 4
    assert cuts == sorted(cuts)
    for cut in cuts:
        after = DAYS[DAYS.index(cut) + 1]
        assert cut.isocalendar()[:2] == after.isocalendar()[:2]
        assert cut.month == after.month
    before = choose_cuts(rows(A=(0, 142), B=(103, 142), C=(58, 142)), 3)
    assert DAYS[57] in before or DAYS[102] in before


def test_cuts_fall_while_reports_are_due() -> None:
    reports = pl.DataFrame(
        {"instrument": ["A"] * 3, "period_end": [DAYS[80]] * 3, "known_at": [DAYS[95]] * 3, "eps": [1.0] * 3}
    )
    (cut,) = choose_cuts({"bars": rows(A=(0, 142)), "fundamentals": reports}, 1)
    assert DAYS[80] <= cut < DAYS[95]


def test_cuts_of_too_few_sessions_are_refused() -> None:
    with pytest.raises(InsufficientDataError, match="7 sessions"):
        choose_cuts(rows(A=(0, 7)), 2)
