"""Price limits against the rule books and against prices that really traded."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.adjust import factor_from_reference
from qbrain_core.limits import limit_bound, price_limits, reference_price
from qbrain_core.markets import MARKETS
from qbrain_core.symbols import to_instrument

CN = MARKETS["CN"]


def bars(instrument: str, first: date, closes: list[float], **extra: list[object]) -> pl.DataFrame:
    days = [first + timedelta(days=i) for i in range(len(closes))]
    frame = {"instrument": [instrument] * len(closes), "session": days, "close": closes, "factor": [1.0] * len(closes)}
    return pl.DataFrame(frame | extra)


@pytest.mark.parametrize(
    ("reference", "percent", "bound"),
    [(1.05, 10, 1.16), (10.0, 10, 11.0), (19.34, -10, 17.41), (9.95, 10, 10.95), (3.05, 5, 3.2), (57.38, 20, 68.86),
     (0.97, -5, 0.92), (12.25, -10, 11.03)],
)  # fmt: skip
def test_limit_bound_rounds_half_up_to_the_tick(reference: float, percent: int, bound: float) -> None:
    assert limit_bound(reference, percent, 0.01) == bound


@given(st.integers(1, 10**7), st.sampled_from([5, 10, 20, 30, 44, -5, -10, -20, -30, -36]))
def test_limit_bound_is_exact_in_decimal_arithmetic(ticks: int, percent: int) -> None:
    whole = (ticks * (100 + percent) * 2 + 100) // 200  # half up, in integers
    assert limit_bound(ticks / 100, percent, 0.01) == whole / 100


@pytest.mark.parametrize(
    ("instrument", "session", "special", "percent"),
    [
        ("600519.SH", date(2024, 1, 2), False, 10), ("000001.SZ", date(2024, 1, 2), False, 10),
        ("600518.SH", date(2024, 1, 2), True, 5), ("688981.SH", date(2024, 1, 2), False, 20),
        ("689009.SH", date(2024, 1, 2), False, 20), ("300750.SZ", date(2024, 1, 2), False, 20),
        ("300750.SZ", date(2020, 8, 20), False, 10), ("301001.SZ", date(2024, 1, 2), True, 20),
        ("430047.BJ", date(2024, 1, 2), False, 30),
    ],
)  # fmt: skip
def test_boards_have_their_own_limits(instrument: str, session: date, special: bool, percent: int) -> None:
    old = pl.DataFrame({"instrument": [instrument], "listed": [date(2010, 1, 1)]})
    frame = bars(instrument, session, [10.0, 10.0], special_treatment=[special] * 2)
    last = price_limits(frame, CN, listings=old).row(1)
    assert last == (limit_bound(10.0, percent, 0.01), limit_bound(10.0, -percent, 0.01))


def test_the_chinext_reform_took_effect_on_2020_08_24() -> None:
    old = pl.DataFrame({"instrument": ["300750.SZ"], "listed": [date(2018, 6, 11)]})
    limits = price_limits(bars("300750.SZ", date(2020, 8, 22), [10.0, 10.0, 10.0]), CN, listings=old)
    assert limits["limit_up"].to_list() == [None, 11.0, 12.0]


def test_new_listings_are_free_for_five_sessions_where_the_rule_says_so() -> None:
    frame = bars("688001.SH", date(2023, 6, 1), [10.0] * 7, preclose=[9.0, *[10.0] * 6])
    fresh = pl.DataFrame({"instrument": ["688001.SH"], "listed": [date(2023, 6, 1)]})
    assert price_limits(frame, CN, listings=fresh)["limit_up"].to_list() == [None] * 5 + [12.0, 12.0]
    main = frame.with_columns(instrument=pl.lit("601001.SH"))
    assert price_limits(main, CN, listings=fresh.with_columns(instrument=pl.lit("601001.SH")))["limit_up"][5] == 11.0


def test_an_old_main_board_listing_was_bounded_by_its_issue_price() -> None:
    frame = bars("601001.SH", date(2021, 6, 1), [14.4, 15.84], preclose=[10.0, 14.4])
    fresh = pl.DataFrame({"instrument": ["601001.SH"], "listed": [date(2021, 6, 1)]})
    assert price_limits(frame, CN, listings=fresh).rows() == [(14.4, 6.4), (15.84, 12.96)]


def test_without_listings_an_instrument_that_starts_later_is_new() -> None:
    frame = pl.concat(
        [bars("600000.SH", date(2023, 6, 1), [10.0] * 9), bars("600001.SH", date(2023, 6, 3), [10.0] * 7)]
    )
    limits = price_limits(frame, CN)["limit_up"].to_list()
    assert limits[:2] == [None, 11.0]  # no reference price on the very first row
    assert limits[9:] == [None] * 5 + [11.0, 11.0]


def test_reference_price_follows_the_factor_on_an_ex_date() -> None:
    frame = bars("600000.SH", date(2023, 6, 1), [10.0, 5.0]).with_columns(factor=pl.Series([1.0, 2.0]))
    assert reference_price(frame).to_list() == [None, 5.0]
    told = frame.with_columns(preclose=pl.Series([None, 4.98]))
    assert reference_price(told).to_list() == [None, 4.98]


def test_a_price_outside_the_bounds_proves_that_there_were_none() -> None:
    frame = bars("000792.SZ", date(2021, 8, 9), [8.84, 35.9], high=[8.84, 43.9], low=[8.84, 32.41])
    assert price_limits(frame, CN).row(1) == (None, None)


def test_markets_without_limits_have_none() -> None:
    frame = bars("AAPL.US", date(2024, 1, 2), [10.0] * 3)
    assert price_limits(frame, MARKETS["US"]).rows() == [(None, None)] * 3


@pytest.mark.real
def test_no_real_price_of_300_a_shares_left_its_limits(real_data: Path) -> None:
    raw = pl.read_parquet(real_data / "cn_daily" / "csi300_daily_raw.parquet")
    codes = {c: to_instrument(c, "CN") for c in raw["code"].unique()}
    frame = raw.select(
        pl.col("code").replace_strict(codes).alias("instrument"), pl.col("date").alias("session"),
        "open", "close", "preclose", "tradestatus", special_treatment=pl.col("isST") == 1, top="high", bottom="low",
    ).sort("instrument", "session")  # fmt: skip
    frame = frame.with_columns(factor_from_reference(frame))
    # high and low are withheld, so that they cannot excuse a wrong bound
    seen = frame.with_columns(price_limits(frame, CN)).filter(pl.col("tradestatus") == 1)
    outside = seen.filter(
        (pl.col("top") > pl.col("limit_up") + 1e-6) | (pl.col("bottom") < pl.col("limit_down") - 1e-6)
    )
    # 000792 was listed again on 2021-08-10 and had no limit that day
    assert outside.select("instrument", "session").rows() == [("000792.SZ", date(2021, 8, 10))]
    touched = seen.filter((pl.col("close") - pl.col("limit_up")).abs() < 1e-6).height
    assert touched > 2000
