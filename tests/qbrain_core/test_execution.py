from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from qbrain_core.errors import InvalidInputError
from qbrain_core.execution import Costs, Panel, Simulation, build_panel, simulate
from qbrain_core.execution.panel import order_sizes
from qbrain_core.markets import MARKETS
from qbrain_core.specs import ExecutionSpec, StrategySpec

CN, US = MARKETS["CN"], MARKETS["US"]
FREE = ExecutionSpec(commission_bps=0, min_commission=0, stamp_duty_bps=0, slippage_bps=0)
DAYS = [date(2024, 3, 4) + timedelta(days=i) for i in range(5)]
ONE = StrategySpec(topk=1, n_drop=0, risk_degree=1.0)
SWAP = StrategySpec(topk=1, n_drop=1, risk_degree=1.0)

Bar = Mapping[str, object]


def bars(**instruments: Sequence[Bar | float | None]) -> pl.DataFrame:
    # one value per day: a price, a bar's own fields over a price of 10, or None for no bar
    rows = []
    for name, days in instruments.items():
        for session, given in zip(DAYS, days, strict=False):
            if given is None:
                continue
            bar = {"close": given} if isinstance(given, float) else dict(given)
            price = bar.get("close", 10.0)
            rows.append(
                {"instrument": name.replace("_", "."), "session": session, "open": price, "high": price, "low": price,
                 "close": price, "volume": 1e6, "factor": 1.0, "halted": False, "limit_up": None, "limit_down": None}
                | bar
            )  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"limit_up": pl.Float64, "limit_down": pl.Float64, "close": pl.Float64})


def trade(
    frame: pl.DataFrame, scores: Sequence[Sequence[float]], *, strategy: StrategySpec = ONE,
    execution: ExecutionSpec = FREE, cash: float = 10_500.0, market: object = CN,
) -> Simulation:  # fmt: skip
    panel = build_panel(frame, DAYS[: len(scores)], market=market)  # type: ignore[arg-type]
    costs = Costs.of(execution, market)  # type: ignore[arg-type]
    return simulate(panel, np.array(scores, dtype=float), strategy=strategy, costs=costs, cash=cash)


def refusals(result: Simulation) -> list[tuple[str, str, str, float]]:
    frame = result.rejection_frame()
    return list(frame.select("side", "reason", "phase", "shares").iter_rows())


def fills(result: Simulation) -> list[tuple[date, str, str, str, float, float]]:
    return list(result.fill_frame().select("session", "side", "reason", "phase", "shares", "price").iter_rows())


def test_score_of_a_session_trades_at_the_next_open() -> None:
    frame = bars(A_SH=[10.0, {"open": 10.2, "close": 11.0}, 12.0])
    result = trade(frame, [[1.0], [1.0], [1.0]])
    # 10,500 at yesterday's close of 10 is 1,050 shares: ten lots, paid at today's open
    assert fills(result) == [(DAYS[1], "buy", "enter", "open", 1000.0, 10.2)]
    assert result.cash.tolist() == [10_500.0, 300.0, 300.0]
    assert result.equity.tolist() == [10_500.0, 11_300.0, 12_300.0]


def test_score_of_the_last_session_trades_nothing() -> None:
    result = trade(bars(A_SH=[10.0, 10.0]), [[np.nan], [1.0]])
    assert not result.fills
    assert not result.rejections


def test_buy_opening_at_the_upper_limit_is_rejected() -> None:
    frame = bars(A_SH=[10.0, {"close": 11.0, "limit_up": 11.0, "limit_down": 9.0}])
    result = trade(frame, [[1.0], [1.0]])
    assert refusals(result) == [("buy", "limit_up", "open", 1000.0)]
    assert result.rejections[0].price == 11.0


def test_buy_opening_at_the_lower_limit_is_filled() -> None:
    frame = bars(A_SH=[10.0, {"close": 9.0, "limit_up": 11.0, "limit_down": 9.0}])
    assert len(trade(frame, [[1.0], [1.0]]).fills) == 1


