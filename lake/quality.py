"""Checks of incoming rows, as data: what is looked for, how bad it is, and how it is recognised.

Rows that break an error are taken out and say why; warnings are told and let pass. No check changes a value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from qbrain_core.markets import Market
from qbrain_core.sessions import trading_sessions

__all__ = [
    "BAR_ERRORS",
    "BAR_WARNINGS",
    "EXAMPLES",
    "INSTRUMENT_ERRORS",
    "UNIVERSE_ERRORS",
    "Check",
    "Finding",
    "Severity",
    "conflicting_duplicate",
    "examine",
    "missing_sessions",
    "off_calendar",
    "take_repeats",
    "unknown_columns",
    "warn",
]

Severity = Literal["error", "warning"]

EXAMPLES = 5
"""Rows shown with a finding."""

_SLACK = 2.5e-7  # relative; two steps of a float32, which many sources keep prices in
_LARGE_MOVE, _LARGE_MOVE_BOUNDED = 0.5, 0.25
_OHLC = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Check:
    """Something that can be wrong with a row.

    Attributes
    ----------
    name : str
        Stands in findings and in the quarantine.
    sentence : str
        What it means.
    breaks : Expr
        True where the row has it; null counts as false.
    shown : tuple of str
        Columns shown in examples beside instrument and session.
    needs : tuple of str
        Columns without which it is not looked for.
    """

    name: str
    sentence: str
    breaks: pl.Expr
    shown: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A check that found something: how many rows, and up to `EXAMPLES` of them as JSON values."""

    check: str
    severity: Severity
    rows: int
    examples: list[dict[str, Any]]


def _any(names: Iterable[str], condition: str, *args: object) -> pl.Expr:
    return pl.any_horizontal(getattr(pl.col(n), condition)(*args) for n in names)


_TRADED = ~pl.col("halted")

BAR_ERRORS = (
    Check("unreadable_session", "The date is missing or not a date.", pl.col("session").is_null()),
    Check("unknown_instrument", "The symbol is missing or none of this market.", pl.col("instrument").is_null()),
    Check("unreadable_value", "A value is not of its column's type.", pl.col("unreadable")),
    Check("null_price", "A price is missing and the session was not halted.", _TRADED & _any(_OHLC, "is_null"), _OHLC),
    Check("price_not_positive", "A price is zero or negative.", _TRADED & _any(_OHLC, "le", 0), _OHLC),
    Check(
        "ohlc_order", "High or low does not contain open and close.",
        (pl.col("high") < pl.max_horizontal("open", "close", "low") * (1 - _SLACK))
        | (pl.col("low") > pl.min_horizontal("open", "close", "high") * (1 + _SLACK)),
        _OHLC,
    ),
    Check(
        "negative_volume", "Volume or amount is negative.", _any(("volume", "amount"), "lt", 0), ("volume", "amount"),
    ),
)  # fmt: skip
"""Errors of a bar, the first that applies is the row's reason. Expect booleans halted and unreadable."""

INSTRUMENT_ERRORS = (
    Check("unknown_instrument", "The symbol is missing or none of this market.", pl.col("instrument").is_null()),
    Check("unreadable_value", "A value is not of its column's type.", pl.col("unreadable")),
    Check("unknown_kind", "The kind is not stock, etf or index.", ~pl.col("kind").is_in(["stock", "etf", "index"]),
          ("kind",), ("kind",)),
)  # fmt: skip
"""Errors of an instrument; expect a boolean unreadable."""

UNIVERSE_ERRORS = (
    *INSTRUMENT_ERRORS[:2],
    Check("null_date", "The date the membership starts is missing.", pl.col("start").is_null(), (), ("start",)),
    Check("null_date", "The date the membership was seen is missing.", pl.col("as_of").is_null(), (), ("as_of",)),
    Check(
        "end_before_start", "The membership ends before it starts.", pl.col("end") < pl.col("start"),
        ("start", "end"), ("start", "end"),
    ),
)  # fmt: skip
"""Errors of a membership; expect a boolean unreadable."""


def conflicting_duplicate(*key: str) -> Check:
    """Make the check for rows that agree in their key and in nothing else; take repeats out before.

    Parameters
    ----------
    *key : str

    Returns
    -------
    Check
    """
    sentence = f"The same {' and '.join(key)} occurs with different values; none of the rows is taken."
    return Check("conflicting_duplicate", sentence, pl.struct(key).is_duplicated(), ("close", "volume", "name"))


_MOVE = (pl.col("close") * pl.col("factor")).pct_change().over("instrument").abs()

BAR_WARNINGS = (
    Check("zero_volume", "No volume although the session was not halted.", _TRADED & (pl.col("volume") == 0),
          ("close", "volume")),
    Check("large_move", "The adjusted close moved further than news usually takes it.",
          pl.when("bounded").then(_LARGE_MOVE_BOUNDED).otherwise(_LARGE_MOVE) < _MOVE, ("close", "factor")),
    Check("double_booking", "A spin-off is in the prices as a split and in the adjusted close as a dividend; "
          "its factor step was left out.", pl.col("doubled"), ("close", "dividends", "splits"), ("doubled",)),
    Check("contradicted_factor", "The factor steps although the exchange's reference price is the last close; "
          "the step was left out.", pl.col("contradicted"), ("close", "preclose"), ("contradicted",)),
    Check("no_factor", "The adjustment table does not know the instrument; its factor is the reference price's, or 1.",
          pl.col("uncovered") & (pl.int_range(pl.len()).over("instrument") == 0), (), ("uncovered",)),
    Check("no_overlap", "The file shares no session with the stored bars before it; a dividend or split on its first "
          "session is not in the factor.", pl.col("unanchored"), (), ("unanchored",)),
)  # fmt: skip
"""Warnings of bars sorted by instrument and session, with factor, halted and bounded (whether prices have limits)."""


