from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import compute
from qbrain_core.factors.panel import Panel
from qbrain_core.factors.tree import Field

DAYS = [date(2024, 1, d) for d in (1, 2, 3, 4)]
BARS = pl.DataFrame(
    {"instrument": ["B", "B", "A", "A", "A"], "session": [DAYS[3], DAYS[1], DAYS[0], DAYS[1], DAYS[2]], "x": range(5)}
)


def test_blocks_have_a_row_for_every_session_between_first_and_last() -> None:
    first, second = Panel(BARS, ["x"]).blocks(1)
    assert (first.stack.rows, second.stack.rows) == (3, 3)
    assert second.stack.instruments == ["B"]
    assert second.stack.days.tolist() == [(d - date(1970, 1, 1)).days for d in DAYS[1:]]
    spread = second.spread(np.array([5.0, 7.0]))
    np.testing.assert_array_equal(spread, [5.0, np.nan, 7.0])
    assert second.gather(spread).tolist() == [5.0, 7.0]


def test_blocks_hold_whole_instruments() -> None:
    panel = Panel(BARS, ["x"])
    assert [(b.first, b.last) for b in panel.blocks(2)] == [(0, 3), (3, 5)]
    assert [(b.first, b.last) for b in panel.blocks(5)] == [(0, 5)]


def test_pieces_hold_whole_sessions_and_know_who_stands_where() -> None:
    panel = Panel(BARS, ["x"])
    pieces = list(panel.pieces(2))
    assert [p.rows.tolist() for p in pieces] == [[0], [1, 3], [2, 4]]
    assert pieces[1].stack.edges.tolist() == [0, 2]
    assert pieces[2].stack.edges.tolist() == [0, 1, 2]
    assert [[p.stack.instruments[s] for s in p.stack.seats] for p in pieces] == [["A"], ["A", "B"], ["A", "B"]]


def test_values_are_float32_in_order_and_may_be_written_to() -> None:
    panel = Panel(BARS, ["x"])
    values = panel.values(Field("x"), 0, 5)
    assert values.dtype == np.float32
    assert values.tolist() == [2, 3, 4, 1, 0]
    values[:] = 0
    assert panel.values(Field("x"), 0, 5).tolist() == [2, 3, 4, 1, 0]


def test_calendar_makes_a_part_of_a_market_equal_to_the_whole() -> None:
    texts = {"R": "Ref($x, 1)", "S": "Sum($x, 2)"}
    whole = compute(texts, BARS).filter(instrument="B")
    part = BARS.filter(instrument="B")
    assert_frame_equal(compute(texts, part, calendar=DAYS[::-1]), whole)
    assert not compute(texts, part).equals(whole)


def test_calendar_without_a_session_of_the_frame_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"bars is datetime\.date\(2024, 1, 3\)"):
        compute({"R": "Ref($x, 1)"}, BARS, calendar=[DAYS[0], DAYS[1], DAYS[3]])


def test_repeated_row_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"'B', datetime\.date\(2024, 1, 2\)"):
        Panel(pl.concat([BARS, BARS[1:2]]), ["x"])


def test_same_session_of_neighbours_is_no_repetition() -> None:
    frame = pl.DataFrame({"instrument": ["A", "B"], "session": [DAYS[0], DAYS[0]], "x": [1, 2]})
    assert Panel(frame, ["x"]).rows == 2
