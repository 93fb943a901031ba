from datetime import date

import numpy as np
import polars as pl
import pytest

from qbrain_core.errors import InsufficientDataError, InvalidInputError
from qbrain_core.evaluation import forward_returns
from qbrain_core.evaluation.yardstick import lay_spells, make_yardstick
from qbrain_core.factors import expression_fields
from qbrain_core.layout import Layout


def test_label_equals_qlibs_expression_where_everybody_trades(sample) -> None:
    # the one place where both look away alike: no halt within the holding period
    yardstick = make_yardstick(sample.bars, sessions=sample.sessions, keep_locked=True)
    fields = expression_fields(sample.bars, ["close"])
    for horizon in (1, 5):
        expected = Layout.of(sample.bars).dense(forward_returns(fields, horizon=horizon), "forward_return")
        found = np.where(yardstick.members, yardstick.label(horizon), np.nan)
        both = np.isfinite(expected) & yardstick.members
        assert np.isfinite(found[both]).all()
        assert found[both] == pytest.approx(expected[both], abs=1e-6)


def test_label_name_halted_next_session_is_left_out_and_one_halted_at_the_sale_keeps_its_price() -> None:
    days = [date(2024, 1, d) for d in (2, 3, 4, 5, 8)]
    bars = pl.DataFrame(
        {
            "instrument": ["A"] * 5 + ["B"] * 3, "session": days + days[:3],
            "close": [10.0, 11, 99, 12, 15, 10, 20, 40], "factor": [1.0] * 5 + [1, 1, 0.5],
            "volume": [1.0, 1, 0, 1, 1] + [1.0] * 3, "halted": [False] * 5 + [True, False, False],
        }
    )  # fmt: skip
    yardstick = make_yardstick(bars, sessions=days)
    nan = np.nan
    assert yardstick.members.tolist() == [[1, 0], [1, 1], [0, 1], [1, 0], [1, 0]]
    # A: no trade on the 4th, so the 3rd buys nothing, and a sale on the 4th is at the close of the 3rd
    # B: halted on the 2nd; gone after the 4th, so nobody can buy after the signal of the 4th
    assert yardstick.label(1) == pytest.approx(
        np.array([[0, nan], [nan, 0], [nan] * 2, [nan] * 2, [nan] * 2]), nan_ok=True
    )
    assert yardstick.label(2)[:2] == pytest.approx(np.array([[12 / 11 - 1, nan], [nan, 0]]), nan_ok=True)
    assert yardstick.later_return(2)[:2] == pytest.approx(np.array([[12 / 11 - 1, nan], [nan, 0]]), nan_ok=True)
    assert yardstick.counts == {
        "rows": 8, "members": 6, "halted": 3, "locked": 0, "no_close_after": 1, "evaluated": 2,
    }  # fmt: skip


def test_label_locked_name_is_dropped_unless_kept(sample) -> None:
    kept = make_yardstick(sample.bars, sessions=sample.sessions, keep_locked=True)
    dropped = make_yardstick(sample.bars, sessions=sample.sessions)
    changed = np.argwhere(kept.bought & ~dropped.bought)
    assert {tuple(cell) for cell in changed.tolist()} <= {(9, 7), (10, 7), (11, 7)}
    assert dropped.counts["locked"] == len(changed) > 0


def test_members_are_those_of_the_session_and_no_others(sample) -> None:
    spells = pl.DataFrame(
        {"instrument": ["000.US", "001.US"], "start": [sample.sessions[0], sample.sessions[50]],
         "end": [sample.sessions[40], None]}
    )  # fmt: skip
    yardstick = make_yardstick(
        sample.bars, sessions=sample.sessions, spells=spells, start=sample.sessions[30], end=sample.sessions[59]
    )
    assert yardstick.layout.instruments == ("000.US", "001.US")
    assert yardstick.layout.sessions == tuple(sample.sessions[30:60])
    assert yardstick.later == tuple(sample.sessions[60:])
    assert not yardstick.members[11:, 0].any()
    assert not yardstick.members[:20, 1].any()
    assert yardstick.members[:11, 0].any()
    assert yardstick.members[20:, 1].any()
    assert np.isfinite(yardstick.label(30)[29, 1])  # the label looks beyond the last signal


def test_label_of_a_span_is_that_of_the_whole(sample) -> None:
    whole = make_yardstick(sample.bars, sessions=sample.sessions)
    part = make_yardstick(sample.bars, sessions=sample.sessions, start=sample.sessions[60], end=sample.sessions[90])
    assert np.array_equal(part.label(5), whole.label(5)[60:91], equal_nan=True)


def test_yardstick_nothing_in_the_span_is_refused(sample) -> None:
    with pytest.raises(InsufficientDataError, match="no session between 2030-01-01"):
        make_yardstick(sample.bars, sessions=sample.sessions, start=date(2030, 1, 1))
    nobody = pl.DataFrame({"instrument": ["000.US"], "start": [date(2030, 1, 1)], "end": [None]})
    with pytest.raises(InsufficientDataError, match="no member"):
        make_yardstick(sample.bars, sessions=sample.sessions, spells=nobody)
    with pytest.raises(InvalidInputError, match="horizon"):
        make_yardstick(sample.bars, sessions=sample.sessions, horizon=0)


def test_lay_spells_dated_groups_change_on_their_day() -> None:
    days = tuple(date(2024, 1, d) for d in (2, 3, 4, 5))
    spells = pl.DataFrame(
        {"instrument": ["A", "A", "B", "C"], "start": [date(2000, 1, 1), days[2], None, days[0]],
         "end": [days[1], None, days[2], None], "industry": ["Banks", "Steel", "Steel", None]}
    )  # fmt: skip
    codes, names = lay_spells(spells, Layout(days, ("A", "B", "C")), "industry")
    assert names == ("Banks", "Steel")
    assert codes.T.tolist() == [[0, 0, 1, 1], [1, 1, 1, -1], [-1] * 4]
