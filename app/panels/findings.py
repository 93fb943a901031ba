"""What an ingest found wrong or odd in its file, as a table."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from app import figures, markup
from app.i18n import mark
from app.markup import Badge
from app.panels.facts import wide_table

__all__ = ["CHECKS", "findings_table"]

CHECKS = {
    "unreadable_session": mark("The date is missing or not a date."),
    "unknown_instrument": mark("The symbol is missing or none of this market."),
    "unreadable_value": mark("A value is not of its column's type."),
    "null_price": mark("A price is missing and the session was not halted."),
    "price_not_positive": mark("A price is zero or negative."),
    "ohlc_order": mark("High or low does not contain open and close."),
    "negative_volume": mark("Volume or amount is negative."),
    "unknown_kind": mark("The kind is not stock, etf or index."),
    "null_date": mark("A date of the membership is missing."),
    "end_before_start": mark("The membership ends before it starts."),
    "conflicting_duplicate": mark("The same key occurs with different values; none of the rows is taken."),
    "zero_volume": mark("No volume although the session was not halted."),
    "large_move": mark("The adjusted close moved further than news usually takes it."),
    "double_booking": mark("A spin-off is booked twice, as split and as dividend; its factor step was left out."),
    "contradicted_factor": mark("The factor steps against the exchange's reference price; the step was left out."),
    "no_factor": mark("The adjustment table does not know the instrument; its factor is the reference price's, or 1."),
    "missing_session": mark("The instrument has no bar on a session of its market."),
    "no_overlap": mark("The file overlaps no stored session; a factor step on its first session is not known."),
    "repeated_row": mark("The same row occurs more than once; one was taken."),
    "off_calendar": mark("The bar lies on a day that is no session of its market."),
    "unknown_columns": mark("The file has columns that no table knows."),
}
"""What each check of an ingest means."""

_TONES = {"error": ("red", mark("quarantined")), "warning": ("amber", mark("warning"))}
_EXAMPLES = 2


def findings_table(findings: Sequence[Mapping[str, Any]], t: Callable[..., str]) -> str:
    """Draw the findings, errors first.

    Parameters
    ----------
    findings : sequence of mapping
        {check, severity, rows, examples} of an ingest's result.
    t : callable
        Translator.

    Returns
    -------
    str
        HTML.
    """
    rows = []
    for found in sorted(findings, key=lambda f: (f["severity"] != "error", -f["rows"])):
        tone, word = _TONES.get(found["severity"], ("gray", found["severity"]))
        shown = "<br>".join(_example(example) for example in found["examples"][:_EXAMPLES])
        meaning = t(CHECKS[found["check"]]) if found["check"] in CHECKS else found["check"]
        rows.append(
            [
                f"{escape(meaning)}<br><code>{escape(found['check'])}</code>",
                markup.badge(Badge(t(word), tone)), figures.count(found["rows"]), f"<small>{shown}</small>",
            ]
        )  # fmt: skip
    return wide_table([t("Finding"), t("Severity"), t("Rows"), t("Examples")], rows, right=(2,))


def _example(example: Mapping[str, Any]) -> str:
    place = " · ".join(str(example[k]) for k in ("instrument", "session") if example.get(k))
    hidden = ("instrument", "session", "symbol", "row")
    rest = ", ".join(f"{k} {'–' if v is None else v}" for k, v in example.items() if k not in hidden)
    return escape(f"{place} · {rest}" if place and rest else place or rest)
