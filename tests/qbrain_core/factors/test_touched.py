from datetime import date, timedelta
from math import inf
from typing import Any

import polars as pl
import pytest

from qbrain_core.factors.touched import touched_spans

DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in (0, 1, 2, 5, 6, 7, 8, 9)]  # a gap of two days
CALENDAR = pl.Series("session", DAYS)


def spans(changes: list[tuple[Any, ...]], lookback: float = 2, *, across: bool = False) -> list[tuple[Any, ...]]:
    schema = {"instrument": pl.String, "session": pl.Date, "until": pl.Date}
    frame = pl.DataFrame(changes, schema=schema, orient="row")
    return touched_spans(frame, CALENDAR, lookback, across=across).rows()


@pytest.mark.parametrize(
    ("changes", "lookback", "expected"),
    [
        ([("A", DAYS[1], DAYS[1])], 0, [("A", DAYS[1], DAYS[1])]),
        ([("A", DAYS[1], DAYS[1])], 2, [("A", DAYS[1], DAYS[3])]),  # sessions count, not days
        ([("A", DAYS[6], DAYS[6])], 5, [("A", DAYS[6], DAYS[7])]),
        ([("A", DAYS[1], DAYS[1])], inf, [("A", DAYS[1], DAYS[7])]),
        ([("A", DAYS[4], None)], 0, [("A", DAYS[4], DAYS[7])]),
        ([("A", DAYS[1], DAYS[3])], 1, [("A", DAYS[1], DAYS[4])]),
        ([(None, DAYS[1], DAYS[1])], 1, [(None, DAYS[1], DAYS[2])]),
        # two changes of one name: together where they meet, apart where they do not
        ([("A", DAYS[0], DAYS[0]), ("A", DAYS[2], DAYS[2])], 1, [("A", DAYS[0], DAYS[3])]),
        ([("A", DAYS[0], DAYS[0]), ("A", DAYS[5], DAYS[5])], 1, [("A", DAYS[0], DAYS[1]), ("A", DAYS[5], DAYS[6])]),
        ([("B", DAYS[0], DAYS[0]), ("A", DAYS[0], DAYS[0])], 0, [("A", DAYS[0], DAYS[0]), ("B", DAYS[0], DAYS[0])]),
        # a day that is no session any more: what is stored of it, and whoever looked back on it
        ([("A", date(2024, 1, 4), date(2024, 1, 4))], 1, [("A", date(2024, 1, 4), DAYS[3])]),
        ([("A", date(2024, 2, 1), date(2024, 2, 1))], 3, [("A", date(2024, 2, 1), date(2024, 2, 1))]),
        ([("A", date(2023, 1, 1), None)], 3, [("A", date(2023, 1, 1), DAYS[7])]),
        ([], 3, []),
    ],
)
def test_spans_reach_as_far_as_values_look_back(
    changes: list[tuple[Any, ...]], lookback: float, expected: list[tuple[Any, ...]]
) -> None:
    assert spans(changes, lookback) == expected


def test_spans_of_one_are_those_of_all_where_values_cross_instruments() -> None:
    assert spans([("A", DAYS[1], DAYS[1]), ("B", DAYS[2], DAYS[2])], 1, across=True) == [(None, DAYS[1], DAYS[3])]