def examine(frame: pl.DataFrame, checks: Sequence[Check]) -> tuple[pl.DataFrame, pl.DataFrame, list[Finding]]:
    """Part rows that break an error from those that do not.

    Parameters
    ----------
    frame : DataFrame
        Columns the checks need, and `row`.
    checks : sequence of Check
        In order of precedence.

    Returns
    -------
    good : DataFrame
        Rows that break nothing, in their order.
    refused : DataFrame, columns (row: u32, check: str)
        The others, with the first check they break.
    findings : list of Finding
        One per check that refused a row.
    """
    applicable = [c for c in checks if set(c.needs) <= set(frame.columns)]
    reason = pl.coalesce(pl.when(c.breaks.fill_null(False)).then(pl.lit(c.name)) for c in applicable)
    judged = frame.with_columns(reason.alias("check"))
    bad = judged.filter(pl.col("check").is_not_null())
    findings = []
    for check in applicable:
        rows = bad.filter(pl.col("check") == check.name)
        if rows.height:
            findings.append(_finding(check, "error", rows))
    return judged.filter(pl.col("check").is_null()).drop("check"), bad.select("row", "check"), findings


def warn(frame: pl.DataFrame, checks: Sequence[Check]) -> list[Finding]:
    """Look for what is odd and let it pass.

    Parameters
    ----------
    frame : DataFrame
    checks : sequence of Check

    Returns
    -------
    list of Finding
        One per check that found a row.
    """
    applicable = [c for c in checks if set(c.needs) <= set(frame.columns)]
    marks = frame.select(c.breaks.fill_null(False).alias(c.name) for c in applicable)
    return [
        _finding(check, "warning", frame.filter(marks[check.name])) for check in applicable if marks[check.name].any()
    ]


def take_repeats(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Keep one of rows that are the same in everything but their number.

    Parameters
    ----------
    frame : DataFrame
        With `row`.

    Returns
    -------
    DataFrame
        The first of each, in their order.
    list of Finding
        `repeated_row`, or nothing.
    """
    others = [c for c in frame.columns if c != "row"]
    kept = frame.unique(others, keep="first", maintain_order=True)
    if kept.height == frame.height:
        return frame, []
    dropped = frame.join(kept.select("row"), on="row", how="anti")
    check = Check("repeated_row", "The row occurs more than once.", pl.lit(True))
    return kept, [_finding(check, "warning", dropped)]


def off_calendar(frame: pl.DataFrame, market: Market) -> list[Finding]:
    """Look for rows on days that are no sessions of the market's calendar.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, session: date)
    market : Market

    Returns
    -------
    list of Finding
        `off_calendar`, or nothing; days outside the calendar's known span are not judged.
    """
    sessions = _calendar(frame, market)
    if sessions.is_empty():
        return []
    inside = pl.col("session").is_between(sessions[0], sessions[-1])
    strange = inside & ~pl.col("session").is_in(sessions.implode())
    return warn(frame, [Check("off_calendar", "The market was closed on that day.", strange)])


def missing_sessions(frame: pl.DataFrame, market: Market) -> list[Finding]:
    """Look for sessions that an instrument lacks between its first and last row.

    Parameters
    ----------
    frame : DataFrame, columns (instrument: str, session: date)
        Sorted by both.
    market : Market

    Returns
    -------
    list of Finding
        `missing_session`, or nothing; `rows` counts the sessions missing, an example is the row after a gap.
    """
    sessions = _calendar(frame, market)
    numbered = frame.select("instrument", "session").join(
        sessions.to_frame().with_row_index("number"), on="session", how="inner", maintain_order="left"
    )
    gap = pl.col("number").cast(pl.Int64).diff().over("instrument") - 1
    after = numbered.select("instrument", "session", missing=gap).filter(pl.col("missing") > 0)
    if after.is_empty():
        return []
    check = Check("missing_session", "Sessions of the calendar have no row.", pl.lit(True), ("missing",))
    found = _finding(check, "warning", after)
    return [Finding(found.check, found.severity, int(after["missing"].sum()), found.examples)]


def unknown_columns(names: Sequence[str], rows: int) -> list[Finding]:
    """Tell of columns that nothing was taken from.

    Parameters
    ----------
    names : sequence of str
    rows : int
        Rows of the file.

    Returns
    -------
    list of Finding
        `unknown_columns`, or nothing.
    """
    return [Finding("unknown_columns", "warning", rows, [{"column": n} for n in names])] if names else []


def _calendar(frame: pl.DataFrame, market: Market) -> pl.Series:
    if frame.is_empty():
        return pl.Series("session", [], dtype=pl.Date)
    return trading_sessions(market, frame["session"].min(), frame["session"].max())  # type: ignore[arg-type]


def _finding(check: Check, severity: Severity, rows: pl.DataFrame) -> Finding:
    shown = [c for c in ("row", "instrument", "symbol", "session", *check.shown) if c in rows.columns]
    examples = [
        {k: v if isinstance(v, int | float | str | bool | None) else str(v) for k, v in record.items()}
        for record in rows.head(EXAMPLES).select(shown).to_dicts()
    ]
    return Finding(check.name, severity, rows.height, examples)
