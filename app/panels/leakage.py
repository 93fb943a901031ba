"""What was found out about a factor set's knowledge of the future: one badge, and check by check."""

from collections.abc import Iterable
from html import escape

from app import markup
from app.figures import count, duration, instant
from app.i18n import mark
from app.markup import Badge
from app.panels.facts import wide_table
from app.session import settings, t
from lake.records import open_records
from lake.records.leakage_reports import find_leakage
from qbrain_core.factors import FactorSet
from qbrain_core.factors.leakage import CHECKS, FINDINGS, Finding, LeakageReport

__all__ = ["OUTCOMES", "leakage_badge", "leakage_html", "report_of"]

OUTCOMES = {
    "pass": (mark("no look-ahead found"), "green"),
    "warn": (mark("look at it"), "amber"),
    "fail": (mark("looks ahead"), "red"),
}
"""Words and tone of each outcome."""

_NAMES = {
    "static": mark("Expressions"),
    "probe": mark("Cut in time"),
    "startup": mark("Start of history"),
    "foresight": mark("Foresight"),
    "knowledge": mark("Known at"),
    "lake": mark("Through the lake"),
    "selection": mark("Choice of rows"),
}
_SHOWN = 12  # findings of one check that are spelled out


def report_of(factors: FactorSet, market: str | None = None) -> LeakageReport | None:
    """Find the newest report on a set's expressions.

    Parameters
    ----------
    factors : FactorSet
    market : str, optional

    Returns
    -------
    LeakageReport or None
        None where nobody has looked yet.
    """
    return find_leakage(open_records(settings()), factors.digest, market)


def leakage_badge(report: LeakageReport | None) -> str:
    """Say in a badge whether a set looks ahead.

    Parameters
    ----------
    report : LeakageReport or None

    Returns
    -------
    str
        HTML.
    """
    if report is None:
        return markup.badge(Badge(t("not probed yet"), "gray", t("Computing the set probes it.")))
    words, tone = OUTCOMES[report.outcome.value]
    hint = t(
        "{market}, {n} instruments, {session}",
        market=report.market,
        n=report.instruments,
        session=report.made_at.date(),
    )
    return markup.badge(Badge(t(words), tone, hint))


def leakage_html(report: LeakageReport) -> str:
    """Draw a report: a row per check with its outcome and what it found.

    Parameters
    ----------
    report : LeakageReport

    Returns
    -------
    str
        HTML.
    """
    rows = []
    for check in report.checks:
        words, tone = OUTCOMES[check.outcome.value]
        told = "<br>".join(_sentences(check.findings)) or f'<span class="qb-dim">{escape(t(CHECKS[check.name]))}</span>'
        rows.append(
            [
                f"<b>{escape(t(_NAMES[check.name]))}</b>",
                markup.badge(Badge(t(words), tone)),
                told,
                duration(check.seconds),
            ]
        )
    table = wide_table([t("Check"), t("Outcome"), t("What it proves, or found"), t("Took")], rows, right=(3,))
    cuts = ", ".join(str(day) for day in report.cuts) or "–"
    about = t("Probed on {n} instruments of {market}, {rows} rows, cut at {cuts}; {at}.", n=report.instruments,
              market=report.market or "–", rows=count(report.rows), cuts=cuts, at=instant(report.made_at))  # fmt: skip
    return f'{table}<p class="qb-dim">{escape(about)}</p>'


def _sentences(findings: Iterable[Finding]) -> list[str]:
    told = list(findings)
    shown = [
        f"<b>{escape(f.factor)}</b> {escape(t(FINDINGS[f.code], **f.params))}".strip() if f.factor
        else escape(t(FINDINGS[f.code], **f.params))
        for f in told[:_SHOWN]
    ]  # fmt: skip
    if len(told) > _SHOWN:
        shown.append(escape(t("and {n} more", n=len(told) - _SHOWN)))
    return shown
