"""What an ingest or a check found wrong or odd in data, as a table."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from app import figures, markup
from app.i18n import mark
from app.markup import Badge
from app.panels.facts import wide_table
from lake import quality

__all__ = ["CHECKS", "findings_table"]

CHECKS = {check.name: check.sentence for check in quality.CHECKS.values()}
"""What each check means; the sentences are translated in `app/i18n/zh/quality.po`."""

_TONES = {
    "error": ("red", mark("quarantined")), "warning": ("amber", mark("warning")), "note": ("blue", mark("note")),
    "repair": ("green", mark("repaired")),
}  # fmt: skip
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
