"""Checks of bars: each finds its case and is silent beside it."""

import math
from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest
from check_case import assert_finds

from lake.quality import CHECKS, SUBJECTS, Surroundings
from qbrain_core.markets import MARKETS
from qbrain_core.sessions import trading_sessions

US, CN = MARKETS["US"], MARKETS["CN"]
SESSIONS = trading_sessions(US, date(2024, 1, 2), date(2024, 6, 28))


def bars(n: int = 40, instrument: str = "A.US", level: float = 100.0, **columns: object) -> pl.DataFrame:
    """Bars that are sound: a price that wanders, never twice the same."""
    close = [round(level * (1 + 0.02 * math.sin(0.7 * i + len(instrument))) + 0.01 * i, 2) for i in range(n)]
    frame = pl.DataFrame(
        {
            "instrument": instrument, "session": SESSIONS.head(n), "open": [c - 0.1 for c in close],
            "high": [c + 0.5 for c in close], "low": [c - 0.5 for c in close], "close": close,
            "volume": [1000.0 + i for i in range(n)], "amount": 1e5, "factor": 1.0, "halted": False,
            "price_basis": "raw",
        }
    )  # fmt: skip
    return frame.with_columns(**{k: pl.lit(v) if not isinstance(v, pl.Series) else v for k, v in columns.items()})


def at(frame: pl.DataFrame, row: int, **values: object) -> pl.DataFrame:
    """Change one row."""
    here = pl.int_range(pl.len()) == row
    return frame.with_columns(pl.when(here).then(pl.lit(v)).otherwise(k).alias(k) for k, v in values.items())


def since(frame: pl.DataFrame, row: int, ratio: float, *columns: str) -> pl.DataFrame:
    """Scale columns from one row on."""
    named = columns or ("open", "high", "low", "close")
    here = pl.int_range(pl.len()) >= row
    return frame.with_columns(pl.when(here).then(pl.col(c) * ratio).otherwise(c).alias(c) for c in named)


def market(n: int = 30) -> pl.DataFrame:
    """A market of n names."""
    return pl.concat([bars(20, f"N{i:02}.US", 50 + i) for i in range(n)])


def paid(frame: pl.DataFrame, row: int, dividend: float = 0.0, split: float = 0.0) -> pl.DataFrame:
    """Book an action."""
    here = pl.int_range(pl.len()) == row
    return frame.with_columns(
        dividends=pl.when(here).then(pl.lit(dividend)).otherwise(0.0),
        splits=pl.when(here).then(pl.lit(split)).otherwise(0.0),
    )


def copied(frame: pl.DataFrame) -> pl.DataFrame:
    """Let every name repeat its sixth session in its seventh."""
    number = pl.int_range(pl.len()).over("instrument")
    return frame.with_columns(
        pl.when(number == 6).then(pl.col(c).shift(1)).otherwise(c).alias(c)
        for c in ("open", "high", "low", "close", "volume")
    )


