from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.drawdowns import drawdown, max_drawdown, max_drawdown_sessions, worst_drawdowns


def curve(returns: list[float], *, start: date = date(2024, 1, 30)) -> pl.DataFrame:
    return pl.DataFrame(
        {"session": [start + timedelta(days=i) for i in range(len(returns))], "net_return": returns},
        schema={"session": pl.Date, "net_return": pl.Float64},
    )


def test_drawdown_counts_a_loss_in_the_first_session() -> None:
    assert drawdown([-0.1, 0.05]).tolist() == pytest.approx([-0.1, -0.055])


@pytest.mark.parametrize(
    ("returns", "sessions"),
    [
        ([0.1, 0.1], 0),
        ([0.0, -0.1, 0.2, -0.01, -0.01, -0.01], 1),
        ([0.1, -0.1, 0.05, 0.2, -0.02], 2),
        ([-0.01, 0.1, -0.2, 0.01, 0.01], 3),
        ([-0.2, 0.1, 0.01], 3),
    ],
)
def test_max_drawdown_sessions_counts_the_deepest_one(returns: list[float], sessions: int) -> None:
    assert max_drawdown_sessions(returns) == sessions


def test_no_sessions_have_no_drawdown() -> None:
    assert max_drawdown([]) == 0
    assert max_drawdown_sessions([]) == 0


def test_worst_drawdowns_lists_start_trough_and_recovery() -> None:
    rows = worst_drawdowns(curve([0.0, -0.1, -0.1, 0.4, -0.05])).rows()
    assert rows == [
        (date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2), pytest.approx(-0.19), 2),
        (date(2024, 2, 3), date(2024, 2, 3), None, pytest.approx(-0.05), 1),
    ]
    assert worst_drawdowns(curve([])).is_empty()


@given(st.lists(st.floats(-0.5, 0.5), max_size=60))
def test_worst_drawdowns_first_row_is_the_deepest(returns: list[float]) -> None:
    worst = worst_drawdowns(curve(returns), n=1)
    assert (worst["depth"][0] if worst.height else 0) == pytest.approx(max_drawdown(returns))
    if worst.height:
        assert worst["sessions"].max() >= 1
        lengths = worst_drawdowns(curve(returns), n=100).filter(pl.col("depth") == worst["depth"][0])["sessions"]
        assert max_drawdown_sessions(returns) in lengths
