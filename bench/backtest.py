"""Top-50 drop-5 over 500 instruments and 800 sessions: ours against Qlib's own backtester, names held compared first.

    python bench/backtest.py

Prices are random walks, every order can be filled and costs nothing, so both hold the same names at every close or one
of them is wrong. Sizes differ by design: Qlib splits the day's cash among its purchases, ours takes a slot of equity.
"""

import multiprocessing
import tempfile
import time
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from exchange_calendars import get_calendar

from qbrain_core.backtest import replay_scores
from qbrain_core.markets import MARKETS
from qbrain_core.specs import ExecutionSpec, StrategySpec

INSTRUMENTS, SESSIONS, TOPK, DROP, CASH = 500, 800, 50, 5, 1e9

Held = dict[date, set[str]]


def make_bars() -> pl.DataFrame:
    """Random walks without halts; one row per instrument and session."""
    rng = np.random.default_rng(7)
    days = [d.date() for d in get_calendar("XNYS").sessions_in_range("2021-01-04", "2024-06-28")[:SESSIONS]]
    close = 50 * np.exp(np.cumsum(rng.normal(2e-4, 0.015, (INSTRUMENTS, SESSIONS)), axis=1))
    opened = close * np.exp(rng.normal(0, 0.005, close.shape))
    columns = {"open": opened, "high": np.maximum(opened, close), "low": np.minimum(opened, close), "close": close}
    names = [f"S{i:04d}.US" for i in range(INSTRUMENTS)]
    return pl.DataFrame(
        {"instrument": np.repeat(names, SESSIONS), "session": days * INSTRUMENTS}
        | {name: values.ravel() for name, values in columns.items()}
    ).with_columns(volume=1e6, factor=1.0, halted=False)


def run_ours(bars: pl.DataFrame, scores: pl.DataFrame) -> tuple[Held, float]:
    free = ExecutionSpec(commission_bps=0, min_commission=0, stamp_duty_bps=0, slippage_bps=0)
    # half the equity in slots leaves cash for every purchase
    strategy = StrategySpec(topk=TOPK, n_drop=DROP, risk_degree=0.5)
    days = bars["session"].unique().sort().to_list()
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        result = replay_scores(
            bars, scores, sessions=days, market=MARKETS["US"], strategy=strategy, execution=free, cash=CASH
        )
        best = min(best, time.perf_counter() - began)
    return {d: set(n) for d, n in result.positions.group_by("session").agg("instrument").iter_rows()}, best


def run_qlib(bars: pl.DataFrame, scores: pl.DataFrame) -> tuple[Held, float]:
    import pandas as pd
    import qlib
    from qlib.backtest import backtest
    from qlib.contrib.strategy import TopkDropoutStrategy
    from qlib.data.data import CalendarProvider, FeatureProvider, LocalInstrumentProvider

    days = [pd.Timestamp(d) for d in bars["session"].unique().sort()]
    changes = bars.with_columns(change=pl.col("close").pct_change().over("instrument"))
    fields = {
        name: {c: part[c].cast(pl.Float32).to_numpy() for c in ("open", "close", "volume", "factor", "change")}
        for (name,), part in changes.group_by("instrument", maintain_order=True)
    }

    class Calendar(CalendarProvider):  # type: ignore[misc]
        def load_calendar(self, freq: str, future: bool) -> Any:
            return days

    class Instruments(LocalInstrumentProvider):  # type: ignore[misc]
        def _load_instruments(self, market: str, freq: str) -> Any:
            return {name: [(days[0], days[-1])] for name in fields}

    class Features(FeatureProvider):  # type: ignore[misc]
        def feature(self, instrument: str, field: str, start_index: int, end_index: int, freq: str) -> Any:
            last = min(end_index, len(days) - 1)
            return pd.Series(
                fields[instrument][str(field)[1:]][start_index : last + 1], index=range(start_index, last + 1)
            )

    with tempfile.TemporaryDirectory() as folder:
        qlib.init(
            provider_uri=folder, calendar_provider={"class": Calendar}, instrument_provider={"class": Instruments},
            feature_provider={"class": Features}, kernels=1, skip_if_reg=False, logging_level=40, region="us",
        )  # fmt: skip
        signal = scores.to_pandas().assign(datetime=lambda f: pd.to_datetime(f["session"]))
        signal = signal.set_index(["datetime", "instrument"])["score"].sort_index()
        executor = {
            "class": "SimulatorExecutor", "module_path": "qlib.backtest.executor",
            "kwargs": {"time_per_step": "day", "generate_portfolio_metrics": True},
        }  # fmt: skip
        free = {
            "codes": list(fields), "deal_price": "open", "open_cost": 0, "close_cost": 0, "min_cost": 0,
            "limit_threshold": None, "trade_unit": None, "freq": "day",
        }  # fmt: skip
        began = time.perf_counter()
        portfolio, _ = backtest(
            start_time=days[1], end_time=days[-2], strategy=TopkDropoutStrategy(topk=TOPK, n_drop=DROP, signal=signal),
            executor=executor, benchmark=pd.Series(0.0, index=days), account=CASH, exchange_kwargs=free,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    positions = portfolio["1day"][1]
    return {d.date(): set(p.get_stock_list()) for d, p in positions.items() if p.get_stock_list()}, seconds


def main() -> None:
    bars = make_bars()
    noise = np.random.default_rng(8).normal(size=bars.height)
    scores = bars.select("instrument", "session", score=pl.Series(noise))
    ours, seconds = run_ours(bars, scores)
    # a process of its own: Qlib keeps its configuration for good, and polars threads do not survive a fork
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        theirs, qlib_seconds = pool.apply(run_qlib, (bars, scores))
    common = sorted(ours.keys() & theirs.keys())
    differing = [d for d in common if ours[d] != theirs[d]]
    print(f"names held at the close: {len(common) - len(differing)} of {len(common)} sessions equal")
    if differing or len(common) < SESSIONS - 3:
        raise SystemExit(f"the two disagree, first on {differing[0] if differing else 'missing sessions'}")
    print(f"ours {seconds:.2f} s (fills, rejections, books kept twice), Qlib {qlib_seconds:.2f} s")
    print(f"ratio {qlib_seconds / seconds:.1f}×")


if __name__ == "__main__":
    main()
