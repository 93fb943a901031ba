"""The demo market: the same every time, labelled as what it is, and awkward in every way a real one is."""

import time
from datetime import date

import numpy as np
import polars as pl
import pytest

from lake import Lake
from lake.demo import DEMO_BENCHMARK, DEMO_UNIVERSE, demo_market, has_demo, write_demo
from lake.rows import conform
from lake.tables import TABLES
from qbrain_core.adjust import factor_from_reference
from qbrain_core.errors import InvalidInputError
from qbrain_core.limits import price_limits
from qbrain_core.markets import MARKETS


@pytest.fixture(scope="module")
def market() -> dict[str, pl.DataFrame]:
    return demo_market()


@pytest.fixture(scope="module")
def stocks(market: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return market["bars"].filter(pl.col("instrument") != DEMO_BENCHMARK)


def test_every_frame_is_of_its_table(market: dict[str, pl.DataFrame]) -> None:
    for name, frame in market.items():
        assert conform(frame, TABLES[name]).columns == TABLES[name].schema.names
        assert not frame.is_empty()


def test_it_is_as_large_and_as_fast_as_promised() -> None:
    started = time.process_time()
    market = demo_market(seed=8)
    assert time.process_time() - started < 5
    sessions = market["bars"]["session"].unique()
    assert market["instruments"].filter(pl.col("kind") == "stock").height >= 300
    assert (sessions.max() - sessions.min()).days > 8 * 365 - 10  # type: ignore[operator, union-attr]


def test_the_same_seed_gives_the_same_market_to_the_bit(market: dict[str, pl.DataFrame]) -> None:
    again = demo_market()
    assert all(again[name].equals(frame) for name, frame in market.items())
    small = {"n_instruments": 40, "end": date(2021, 3, 1)}
    assert not demo_market(seed=8, **small)["bars"].equals(demo_market(seed=9, **small)["bars"])  # type: ignore[arg-type]


def test_every_name_says_that_it_is_synthetic(market: dict[str, pl.DataFrame]) -> None:
    names = market["instruments"]
    assert names["name_en"].str.contains("(Synthetic)", literal=True).all()
    assert names["name_zh"].str.contains("（合成）", literal=True).all()
    assert names["name_zh"].n_unique() == names["name_en"].n_unique() == names.height
    assert names["pinyin"].str.contains("^[A-Z0-9]+$").all()


def test_prices_are_sane(market: dict[str, pl.DataFrame]) -> None:
    bars = market["bars"]
    assert bars.filter(pl.col("high") < pl.max_horizontal("open", "close", "low")).is_empty()
    assert bars.filter(pl.col("low") > pl.min_horizontal("open", "close", "high")).is_empty()
    assert bars.filter((pl.col("low") <= 0) | pl.col("close").is_null()).is_empty()
    assert bars.select((pl.col("close") * 100 - (pl.col("close") * 100).round(0)).abs().max()).item() < 1e-6
    assert bars.filter(pl.col("halted") & (pl.col("volume") > 0)).is_empty()


def test_limits_are_those_of_the_rule(market: dict[str, pl.DataFrame], stocks: pl.DataFrame) -> None:
    listings = market["instruments"].select("instrument", "listed")
    rule = price_limits(stocks, MARKETS["DEMO"], listings=listings)
    first = stocks["session"].is_in([stocks["session"].min()])  # no close before it
    for side in ("limit_up", "limit_down"):
        both = pl.DataFrame({"told": stocks[side], "rule": rule[side], "first": first}).filter(~pl.col("first"))
        assert (both["told"].is_null() == both["rule"].is_null()).all()
        assert (both["told"] - both["rule"]).abs().max() < 0.0101  # the ex-right price is rounded to the tick
    assert stocks.filter((pl.col("high") > pl.col("limit_up")) | (pl.col("low") < pl.col("limit_down"))).is_empty()


def test_factors_step_at_the_corporate_actions(market: dict[str, pl.DataFrame], stocks: pl.DataFrame) -> None:
    assert stocks.group_by("instrument").first()["factor"].eq(1.0).all()
    step = pl.col("factor") / pl.col("factor").shift(1).over("instrument")
    stepped = stocks.with_columns(step=step).filter((pl.col("step") - 1).abs() > 1e-12)
    actions = market["corporate_actions"]
    assert stepped.join(actions, on=["instrument", "session"], how="anti").is_empty()
    assert set(actions["action"].unique()) == {"dividend", "split"}
    assert actions.select("instrument", "session").is_duplicated().sum() == 0


def test_everything_awkward_occurs(market: dict[str, pl.DataFrame], stocks: pl.DataFrame) -> None:
    traded = stocks.filter(~pl.col("halted"))
    assert 1000 < stocks.height - traded.height < 10_000
    assert traded.filter(pl.col("open") == pl.col("limit_up")).height > 500
    assert traded.filter(pl.col("open") == pl.col("limit_down")).height > 500
    assert traded.filter(pl.col("low") == pl.col("limit_up")).height > 50
    assert stocks["special_treatment"].sum() > 1000
    instruments = market["instruments"]
    assert instruments["listed"].count() >= 30
    assert instruments["delisted"].count() >= 10
    close = stocks.group_by("instrument").agg(pl.col("close").last())["close"]
    assert (close > 1000).sum() >= 1
    assert (close < 50).sum() >= 100


def test_casualties_stay_in_the_universe_until_they_leave(
    market: dict[str, pl.DataFrame], stocks: pl.DataFrame
) -> None:
    spells = market["universes"]
    assert spells["universe"].unique().to_list() == [DEMO_UNIVERSE]
    gone = market["instruments"].filter(pl.col("delisted").is_not_null())
    assert spells.join(gone, on="instrument", how="semi").height > 0
    days = stocks.group_by("instrument").agg(first=pl.col("session").min(), last=pl.col("session").max())
    inside = spells.join(days, on="instrument")
    assert (inside["start"] >= inside["first"]).all()
    assert (inside["end"].drop_nulls() <= inside.filter(pl.col("end").is_not_null())["last"]).all()
    assert inside.filter(pl.col("end").is_null())["last"].eq(stocks["session"].max()).all()  # type: ignore[arg-type]


def test_fundamentals_become_known_after_their_period(market: dict[str, pl.DataFrame]) -> None:
    reports = market["fundamentals"]
    assert (reports["known_at"] > reports["period_end"]).all()
    assert reports["period_end"].dt.month().unique().sort().to_list() == [3, 6, 9, 12]
    assert reports.select("instrument", "period_end").is_duplicated().sum() > 50  # amendments
    assert (reports["equity"] + reports["liabilities"] - reports["assets"]).abs().max() <= 2


def test_the_planted_signal_is_weak_and_there(stocks: pl.DataFrame) -> None:
    # the truth the models look for, as far as bars show it: ten-session losers and quiet names earn a little more
    adjusted = pl.col("close") * pl.col("factor")
    frame = stocks.with_columns(
        fall=(-(adjusted / adjusted.shift(10) - 1)).over("instrument"),
        quiet=(pl.col("volume").rolling_mean(60) / pl.col("volume").rolling_mean(5)).log().over("instrument"),
        earned=(adjusted.shift(-2) / adjusted.shift(-1) - 1).over("instrument"),
    ).filter(pl.col("fall").is_not_null() & pl.col("quiet").is_finite() & pl.col("earned").is_not_null())
    score = pl.col("fall").rank().over("session") + pl.col("quiet").rank().over("session")
    daily = frame.with_columns(score=score).group_by("session").agg(ic=pl.corr("score", "earned", method="spearman"))
    mean = daily["ic"].mean()
    assert isinstance(mean, float)
    assert 0.03 < mean < 0.08
    half = daily.sort("session")["ic"].to_numpy()
    assert np.nanmean(half[: len(half) // 2]) > 0.02
    assert np.nanmean(half[len(half) // 2 :]) > 0.02


def test_the_benchmark_is_the_mean_of_its_members(market: dict[str, pl.DataFrame], stocks: pl.DataFrame) -> None:
    index = market["bars"].filter(pl.col("instrument") == DEMO_BENCHMARK).sort("session")
    assert market["instruments"].filter(pl.col("instrument") == DEMO_BENCHMARK)["kind"].to_list() == ["index"]
    frame = stocks.with_columns(factor_from_reference(stocks.with_columns(preclose=pl.col("close"))).alias("unused"))
    adjusted = pl.col("close") * pl.col("factor")
    moves = frame.with_columns(move=(adjusted / adjusted.shift(1) - 1).over("instrument"))
    held = market["universes"].with_columns(pl.col("end").fill_null(date(9999, 1, 1)))
    inside = moves.join(held, on="instrument").filter(pl.col("session").is_between("start", "end"))
    mean = inside.group_by("session").agg(pl.col("move").mean()).sort("session")["move"].to_numpy()[1:]
    own = index["close"].pct_change().to_numpy()[1:]
    assert np.abs(mean - own).max() < 5e-4


def test_too_small_a_market_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="at least 40"):
        demo_market(n_instruments=10)
    with pytest.raises(InvalidInputError, match="750 sessions"):
        demo_market(end=date(2018, 6, 1))


def test_it_is_written_once(lake: Lake) -> None:
    assert not has_demo(lake)
    versions = write_demo(lake)
    assert has_demo(lake)
    assert write_demo(lake, job_id="again") == versions
    assert lake.members(DEMO_UNIVERSE, date(2024, 6, 3))
