"""Rows are parted for their first reason, and nothing else happens to them."""

from datetime import date

import polars as pl
import pytest

from lake.quality import (
    EXAMPLES,
    Check,
    Surroundings,
    conflicting_duplicate,
    examine,
    incoming_errors,
    incoming_warnings,
    take_repeats,
    unknown_columns,
    warn,
)

GOOD = {
    "row": 1, "instrument": "A.US", "symbol": "A", "session": date(2024, 1, 2), "open": 10.0, "high": 11.0, "low": 9.0,
    "close": 10.5, "volume": 100.0, "amount": None, "halted": False, "unreadable": False, "damage": None,
}  # fmt: skip
TYPES = {"instrument": pl.String, "session": pl.Date, "volume": pl.Float64, "amount": pl.Float64, "damage": pl.String}
TYPES |= dict.fromkeys(("open", "high", "low", "close"), pl.Float64)


def rows(*changes: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([GOOD | {"row": i + 1} | c for i, c in enumerate(changes)], schema_overrides=TYPES)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"session": None}, "unreadable_session"), ({"instrument": None}, "unknown_instrument"),
        ({"unreadable": True}, "unreadable_value"), ({"close": None}, "null_price"),
        ({"open": float("nan")}, "null_price"), ({"open": 0.0}, "price_not_positive"),
        ({"low": -1.0}, "price_not_positive"), ({"high": 10.4}, "ohlc_order"), ({"low": 10.2}, "ohlc_order"),
        ({"high": 8.0}, "ohlc_order"), ({"volume": -1.0}, "negative_volume"), ({"amount": -1.0}, "negative_volume"),
        ({"session": None, "close": None}, "unreadable_session"),
        ({"session": None, "damage": "error_body"}, "error_body"), ({"close": 5.25}, "half_adjusted"),
    ],
)  # fmt: skip
def test_a_broken_row_is_refused_for_its_first_reason(change: dict[str, object], check: str) -> None:
    good, refused, findings = examine(rows({}, change), incoming_errors("bars"))
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
    frame = rows({}, change)
    good, refused, findings = examine(frame, incoming_errors("bars"))
    assert (refused.height, findings) == (0, [])
    assert good.equals(frame)


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


def test_examples_are_few_and_json_and_the_whole_is_summed_up() -> None:
    bad = [{"close": None, "session": date(2024, 1, d)} for d in range(2, 11)]
    _, _, findings = examine(rows(*bad), incoming_errors("bars"))
    assert findings[0].rows == 9
    assert len(findings[0].examples) == EXAMPLES
    assert findings[0].examples[0]["session"] == "2024-01-02"
    assert (findings[0].instruments, findings[0].session_from) == (1, date(2024, 1, 2))
    assert findings[0].session_to == date(2024, 1, 10)


def test_a_function_refuses_rows_like_an_expression() -> None:
    cheap = Check("cheap", "error", ("bars",), "Cheap.", lambda frame, _: frame.filter(pl.col("close") < 10))
    dear = Check("dear", "error", ("bars",), "Dear.", pl.col("close") < 11)
    good, refused, findings = examine(rows({}, {"close": 9.5}, {"close": 12.0}), [cheap, dear], Surroundings())
    assert (good["row"].to_list(), sorted(refused.rows())) == ([3], [(1, "dear"), (2, "cheap")])
    assert [(f.check, f.rows) for f in findings] == [("cheap", 1), ("dear", 1)]


def test_checks_whose_columns_are_missing_are_left_out() -> None:
    frame = rows({}).drop("damage", "unreadable", "halted", "amount")
    assert examine(frame, incoming_errors("bars"))[2] == []
    assert warn(frame, incoming_warnings("bars")) == []
    assert warn(frame.clear(), incoming_warnings("bars")) == []


def test_unknown_columns_are_named() -> None:
    assert unknown_columns([], 5) == []
    assert unknown_columns(["turn"], 5)[0].examples == [{"column": "turn"}]
