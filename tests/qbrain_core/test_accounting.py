"""Books against books: vectorbt, the loop's own accounts, and a replay of the fills in plain Python."""

import dataclasses
import math
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qbrain_core.accounting import TOLERANCE, AccountingError, account
from qbrain_core.backtest import BacktestResult, replay_scores
from qbrain_core.execution import Costs, Simulation, build_panel, simulate
from qbrain_core.markets import MARKETS
from qbrain_core.specs import ExecutionSpec, StrategySpec

CN = MARKETS["CN"]
CASH = 1_000_000.0
STRATEGY = StrategySpec(topk=10, n_drop=3, stop_loss=0.06)


@pytest.fixture(scope="module")
def bars(cn_bars: pl.DataFrame) -> pl.DataFrame:
    # 60 names over 2024, with halts, ex-rights, limit moves and the turmoil of early October
    names = cn_bars["instrument"].unique().sort().gather_every(5)
    inside = (pl.col("session") >= date(2023, 12, 28)) & (pl.col("session") <= date(2024, 12, 31))
    return cn_bars.filter(pl.col("instrument").is_in(names.to_list()) & inside)


@pytest.fixture(scope="module")
def scores(bars: pl.DataFrame) -> pl.DataFrame:
    return score(bars, seed=11)


def score(bars: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    noise = np.random.default_rng(seed).normal(size=bars.height)
    return bars.select("instrument", "session", score=pl.Series(noise))


def sessions_of(bars: pl.DataFrame) -> list[date]:
    return bars["session"].unique().sort().to_list()


def replay(bars: pl.DataFrame, scores: pl.DataFrame, **changes: Any) -> BacktestResult:
    fields = {
        "sessions": sessions_of(bars), "market": CN, "strategy": STRATEGY, "execution": ExecutionSpec(), "cash": CASH,
    }  # fmt: skip
    return replay_scores(bars, scores, **(fields | changes))


def replay_in_plain_python(bars: pl.DataFrame, fills: pl.DataFrame, cash: float) -> dict[date, tuple[float, float]]:
    # (cash, equity) at each close, from the ledger and the stored bars only
    worth: dict[str, float] = {}
    units: dict[str, float] = {}
    by_session: dict[date, list[dict[str, Any]]] = {}
    for fill in fills.sort("order_id").to_dicts():
        by_session.setdefault(fill["session"], []).append(fill)
    books = {}
    days = bars.sort("session").partition_by("session", as_dict=True, maintain_order=True)
    for (session,), day in days.items():
        for fill in by_session.get(session, []):
            size = fill["shares"] / fill["factor"]
            if fill["side"] == "buy":
                cash -= fill["shares"] * fill["price"] + fill["fees"]
                units[fill["instrument"]] = units.get(fill["instrument"], 0.0) + size
            else:
                cash += fill["shares"] * fill["price"] - fill["fees"]
                units[fill["instrument"]] -= size
        for bar in day.to_dicts():
            if not bar["halted"] and bar["volume"] != 0:
                worth[bar["instrument"]] = bar["close"] * bar["factor"]
        books[session] = (cash, cash + math.fsum(size * worth[name] for name, size in units.items()))
    return books


@pytest.mark.parametrize("seed", [1, 2])
def test_account_real_bars_agree_with_a_plain_replay_of_the_fills(bars: pl.DataFrame, seed: int) -> None:
    result = replay(bars, score(bars, seed=seed))
    books = replay_in_plain_python(bars, result.fills, CASH)
    assert result.fills.height > 500
    assert {"enter", "drop", "stop"} <= set(result.fills["reason"])
    for row in result.equity.to_dicts():
        cash, equity = books[row["session"]]
        assert abs(row["cash"] - cash) <= 1e-9 * equity
        assert abs(row["equity"] - equity) <= 1e-9 * equity
        assert abs(row["cash"] + row["positions_value"] - row["equity"]) <= 1e-9 * equity


def test_account_real_bars_positions_add_up(bars: pl.DataFrame, scores: pl.DataFrame) -> None:
    result = replay(bars, scores)
    held = result.positions.group_by("session").agg(
        pl.col("value").sum(),
        n=pl.len(),
        priced=(pl.col("shares") * pl.col("price")).sum(),
        weight=pl.col("weight").sum(),
    )
    both = result.equity.join(held, on="session", how="left").fill_null(0)
    for column, other in (("positions_value", "value"), ("positions_value", "priced")):
        assert ((both[column] - both[other]).abs() <= 1e-9 * both["equity"]).all()
    assert (both["n_positions"] == both["n"]).all()
    assert ((both["weight"] + both["cash"] / both["equity"] - 1).abs() <= 1e-9).all()


def test_account_real_bars_fees_and_slippage_are_the_fills_own(bars: pl.DataFrame, scores: pl.DataFrame) -> None:
    result = replay(bars, scores)
    for column in ("fees", "slippage"):
        assert result.equity[column].sum() == pytest.approx(result.fills[column].sum(), rel=1e-12)
    costs = result.equity.select(pl.col("gross_return") - pl.col("net_return")).to_series()
    before = result.equity["equity"].shift(1).fill_null(CASH)
    assert ((costs * before - result.equity["fees"] - result.equity["slippage"]).abs() < 1e-6).all()
    # 2.5 bps a side with 5 CNY at least, and 5 bps on sells
    rows = result.fills.with_columns(
        owed=pl.max_horizontal(pl.col("value") * 2.5e-4, 5.0)
        + pl.when(pl.col("side") == "sell").then(pl.col("value") * 5e-4).otherwise(0.0)
    )
    assert ((rows["fees"] - rows["owed"]).abs() < 1e-6).all()


def test_account_real_bars_buys_are_whole_lots(bars: pl.DataFrame, scores: pl.DataFrame) -> None:
    buys = replay(bars, scores).fills.filter(pl.col("side") == "buy")
    star = pl.col("instrument").str.starts_with("688")
    shares = buys.with_columns(off=(pl.col("shares") % pl.when(star).then(1.0).otherwise(100.0)))
    assert (shares["off"] == 0).all()
    assert buys.filter(star)["shares"].min() >= 200  # type: ignore[operator]


def test_replay_fills_obey_the_session_they_trade_in(bars: pl.DataFrame, scores: pl.DataFrame) -> None:
    result = replay(bars, scores, execution=ExecutionSpec(slippage_bps=0))
    fills = result.fills.join(bars, on=["instrument", "session"], suffix="_bar")
    assert fills.height == result.fills.height
    assert not fills["halted"].any()
    at_open = fills.filter(pl.col("phase") == "open")
    assert ((at_open["price"] - at_open["open"]).abs() < 1e-9).all()
    assert (fills["price"] >= fills["low"] - 1e-9).all()
    assert (fills["price"] <= fills["high"] + 1e-9).all()
    assert (
        at_open.filter(side="buy").select(pl.col("open") < pl.col("limit_up") - 0.004).to_series().fill_null(True)
    ).all()
    assert (
        fills.filter(side="sell").select(pl.col("price") > pl.col("limit_down") + 0.004).to_series().fill_null(True)
    ).all()
    bought = result.fills.filter(side="buy").select("instrument", "session")
    sold = result.fills.filter(side="sell").select("instrument", "session")
    assert bought.join(sold, on=["instrument", "session"]).is_empty()


def test_replay_shuffled_future_changes_nothing_before(bars: pl.DataFrame, scores: pl.DataFrame) -> None:
    cut = date(2024, 7, 31)
    later = pl.col("session") > cut
    values = [c for c in bars.columns if c not in ("instrument", "session", "factor", "market", "price_basis")]
    future = bars.filter(later)
    shuffled = pl.concat(
        [bars.filter(~later), future.with_columns(future.select(values).sample(fraction=1, shuffle=True, seed=3))]
    )
    wild = scores.with_columns(score=pl.when(later).then(-(pl.col("score") ** 3)).otherwise("score"))
    before, after = replay(bars, scores), replay(shuffled, wild)
    for name in ("equity", "positions", "fills", "rejections"):
        a, b = (getattr(r, name).filter(~later) for r in (before, after))
        assert a.equals(b), name
    assert not before.fills.equals(after.fills)


def test_replay_cut_off_future_changes_nothing_before(bars: pl.DataFrame, scores: pl.DataFrame) -> None:
    cut = date(2024, 7, 31)
    known = pl.col("session") <= cut
    whole, short = replay(bars, scores), replay(bars.filter(known), scores.filter(known))
    for name in ("equity", "positions", "fills", "rejections"):
        assert getattr(whole, name).filter(known).equals(getattr(short, name)), name


def test_replay_no_scores_is_refused(bars: pl.DataFrame, scores: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="none of them falls on a session"):
        replay(bars, scores.filter(pl.col("session") == date(2024, 12, 31)))


@pytest.fixture(scope="module")
def simulation(bars: pl.DataFrame, scores: pl.DataFrame) -> Simulation:
    panel = build_panel(bars, sessions_of(bars)[:40], market=CN)
    matrix = np.random.default_rng(5).normal(size=panel.mark.shape)
    return simulate(panel, matrix, strategy=STRATEGY, costs=Costs.of(ExecutionSpec(), CN), cash=CASH)


def tampered(simulation: Simulation, index: int, **changes: float) -> Simulation:
    fills = list(simulation.fills)
    fills[index] = dataclasses.replace(fills[index], **changes)
    return dataclasses.replace(simulation, fills=tuple(fills))


def test_account_penny_lost_in_a_fill_is_noticed(simulation: Simulation) -> None:
    wrong = tampered(simulation, 20, fee_fixed=simulation.fills[20].fee_fixed + 0.01)
    with pytest.raises(AccountingError, match=r"cash is .* in the other on 2024"):
        account(wrong, cash=CASH)


def test_account_broken_lot_is_noticed(simulation: Simulation) -> None:
    buy = next(i for i, f in enumerate(simulation.fills) if f.side == "buy" and simulation.panel.lot[f.column] == 100)
    with pytest.raises(AccountingError, match="refuses an order"):
        account(tampered(simulation, buy, units=simulation.fills[buy].units * 1.001), cash=CASH)


def test_account_selling_what_is_not_held_is_noticed(simulation: Simulation) -> None:
    twice = next(f for f in simulation.fills if f.side == "sell")
    again = dataclasses.replace(twice, row=twice.row + 1, order_id=10**6)
    with pytest.raises(AccountingError):
        account(dataclasses.replace(simulation, fills=(*simulation.fills, again)), cash=CASH)


def test_account_drifting_equity_is_noticed(simulation: Simulation) -> None:
    equity = simulation.equity.copy()
    equity[-1] *= 1 + 3 * TOLERANCE
    with pytest.raises(AccountingError, match="equity"):
        account(dataclasses.replace(simulation, equity=equity), cash=CASH)


def test_account_no_fills_keeps_the_cash(simulation: Simulation) -> None:
    flat = np.full(len(simulation.equity), CASH)
    idle = Simulation(simulation.panel, (), (), flat, flat)
    accounts = account(idle, cash=CASH)
    assert (accounts.equity["equity"] == CASH).all()
    assert accounts.positions.is_empty()
    assert accounts.positions.columns == ["session", "instrument", "shares", "price", "value", "weight"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    topk=st.integers(1, 25),
    stop=st.none() | st.floats(0.005, 0.3),
    slippage=st.floats(0, 300),
    least=st.floats(0, 200),
    cash=st.floats(2e4, 1e9),
)
def test_account_any_strategy_balances(
    bars: pl.DataFrame, seed: int, topk: int, stop: float | None, slippage: float, least: float, cash: float
) -> None:
    sessions = sessions_of(bars)[150:210]
    chosen = bars.filter(pl.col("session").is_in(sessions))
    result = replay(
        chosen, score(chosen, seed=seed), sessions=sessions, cash=cash,
        strategy=StrategySpec(topk=topk, n_drop=min(topk, 4), risk_degree=1.0, stop_loss=stop),
        execution=ExecutionSpec(slippage_bps=slippage, min_commission=least),
    )  # fmt: skip
    books = replay_in_plain_python(chosen, result.fills, cash)
    for row in result.equity.to_dicts():
        assert abs(row["equity"] - books[row["session"]][1]) <= 1e-9 * row["equity"]
        assert row["cash"] >= 0


def test_account_in_a_fresh_process_compiles_no_simulation(tmp_path: Path) -> None:
    program = """
import time
import numpy as np
from datetime import date, timedelta
from numba.core.dispatcher import Dispatcher
compiled = []
def note(kernel):
    if kernel.py_func.__module__.startswith("vectorbt"):
        compiled.append(kernel.py_func.__name__)
compile_ = Dispatcher.compile
Dispatcher.compile = lambda self, sig: note(self) or compile_(self, sig)
import polars as pl
from qbrain_core.backtest import replay_scores
from qbrain_core.markets import MARKETS
from qbrain_core.specs import ExecutionSpec, StrategySpec
import vectorbt.portfolio.base
days = [date(2024, 1, 1) + timedelta(days=i) for i in range(30)]
bars = pl.DataFrame([
    {"instrument": f"A{k}.US", "session": d, "open": 10.0 + k, "low": 9.0 + k, "close": 10.0 + k, "volume": 1.0,
     "factor": 1.0, "halted": False} for k in range(9) for d in days])
scores = bars.select("instrument", "session", score=pl.Series(np.random.default_rng(1).normal(size=bars.height)))
began = time.perf_counter()
replay_scores(bars, scores, sessions=days, market=MARKETS["US"], strategy=StrategySpec(topk=3, n_drop=1),
              execution=ExecutionSpec(), cash=1e6)
print(time.perf_counter() - began, *compiled)
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, *compiled = done.stdout.splitlines()[-1].split()
    # counting the columns of a group takes half a second; the simulation itself would take nineteen
    assert set(compiled) <= {"get_group_lens_nb"}
    assert float(seconds) < 10
