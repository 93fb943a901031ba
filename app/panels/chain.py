"""The jobs a training belongs to, from its factors to the tear sheet, as one row of links."""

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from app.markup import Badge, badge
from app.page import live
from app.panels.facts import anchor
from app.panels.wording import KINDS, STATUS_TONES, STATUSES
from app.routes import href
from app.session import settings, t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs import Job

__all__ = ["draw_chain", "family_of"]

_LIMIT = 500


def family_of(found: "Job", known: "Sequence[Job]") -> list["Job"]:
    """Find the jobs before and behind one, in the order they run.

    Parameters
    ----------
    found : Job
    known : sequence of Job

    Returns
    -------
    list of Job
        Ancestors, the job itself, descendants; each once.
    """
    by_id = {job.id: job for job in known} | {found.id: found}
    before: list[Job] = []
    todo = list(found.after)
    while todo:
        job = by_id.get(todo.pop())
        if job is not None and job not in before:
            before.insert(0, job)
            todo += job.after
    line = [*before, found]
    grown = True
    while grown:
        reached = {job.id for job in line[len(before) :]}
        more = [job for job in by_id.values() if job.id not in {j.id for j in line} and reached & set(job.after)]
        line += sorted(more, key=lambda job: job.created_at)
        grown = bool(more)
    return line


def draw_chain(found: "Job") -> None:
    """Draw the row; it keeps itself fresh while one of the jobs is not finished.

    Parameters
    ----------
    found : Job
    """
    line = _line(found)
    if len(line) > 1:
        (_draw if all(job.is_final for job in line) else _live)(found)


def _line(found: "Job") -> list["Job"]:
    from jobs import jobs

    return family_of(found, jobs(limit=_LIMIT, settings=settings()))


@live(2.0)
def _live(found: "Job") -> None:
    _draw(found)


def _draw(found: "Job") -> None:
    cells = []
    for job in _line(found):
        status = str(job.status)
        target, label = _target(job)
        link = escape(label) if target is None else anchor(target, label)
        text = t(STATUSES[status])
        if status == "running" and job.progress is not None:
            text += f" {job.progress:.0%}"
        here = ' class="qb-here"' if job.id == found.id else ""
        cells.append(f"<li{here}>{link} {badge(Badge(text, STATUS_TONES[status], job.error or ''))}</li>")
    st.html(f'<ol class="qb-chain">{"".join(cells)}</ol>')


def _target(job: "Job") -> tuple[str | None, str]:
    result = job.result or {}
    label = t(KINDS.get(job.kind, job.kind))
    if job.kind == "backtest" and result.get("run_id"):
        return href("backtest", run=result["run_id"]), t("Backtest report")
    if job.kind == "train":
        return href("training", job=job.id), label
    return href("job", id=job.id), label