def test_sale_opening_at_the_lower_limit_is_rejected_and_tried_again() -> None:
    locked = {"close": 9.0, "limit_up": 11.0, "limit_down": 9.0}
    frame = bars(A_SH=[10.0, 10.0, locked, 9.5], B_SH=[10.0, 10.0, 10.0, 10.0])
    result = trade(frame, [[2.0, 1.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], strategy=SWAP)
    # the sale fails, so its replacement finds no cash
    assert refusals(result) == [("sell", "limit_down", "open", 1000.0), ("buy", "cash", "open", 1000.0)]
    assert [f[:3] for f in fills(result)] == [
        (DAYS[1], "buy", "enter"), (DAYS[3], "sell", "drop"), (DAYS[3], "buy", "enter"),
    ]  # fmt: skip


@pytest.mark.parametrize("bar", [{"halted": True}, {"volume": 0.0}])
def test_order_in_a_halt_is_rejected(bar: Bar) -> None:
    assert refusals(trade(bars(A_SH=[10.0, bar]), [[1.0], [1.0]])) == [("buy", "halt", "open", 1000.0)]


@pytest.mark.parametrize("missing", [None, {"open": None}])
def test_order_without_a_bar_is_rejected(missing: Bar | None) -> None:
    frame = bars(A_SH=[10.0, missing, 10.0], B_SH=[10.0, 10.0, 10.0])
    assert refusals(trade(frame, [[1.0, 0.0]] * 2))[0] == ("buy", "no_bar", "open", 1000.0)


def test_slot_below_one_lot_is_rejected() -> None:
    result = trade(bars(A_SH=[150.0, 150.0]), [[1.0], [1.0]])
    assert refusals(result) == [("buy", "lot", "open", 70.0)]
    assert "smallest order is 100" in result.rejections[0].detail


def test_cash_that_does_not_suffice_fills_whole_lots_and_books_the_rest() -> None:
    result = trade(bars(A_SH=[10.0, {"open": 11.3, "close": 11.3}]), [[1.0], [1.0]])
    assert [(f.order_id, f.shares) for f in result.fills] == [(1, 900.0)]
    assert [(r.order_id, r.reason, r.shares) for r in result.rejections] == [(1, "cash", 100.0)]


def test_stop_reached_in_the_entry_session_waits_for_settlement() -> None:
    frame = bars(A_SH=[10.0, {"open": 10.0, "low": 8.9, "close": 9.5}, {"open": 9.6, "low": 9.3, "close": 9.4}])
    stopped = ONE.model_copy(update={"stop_loss": 0.1})
    result = trade(frame, [[1.0]] * 3, strategy=stopped)
    assert refusals(result) == [("sell", "t_plus_1", "intraday", 1000.0)]
    assert fills(result)[1] == (DAYS[2], "sell", "stop", "open", 1000.0, 9.6)


def test_stop_reached_in_the_entry_session_sells_where_settlement_is_immediate() -> None:
    frame = bars(A_US=[10.0, {"open": 10.0, "low": 8.9, "close": 9.5}])
    stopped = ONE.model_copy(update={"stop_loss": 0.1})
    result = trade(frame, [[1.0]] * 2, strategy=stopped, market=US, cash=10_501.0)
    assert fills(result)[1] == (DAYS[1], "sell", "stop", "intraday", 1050.0, 9.0)


def test_stop_reached_later_sells_at_the_stop() -> None:
    frame = bars(A_SH=[10.0, 10.0, {"open": 9.5, "low": 8.8, "close": 8.9}])
    result = trade(frame, [[1.0]] * 3, strategy=ONE.model_copy(update={"stop_loss": 0.1}))
    assert fills(result)[1] == (DAYS[2], "sell", "stop", "intraday", 1000.0, 9.0)


def test_open_below_the_stop_sells_at_the_open() -> None:
    frame = bars(A_SH=[10.0, 10.0, {"open": 8.5, "low": 8.4, "close": 8.9}])
    result = trade(frame, [[1.0]] * 3, strategy=ONE.model_copy(update={"stop_loss": 0.1}))
    assert fills(result)[1] == (DAYS[2], "sell", "stop", "open", 1000.0, 8.5)


def test_stop_locked_at_the_lower_limit_is_not_filled_until_it_opens_higher() -> None:
    locked = {"open": 9.0, "high": 9.0, "low": 9.0, "close": 9.0, "limit_up": 11.0, "limit_down": 9.0}
    frame = bars(A_SH=[10.0, 10.0, locked, 9.4, 9.4])
    result = trade(frame, [[1.0]] * 4, strategy=ONE.model_copy(update={"stop_loss": 0.1}))
    assert refusals(result) == [("sell", "limit_down", "open", 1000.0)]
    assert fills(result)[1] == (DAYS[3], "sell", "stop", "open", 1000.0, 9.4)


def test_stop_that_stands_at_the_lower_limit_is_not_filled_in_the_session() -> None:
    touched = {"open": 9.8, "low": 9.0, "close": 9.1, "limit_up": 11.0, "limit_down": 9.0}
    result = trade(bars(A_SH=[10.0, 10.0, touched]), [[1.0]] * 3, strategy=ONE.model_copy(update={"stop_loss": 0.1}))
    assert refusals(result) == [("sell", "limit_down", "intraday", 1000.0)]


def test_ex_dividend_fall_does_not_set_off_the_stop() -> None:
    after = {"open": 5.0, "low": 4.9, "close": 5.0, "factor": 2.0}
    result = trade(bars(A_SH=[10.0, 10.0, after]), [[1.0]] * 3, strategy=ONE.model_copy(update={"stop_loss": 0.1}))
    assert len(result.fills) == 1
    assert result.equity[-1] == pytest.approx(10_500.0)


def test_split_between_decision_and_open_buys_whole_lots_of_the_new_shares() -> None:
    after = {"open": 5.0, "close": 5.0, "factor": 2.0}
    result = trade(bars(A_SH=[10.0, after]), [[1.0]] * 2, cash=10_501.0)
    assert fills(result) == [(DAYS[1], "buy", "enter", "open", 2100.0, 5.0)]
    assert result.fills[0].units == 1050.0


def test_instrument_without_further_bars_is_paid_out_at_its_last_close() -> None:
    frame = bars(A_SH=[10.0, 10.0, 8.0, None, None], B_SH=[10.0] * 5)
    result = trade(frame, [[1.0, np.nan]] * 2 + [[np.nan, np.nan]] * 3)
    assert fills(result)[1] == (DAYS[3], "sell", "delisted", "open", 1000.0, 8.0)
    assert result.cash[-1] == pytest.approx(8500.0)


def test_instrument_with_bars_after_the_end_is_not_paid_out() -> None:
    frame = bars(A_SH=[10.0, 10.0, None, None, 9.0], B_SH=[10.0] * 5)
    result = trade(frame, [[1.0, np.nan]] * 4)
    assert [f.reason for f in result.fills] == ["enter"]
    # a gap is not a halt: the position keeps its last price
    assert result.equity[-1] == pytest.approx(10_500.0)


def test_halted_copy_of_an_old_price_does_not_move_the_value() -> None:
    frame = bars(A_SH=[10.0, 10.0, {"close": 10.0, "factor": 2.0, "halted": True}, {"close": 5.0, "factor": 2.0}])
    result = trade(frame, [[1.0]] * 4)
    assert result.equity.tolist() == [10_500.0] * 4


def test_minimum_commission_duty_and_slippage_are_charged() -> None:
    execution = ExecutionSpec(slippage_bps=10)
    frame = bars(A_SH=[10.0] * 3, B_SH=[10.0] * 3)
    result = trade(frame, [[2.0, 1.0], [1.0, 2.0], [1.0, 2.0]], strategy=SWAP, execution=execution, cash=11_000.0)
    bought, sold, _ = result.fill_frame().to_dicts()
    assert (bought["price"], bought["fees"], bought["slippage"]) == pytest.approx((10.01, 5.0, 10.0))
    # 2.5 bps of 9,990 is below the minimum of 5; duty was 5 bps in 2024
    assert (sold["price"], sold["fees"]) == pytest.approx((9.99, 5.0 + 9990 * 5e-4))


def test_slippage_does_not_push_a_price_beyond_the_limit() -> None:
    frame = bars(A_SH=[10.0, {"open": 10.98, "close": 10.9, "limit_up": 11.0, "limit_down": 9.0}])
    result = trade(frame, [[1.0]] * 2, execution=ExecutionSpec(slippage_bps=100, commission_bps=0, min_commission=0))
    assert result.fills[0].price == 11.0


def test_sale_never_costs_more_than_it_brings() -> None:
    costs = Costs.of(ExecutionSpec(min_commission=50.0), CN)
    rate, fixed = costs.terms(20.0, sell=True, session=DAYS[0])
    assert 20.0 * rate + fixed == 20.0


def test_duty_is_the_rate_of_the_session() -> None:
    costs = Costs.of(ExecutionSpec(), CN)
    assert costs.duty_rate(date(2023, 8, 25)) == pytest.approx(0.001)
    assert costs.duty_rate(date(2023, 8, 28)) == pytest.approx(0.0005)
    assert Costs.of(ExecutionSpec(stamp_duty_bps=3), CN).duty_rate(DAYS[0]) == pytest.approx(0.0003)


@pytest.mark.parametrize(
    ("instrument", "sizes"),
    [("600519.SH", (100, 100)), ("688981.SH", (1, 200)), ("830799.BJ", (1, 100)), ("300750.SZ", (100, 100))],
)
def test_order_sizes_follow_the_board(instrument: str, sizes: tuple[int, int]) -> None:
    assert order_sizes(instrument, CN, 100) == sizes


def test_panel_of_one_session_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="sessions"):
        build_panel(bars(A_SH=[10.0]), DAYS[:1], market=CN)


def test_panel_of_repeated_bars_is_refused() -> None:
    frame = bars(A_SH=[10.0, 10.0])
    with pytest.raises(InvalidInputError, match="one bar per session"):
        build_panel(pl.concat([frame, frame]), DAYS[:2], market=CN)


def test_scores_of_another_shape_are_refused() -> None:
    panel: Panel = build_panel(bars(A_SH=[10.0, 10.0]), DAYS[:2], market=CN)
    with pytest.raises(InvalidInputError, match="shape"):
        simulate(panel, np.ones((3, 1)), strategy=ONE, costs=Costs.of(FREE, CN), cash=1.0)
