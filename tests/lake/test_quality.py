"""Checks as data: each refuses what it names and nothing else."""

from datetime import date

import polars as pl
import pytest

from lake.quality import (
    BAR_ERRORS,
    BAR_WARNINGS,
    EXAMPLES,
    INSTRUMENT_ERRORS,
    UNIVERSE_ERRORS,
    conflicting_duplicate,
    examine,
    missing_sessions,
    off_calendar,
    take_repeats,
    unknown_columns,
    warn,
)
from qbrain_core.markets import MARKETS

GOOD = {
    "row": 1, "instrument": "A.US", "symbol": "A", "session": date(2024, 1, 2), "open": 10.0, "high": 11.0, "low": 9.0,
    "close": 10.5, "volume": 100.0, "amount": None, "halted": False, "unreadable": False,
}  # fmt: skip
TYPES = {"instrument": pl.String, "session": pl.Date, "volume": pl.Float64, "amount": pl.Float64} | dict.fromkeys(
    ("open", "high", "low", "close"), pl.Float64
)


def rows(*changes: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([GOOD | {"row": i + 1} | c for i, c in enumerate(changes)], schema_overrides=TYPES)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"session": None}, "unreadable_session"), ({"instrument": None}, "unknown_instrument"),
        ({"unreadable": True}, "unreadable_value"), ({"close": None}, "null_price"),
        ({"open": 0.0}, "price_not_positive"), ({"low": -1.0}, "price_not_positive"),
        ({"high": 10.4}, "ohlc_order"), ({"low": 10.2}, "ohlc_order"),
        ({"high": 8.0}, "ohlc_order"), ({"volume": -1.0}, "negative_volume"), ({"amount": -1.0}, "negative_volume"),
        ({"session": None, "close": None}, "unreadable_session"),
    ],
)  # fmt: skip
def test_a_broken_row_is_refused_for_its_first_reason(change: dict[str, object], check: str) -> None:
    good, refused, findings = examine(rows({}, change), BAR_ERRORS)
    assert good["row"].to_list() == [1]
    assert refused.rows() == [(2, check)]
    assert [(f.check, f.severity, f.rows) for f in findings] == [(check, "error", 1)]
    assert findings[0].examples[0]["row"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"volume": None}, {"volume": 0.0}, {"open": 11.0, "close": 9.0}, {"high": 10.5 * (1 - 1e-7)},
        {"halted": True, "open": None, "high": None, "low": None, "close": None},
    ],
)  # fmt: skip
def test_what_may_be_is_let_in(change: dict[str, object]) -> None:
    good, refused, findings = examine(rows({}, change), BAR_ERRORS)
    assert (good.height, refused.height, findings) == (2, 0, [])


def test_repeats_are_dropped_and_contradictions_refused() -> None:
    other = {"session": date(2024, 1, 3)}
    frame = rows({}, {}, other, other | {"close": 10.6}, other, {"instrument": "B.US"})
    kept, repeats = take_repeats(frame)
    assert kept["row"].to_list() == [1, 3, 4, 6]
    assert [(f.check, f.severity, f.rows) for f in repeats] == [("repeated_row", "warning", 2)]
    good, refused, findings = examine(kept, [conflicting_duplicate("instrument", "session")])
    assert good["row"].to_list() == [1, 6]
    assert refused.rows() == [(3, "conflicting_duplicate"), (4, "conflicting_duplicate")]
    assert findings[0].examples[0]["close"] == 10.5


def test_examples_are_few_and_json() -> None:
    _, _, findings = examine(rows(*[{"close": None}] * 9), BAR_ERRORS)
    assert findings[0].rows == 9
    assert len(findings[0].examples) == EXAMPLES
    assert findings[0].examples[0]["session"] == "2024-01-02"


def test_warnings() -> None:
    frame = rows({}, {"session": date(2024, 1, 3), "volume": 0.0, "close": 16.0}).with_columns(
        factor=pl.lit(1.0), bounded=pl.lit(False), doubled=pl.lit(False), uncovered=pl.lit(True),
    )  # fmt: skip
    assert [(f.check, f.rows) for f in warn(frame, BAR_WARNINGS)] == [
        ("zero_volume", 1),
        ("large_move", 1),
        ("no_factor", 1),
    ]
    adjusted = frame.with_columns(factor=pl.Series([1.0, 0.65]))
    assert "large_move" not in [f.check for f in warn(adjusted, BAR_WARNINGS)]
    bounded = frame.with_columns(bounded=pl.lit(True), close=pl.Series([10.0, 13.0]))
    assert "large_move" in [f.check for f in warn(bounded, BAR_WARNINGS)]


def test_days_off_and_days_missing() -> None:
    days = [date(2024, 1, 12), date(2024, 1, 13), date(2024, 1, 16), date(2024, 1, 19)]
    frame = rows(*[{"session": d} for d in days])
    found = off_calendar(frame, MARKETS["US"])
    assert [(f.check, f.rows, f.examples[0]["session"]) for f in found] == [("off_calendar", 1, "2024-01-13")]
    gaps = missing_sessions(frame, MARKETS["US"])
    assert [(f.check, f.rows) for f in gaps] == [("missing_session", 2)]
    assert gaps[0].examples == [{"instrument": "A.US", "session": "2024-01-19", "missing": 2}]
    assert off_calendar(frame.clear(), MARKETS["US"]) == []
    assert missing_sessions(frame.head(1), MARKETS["US"]) == []


def test_unknown_columns_are_named() -> None:
    assert unknown_columns([], 5) == []
    assert unknown_columns(["turn"], 5)[0].examples == [{"column": "turn"}]


def test_instruments_and_memberships() -> None:
    frame = pl.DataFrame(
        {
            "row": [1, 2, 3],
            "instrument": ["A.US", None, "C.US"],
            "unreadable": [False, False, False],
            "kind": ["etf", "etf", "fund"],
        }
    )
    assert examine(frame, INSTRUMENT_ERRORS)[1].rows() == [(2, "unknown_instrument"), (3, "unknown_kind")]
    spells = frame.drop("kind").with_columns(
        start=pl.Series([date(2024, 1, 2), date(2024, 1, 2), date(2024, 1, 2)]),
        end=pl.Series([None, None, date(2023, 1, 1)]),
    )
    assert examine(spells, UNIVERSE_ERRORS)[1].rows() == [(2, "unknown_instrument"), (3, "end_before_start")]