CHINESE = bars(20, "600000.SH", 10.0, limit_up=11.0, limit_down=9.0)
DIP = since(bars(), 20, 0.5)
Case = tuple[pl.DataFrame, pl.DataFrame, int]
CASES: dict[str, Case | Callable[[], Case]] = {
    "unreadable_session": (at(bars(), 3, session=None), bars(), 1),
    "unreadable_ts": (pl.DataFrame({"ts": [None]}), pl.DataFrame({"ts": [1]}), 1),
    "unknown_instrument": (at(bars(), 3, instrument=None), bars(), 1),
    "other_basis": (bars(3, other_basis=True), bars(3, other_basis=False), 3),
    "out_of_spell": (bars(3, out_of_spell=True), bars(3, out_of_spell=False), 3),
    "unreadable_value": (bars(3, unreadable=True), bars(3, unreadable=False), 3),
    "null_price": (at(bars(), 3, close=None), at(bars(), 3, close=None, halted=True), 1),
    "price_not_positive": (at(bars(), 3, low=0.0), bars(), 1),
    "half_adjusted": (at(bars(), 3, close=50.0), at(bars(), 3, close=99.0), 1),
    "partial_last_bar": (at(bars(), 39, open=90.0), at(bars(), 20, open=90.0), 1),
    "ohlc_order": (at(bars(), 3, high=90.0), bars(), 1),
    "negative_volume": (at(bars(), 3, volume=-1.0), bars(), 1),
    "zero_volume": (at(bars(), 3, volume=0.0), at(bars(), 3, volume=0.0, halted=True), 1),
    "no_volume": (bars(volume=0.0), at(bars(volume=0.0), 3, volume=1.0), 1),
    "stale_price": (
        bars(12).with_columns(pl.col(c).first() for c in ("open", "high", "low", "close", "volume")),
        pl.concat([bars(4).with_columns(pl.col("open", "high", "low", "close", "volume").first()), bars().slice(4)]),
        11,
    ),
    "market_copy": (copied(market()), market(), 30),
    "flat_bar": (at(bars(), 3, open=100.0, high=100.0, low=100.0, close=100.0), bars(), 1),
    "halted_row": (at(bars(), 3, halted=True), bars(), 1),
    "special_treatment": (bars(3, special_treatment=True), bars(3, special_treatment=False), 3),
    "large_move": (since(bars(), 20, 1.7), since(bars(), 20, 1.2), 1),
    "beyond_limit": (since(CHINESE, 10, 1.3), CHINESE, 1),
    "listing_move": (
        pl.concat([CHINESE, bars(19, "688001.SH", 30.0).tail(9)], how="diagonal").with_columns(
            preclose=pl.when(pl.col("instrument") == "688001.SH").then(pl.lit(15.0)).otherwise("close")
        ),
        pl.concat([CHINESE, bars(19, "688001.SH", 30.0).tail(9)], how="diagonal").with_columns(preclose="close"), 1,
    ),
    "unexplained_gap": (since(bars(), 20, 0.6), paid(since(bars(), 20, 0.6), 20, dividend=40.0), 1),
    "unadjusted_split": (DIP, paid(DIP, 20, split=2.0), 1),
    "frozen_adjustment": (
        DIP.with_columns(adj_close=pl.when(pl.int_range(pl.len()) < 5).then(pl.col("close") * 0.9).otherwise("close")),
        DIP.with_columns(adj_close=pl.col("close") * 0.9), 1,
    ),
    "double_booking": (
        since(paid(bars(), 20, dividend=30.0, split=1.4), 20, 1.4, "factor"), paid(bars(), 20, dividend=0.3), 1,
    ),
    "factor_jump": (
        since(paid(bars(), 5, dividend=1.0), 20, 1.5, "factor"), since(paid(bars(), 20, split=1.5), 20, 1.5, "factor"),
        1,
    ),
    "contradicted_factor": (bars(3, contradicted=True), bars(3, contradicted=False), 3),
    "no_factor": (bars(3, uncovered=True), bars(3, uncovered=False), 1),
    "no_overlap": (bars(3, unanchored=True), bars(3, unanchored=False), 3),
    "adjustment_formula": (
        since(paid(bars(adj_close=bars()["close"]), 20, dividend=9.0), 20, 1.3, "adj_close"),
        paid(bars(adj_close=bars()["close"]), 20), 1,
    ),
    "special_dividend": (paid(bars(), 20, dividend=30.0), paid(bars(), 20, dividend=1.0), 1),
    "reverse_split": (paid(bars(), 20, split=0.1), paid(bars(), 20, split=4.0), 1),
    "fractional_split": (paid(bars(), 20, split=1.319), paid(bars(), 20, split=1.5), 1),
    "ex_right": (
        bars().with_columns(preclose=pl.col("close").shift(1) * 0.98),
        bars().with_columns(preclose=pl.col("close").shift(1)), 39,
    ),
    "market_move": (
        pl.concat([since(bars(20, f"N{i:02}.US"), 10, 0.9) for i in range(25)]), market(25), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_check_finds_its_case_and_nothing_in_sound_bars(name: str) -> None:
    case = CASES[name]
    bad, good, count = case() if callable(case) else case
    around = Surroundings(
        CN if bad.schema.get("instrument") == pl.String and str(bad["instrument"][0]).endswith("SH") else US
    )
    assert_finds(name, bad, good, count, around)


def test_every_check_of_bars_has_a_case() -> None:
    assert set(CASES) == {c.name for subject in ("bars", "moves") for c in SUBJECTS[subject]}


def test_sound_bars_raise_no_alarm() -> None:
    frame, around = market(), Surroundings(US, now=__import__("datetime").datetime(2024, 1, 31))
    alarms = [
        c.name for subject in ("bars", "moves") for c in SUBJECTS[subject] if c.applies(frame) and c.find(frame,
        around).height
    ]  # fmt: skip
    assert alarms == []


def test_booked_actions_are_read_from_the_lake_where_the_rows_have_none() -> None:
    split = pl.DataFrame({"instrument": ["A.US"], "session": [SESSIONS[20]], "action": ["split"], "value": [2.0]})
    around = Surroundings(US).with_tables({"corporate_actions": split})
    assert CHECKS["unadjusted_split"].find(DIP, around).is_empty()
    assert CHECKS["unadjusted_split"].find(DIP, Surroundings(US)).height == 1


def test_indices_are_not_judged_for_splits_ticks_and_limits() -> None:
    kinds = pl.DataFrame({"instrument": ["A.US"], "kind": ["index"]})
    off_tick = DIP.with_columns(pl.col("close") * math.pi / 3)
    for around, frame in (
        (Surroundings(US).with_tables({"instruments": kinds}), off_tick),
        (Surroundings(US), off_tick.with_columns(kind=pl.lit("index"))),
    ):
        for name in ("unadjusted_split", "adjusted_prices"):
            assert CHECKS[name].find(off_tick, Surroundings(US)).height, name
            assert CHECKS[name].find(frame, around).is_empty(), name


def test_a_long_gap_in_time_is_no_stale_price() -> None:
    frame = bars(8).with_columns(pl.col("session") + timedelta(days=1))
    assert CHECKS["stale_price"].find(frame, Surroundings(US)).is_empty()
