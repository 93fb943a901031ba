"""Factors: steps only at corporate actions, whatever noise the source has."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.adjust import (
    ROUNDING_STEP,
    apply_adjustment,
    contradicted_steps,
    double_bookings,
    factor_from_adjusted_close,
    factor_from_changes,
    factor_from_reference,
    resample,
    snap_factor,
)
from qbrain_core.errors import InvalidInputError


def frame(instrument: str = "A.US", n: int = 4, **columns: list[object]) -> pl.DataFrame:
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(n)]
    return pl.DataFrame({"instrument": [instrument] * n, "session": days, **columns})


def steps(factor: pl.Series) -> list[int]:
    values = factor.to_list()
    return [i for i in range(1, len(values)) if values[i] != values[i - 1]]


def test_snap_factor_starts_at_one_and_drops_rounding() -> None:
    raw = frame(raw=[2.0, 2.0 * (1 + 1e-7), 2.0 * (1 - 1e-7), 2.2])
    factor = snap_factor(raw, "raw")
    assert factor[0] == factor[1] == factor[2] == 1.0
    assert factor[3] == pytest.approx(1.1, rel=1e-6)


def test_snap_factor_fills_what_is_unknown() -> None:
    raw = pl.concat([frame(raw=[None, 2.0, float("nan"), 4.0]), frame("B.US", raw=[None, None, 0.0, -1.0])])
    assert snap_factor(raw, "raw").to_list() == [1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0]


@given(
    st.lists(st.tuples(st.floats(0.5, 3.0), st.integers(1, 8)), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 1e4),
)
def test_snap_factor_finds_exactly_the_steps_under_float32_noise(
    segments: list[tuple[float, int]], seed: int, scale: float
) -> None:
    ratios = [1.0] + [r if abs(r - 1) > 1e-4 else 1.01 for r, _ in segments[1:]]
    levels = np.cumprod(ratios)
    truth = np.repeat(levels, [n for _, n in segments])
    close = np.random.default_rng(seed).uniform(1, 500, len(truth)).astype(np.float32)
    adjusted = (close.astype(float) * truth * scale).astype(np.float32)
    raw = pl.DataFrame({"instrument": ["A"] * len(truth), "raw": adjusted.astype(float) / close.astype(float)})
    factor = snap_factor(raw, "raw")
    assert steps(factor) == steps(pl.Series(truth))
    assert np.allclose(factor.to_numpy(), truth / truth[0], rtol=ROUNDING_STEP)


def test_adjusted_close_normalised_at_the_last_bar() -> None:
    bars = frame(close=[100.0, 102.0, 99.0, 99.5], adj_close=[98.0, 99.96, 99.0, 99.5])
    assert factor_from_adjusted_close(bars).to_list() == pytest.approx([1.0, 1.0, 1 / 0.98, 1 / 0.98])


def test_a_spin_off_booked_twice_is_taken_out_once() -> None:
    # Danaher, 2016-07-05: the split of 1.319 is in the close, the dividend of 24.56 takes the same event out again
    bars = frame(
        n=3, close=[68.7712, 71.276596, 71.0], adj_close=[42.83, 69.05, 68.78],
        dividends=[0.0, 24.56, 0.0], splits=[0.0, 1.319, 0.0],
    )  # fmt: skip
    assert factor_from_adjusted_close(bars).to_list() == pytest.approx([1.0, 1.0, 1.0], abs=1e-4)
    raw = bars.with_columns(snap_factor(bars.with_columns(raw=pl.col("adj_close") / pl.col("close")), "raw"))
    assert double_bookings(raw).to_list() == [False, True, False]
    assert not double_bookings(raw.drop("splits")).any()


def test_a_special_dividend_that_moved_the_price_is_kept() -> None:
    # Keurig Dr Pepper, 2018-07-10: 103.75 paid, and the close fell from 123.66 to 22.19
    bars = frame(n=2, close=[123.66, 22.19], adj_close=[19.91, 22.19], dividends=[0.0, 103.75], splits=[0.0, 0.0])
    assert factor_from_adjusted_close(bars)[1] == pytest.approx(123.66 / 19.91)


def test_changes_are_carried_forward() -> None:
    bars = pl.concat([frame("A.US"), frame("B.US")])
    changes = pl.DataFrame(
        {
            "instrument": ["A.US", "A.US", "A.US"], "session": [date(2024, 1, 3), date(2020, 1, 1), date(2024, 1, 4)],
            "factor": [6.0, 3.0, 7.5],
        }
    )  # fmt: skip
    assert factor_from_changes(bars, changes).to_list() == [1.0, 1.0, 2.0, 2.5, None, None, None, None]


def test_a_step_the_exchange_knew_nothing_of_is_left_out() -> None:
    changes = pl.DataFrame(
        {"instrument": ["A.US"] * 3, "session": [date(2024, 1, d) for d in (1, 2, 4)], "factor": [1.0, 0.8, 1.6]}
    )
    bars = frame(close=[10.0, 10.5, 10.4, 5.2], preclose=[10.0, 10.0, 10.5, 5.2])
    assert factor_from_changes(bars, changes).to_list() == [1.0, 1.0, 1.0, 2.0]
    believed = bars.with_columns(factor_from_changes(bars.drop("preclose"), changes))
    assert contradicted_steps(believed).to_list() == [False, True, False, False]


def test_reference_price_gives_the_step() -> None:
    bars = frame(close=[10.0, 10.5, 5.2, 5.3], preclose=[9.9, 10.0, 5.25, 5.2])
    assert factor_from_reference(bars).to_list() == [1.0, 1.0, 2.0, 2.0]


def test_adjustment_modes() -> None:
    bars = frame(
        open=[10.0, 10.0, 5.0, 5.0], close=[10.0, 12.0, 6.0, 7.0], volume=[1.0] * 4, factor=[1.0, 1.0, 2.0, 2.0]
    )
    assert apply_adjustment(bars, "none").equals(bars)
    assert apply_adjustment(bars, "backward")["close"].to_list() == [10.0, 12.0, 12.0, 14.0]
    forward = apply_adjustment(bars, "forward")
    assert forward["close"].to_list() == [5.0, 6.0, 6.0, 7.0]
    assert forward["volume"].to_list() == [1.0] * 4
    earlier = apply_adjustment(bars, "forward", as_of_session=date(2024, 1, 2))
    assert earlier["close"].to_list() == [10.0, 12.0, 12.0, 14.0]
    before_listing = apply_adjustment(bars, "forward", as_of_session=date(2020, 1, 1))
    assert before_listing["close"][0] == 10.0
    with pytest.raises(InvalidInputError, match="none, forward, backward"):
        apply_adjustment(bars, "both")  # type: ignore[arg-type]


def test_resample_weeks_and_months() -> None:
    bars = frame(
        n=9, open=[1.0, 2, 3, 4, 5, 6, 7, 8, 9], high=[2.0, 9, 4, 5, 6, 7, 8, 9, 20], low=[0.5, 2, 3, 4, 5, 6, 7, 8, 9],
        close=[1.5, 2, 3, 4, 5, 6, 7, 8, 10], volume=[1.0] * 9, amount=[None] * 9, factor=[1.0] * 9,
        halted=[True] + [False] * 8,
    ).cast({"amount": pl.Float64})  # fmt: skip
    weeks = resample(bars, "week")
    assert weeks["session"].to_list() == [date(2024, 1, 7), date(2024, 1, 9)]  # 2024-01-01 is a Monday
    assert weeks.row(0, named=True)["open"] == 2.0  # the halted session counts for nothing
    assert weeks.row(0, named=True)["high"] == 9.0
    assert weeks["volume"].to_list() == [7.0, 2.0]
    assert weeks["amount"].to_list() == [None, None]
    months = resample(bars.drop("amount"), "month")
    assert months.select("open", "high", "low", "close").rows() == [(2.0, 20.0, 2.0, 10.0)]
    assert resample(bars, "day").equals(bars)
    with pytest.raises(InvalidInputError, match="day, week or month"):
        resample(bars, "year")  # type: ignore[arg-type]


def test_a_period_halted_throughout_keeps_its_prices() -> None:
    bars = frame(n=2, open=[3.0, 3], high=[3.0, 3], low=[3.0, 3], close=[3.0, 3], volume=[0.0, 0], halted=[True, True])
    assert resample(bars, "month").select("open", "close", "halted").rows() == [(3.0, 3.0, True)]


@pytest.mark.real
def test_real_us_factors_step_at_dividends_only(real_data: Path) -> None:
    bars = (
        pl.read_parquet(real_data / "us_daily_10y" / "us_daily_10y.parquet")
        .rename({"symbol": "instrument", "date": "session", "stock_splits": "splits"})
        .sort("instrument", "session")
    )
    bars = bars.with_columns(factor_from_adjusted_close(bars))
    step = pl.col("factor") != pl.col("factor").shift(1).over("instrument")
    stepped = bars.filter(step.fill_null(False))
    # 15,443 dividends, 8 of them on a first bar, AMCR 2017-09-01 without effect, DHR 2016-07-05 booked twice
    assert stepped.height == 15_433
    assert (stepped["dividends"] > 0).all()
    assert bars.group_by("instrument").first()["factor"].eq(1.0).all()
    ours = (pl.col("close") * pl.col("factor")).pct_change().over("instrument")
    theirs = pl.col("adj_close").pct_change().over("instrument")
    off = bars.with_columns(gap=(ours - theirs).abs()).filter(pl.col("gap") > 3e-6)
    assert off.select("instrument", "session").rows() == [("DHR", date(2016, 7, 5))]


@pytest.mark.real
def test_real_a_share_factors_agree_with_the_exchange(real_data: Path) -> None:
    folder = real_data / "cn_daily"
    columns = {"code": "instrument", "date": "session"}
    bars = pl.read_parquet(folder / "csi300_daily_raw.parquet").rename(columns).sort("instrument", "session")
    changes = pl.read_parquet(folder / "adj_factor_changes.parquet").rename(columns)
    bars = bars.with_columns(factor_from_changes(bars, changes), reference=factor_from_reference(bars))
    known = bars.filter(pl.col("factor").is_not_null())
    assert bars.height - known.height == 1273  # sh.601989, merged away
    gap = (known["factor"] / known["reference"] - 1).abs()
    assert gap.max() < 1e-5
    daily = (pl.col("close") * pl.col("factor")).pct_change().over("instrument")
    exchange = pl.col("close") / pl.col("preclose") - 1
    assert known.select((daily - exchange).abs().max()).item() < 3e-6
