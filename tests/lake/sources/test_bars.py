"""Bars: halts, which source of factors wins, and factors that go on where the stored ones end."""

from datetime import date, timedelta

import polars as pl
import pytest

from lake.sources.bars import adjust_bars, anchor, corporate_actions, limit_bars, with_halts
from qbrain_core.markets import MARKETS


def bars(n: int = 4, start: date = date(2024, 1, 1), **columns: list[object]) -> pl.DataFrame:
    days = [start + timedelta(days=i) for i in range(n)]
    return pl.DataFrame({"instrument": ["600000.SH"] * n, "session": days, **columns})


def test_halts_are_told_in_either_way() -> None:
    prices = {c: [1.0, 0.0, 0.0] for c in ("open", "high", "low", "close")}
    frame = with_halts(bars(3, **prices, volume=[5.0, None, 7.0], trading=[True, False, True]))
    assert frame["halted"].to_list() == [False, True, False]
    assert frame["close"].to_list() == [1.0, None, 0.0]  # a price of zero is only forgiven while halted
    assert frame["volume"].to_list() == [5.0, 0.0, 7.0]
    assert frame["amount"].to_list() == [None, None, None]
    assert with_halts(bars(2, **{c: [1.0, 1.0] for c in prices}, halted=[None, True]))["halted"].to_list() == [
        False,
        True,
    ]


def test_the_best_source_of_factors_wins() -> None:
    frame = bars(2, close=[10.0, 5.0], adj_close=[4.0, 4.0], preclose=[10.0, 2.0], factor=[3.0, 12.0])
    changes = pl.DataFrame({"instrument": ["600000.SH"], "session": [date(2024, 1, 2)], "factor": [1.0]})
    assert adjust_bars(frame)["factor"].to_list() == [1.0, 4.0]
    assert adjust_bars(frame.drop("factor"))["factor"].to_list() == [1.0, 2.0]
    assert adjust_bars(frame.drop("factor", "adj_close"))["factor"].to_list() == [1.0, 5.0]
    assert adjust_bars(frame.select("instrument", "session", "close"))["factor"].to_list() == [1.0, 1.0]
    assert adjust_bars(frame, changes=changes)["factor"].to_list() == [1.0, 1.0]


def test_an_instrument_the_table_of_changes_lacks_falls_back_to_the_reference_price() -> None:
    changes = pl.DataFrame({"instrument": ["OTHER"], "session": [date(2024, 1, 2)], "factor": [1.0]})
    frame = adjust_bars(bars(2, close=[10.0, 5.0], preclose=[10.0, 5.0]), changes=changes)
    assert frame["factor"].to_list() == [1.0, 2.0]
    assert frame["uncovered"].all()


def test_new_bars_go_on_where_the_stored_ones_end() -> None:
    stored = bars(2, factor=[1.0, 1.5])
    new = bars(3, start=date(2024, 1, 2), factor=[1.0, 1.0, 2.0], close=[1.0] * 3, row=[0, 1, 2])
    assert anchor(new, stored)["factor"].to_list() == [1.5, 1.5, 3.0]


def test_a_shared_session_counts_before_the_stored_bar_in_front() -> None:
    # the step of the second session is stored; the new bars begin on it and cannot know of it
    stored = bars(2, factor=[1.0, 1.5])
    new = bars(3, factor=[1.0, 1.0, 2.0], row=[None, 0, 1])
    anchored = anchor(new, stored)
    assert anchored["factor"].to_list() == [1.0, 1.5, 3.0]
    assert not anchored["unanchored"].any()
    apart = anchor(new, stored.head(1))
    assert apart["factor"].to_list() == [1.0, 1.0, 2.0]
    assert apart["unanchored"].to_list() == [False, True, False]


def test_rounding_does_not_rewrite_stored_factors() -> None:
    stored = bars(3, factor=[1.0, 1.25, 1.25])
    new = bars(3, factor=[1.0, 1.25 * (1 + 5e-7), 1.25 * 1.01], row=[0, 1, 2])
    assert anchor(new, stored)["factor"].to_list() == [1.0, 1.25, 1.25 * 1.01]


def test_only_stocks_have_limits() -> None:
    frame = bars(2, close=[10.0, 10.0], factor=[1.0, 1.0])
    listings = pl.DataFrame({"instrument": ["600000.SH"], "listed": [date(1999, 11, 10)]})
    both = [
        limit_bars(frame, MARKETS["CN"], stocks=pl.Series(s, dtype=pl.String), listings=listings)
        for s in (["600000.SH"], [])
    ]
    assert [b["limit_up"].to_list() for b in both] == [[None, 11.0], [None, None]]


def test_corporate_actions_are_what_the_columns_say_and_what_the_factor_shows() -> None:
    frame = bars(
        5, factor=[1.0, 1.02, 1.02, 1.1, 1.1], dividends=[0.0, 0.2, 0.0, 0.0, 0.0], splits=[0.0, 0.0, 2.0, 0.0, 1.0]
    )
    actions = corporate_actions(frame, price_basis="split_adjusted")
    assert actions["action"].to_list() == ["dividend", "split", "adjustment"]
    assert actions["value"].to_list() == [0.2, 2.0, pytest.approx(1.1 / 1.02)]
    assert actions["factor_step"].to_list() == [pytest.approx(1.02), 1.0, pytest.approx(1.1 / 1.02)]
    both = bars(2, factor=[1.0, 2.02], dividends=[0.0, 0.2], splits=[0.0, 2.0])
    assert corporate_actions(both, price_basis="raw")["factor_step"].to_list() == [pytest.approx(1.01), 2.0]
