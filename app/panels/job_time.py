"""When a job was submitted, waited and ran, attempt by attempt, as HTML."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from app import figures, markup
from app.i18n import mark
from app.markup import Badge
from app.panels.facts import wide_table

if TYPE_CHECKING:
    from jobs import Attempt, Job

__all__ = ["OUTCOMES", "time_line"]

OUTCOMES = {
    "succeeded": (mark("succeeded"), "green"),
    "failed": (mark("failed"), "red"),
    "cancelled": (mark("cancelled"), "amber"),
    "retried": (mark("failed, tried again"), "amber"),
    "lost": (mark("worker lost"), "red"),
    "released": (mark("given back"), "gray"),
}
"""How an attempt ended, and the tone of its badge."""


def time_line(job: "Job", attempts: Sequence["Attempt"], t: Callable[..., str], now: datetime | None = None) -> str:
    """Draw waiting and each attempt as bars on one scale.

    Parameters
    ----------
    job : Job
    attempts : sequence of Attempt
        Ascending.
    t : callable
        Translator.
    now : datetime, optional

    Returns
    -------
    str
        HTML table: what, bar, from, took, outcome.
    """
    now = now or datetime.now(UTC)
    begin, end = job.created_at, job.finished_at or now
    whole = max((end - begin).total_seconds(), 1e-9)

    def bar(start: datetime, stop: datetime, tone: str) -> str:
        left = (start - begin).total_seconds() / whole * 100
        width = max((stop - start).total_seconds() / whole * 100, 0.6)
        return (
            f'<div class="qb-track qb-{tone}" style="min-width:min(26vw,400px)">'
            f'<i style="margin-left:{left:.2f}%;width:{min(width, 100 - left):.2f}%;background:var(--tone)"></i></div>'
        )

    def row(what: str, start: datetime, stop: datetime, tone: str, outcome: str) -> list[str]:
        took = figures.duration((stop - start).total_seconds())
        return [escape(what), bar(start, stop, tone), f"{start:%H:%M:%S}", took, outcome]

    first = attempts[0].started_at if attempts else job.finished_at or now
    rows = [row(t("Waited"), begin, first, "gray", "")]
    for attempt in attempts:
        words, tone = OUTCOMES.get(attempt.outcome or "", (mark("running"), "violet"))
        outcome = markup.badge(Badge(t(words), tone, attempt.error or ""))
        if attempt.error:
            outcome += f" {escape(attempt.error)}"
        what = t("Attempt {n}", n=attempt.attempt)
        rows.append(row(what, attempt.started_at, attempt.finished_at or now, tone, outcome))
    return wide_table(["", "", t("From (UTC)"), t("Took"), t("Outcome")], rows, right=(3,))
