"""A job as it runs: stages, curve and log, from its events; still there when it has ended."""

from html import escape

import streamlit as st

from app import figures
from app.charts.training_curve import training_curve
from app.choice import choose
from app.markup import Kpi
from app.page import kpis, live, section
from app.panels.feed import Feed
from app.panels.job_table import elapsed_s
from app.panels.stage_bar import Step, stage_bar
from app.panels.wording import STAGES, STAGES_OF, STATUSES
from app.session import palette, settings, t
from jobs import Job, events, job

__all__ = ["draw_stages", "monitor", "steps"]

_LEVELS = ("debug", "info", "warning", "error")
_SHOWN_LINES = 300


def monitor(found: Job) -> None:
    """Draw a job; it keeps itself fresh until the job has ended, then the whole page is drawn once more.

    Parameters
    ----------
    found : Job
    """
    if found.is_final:
        _draw(found)
    else:
        _live(found.id)


def draw_stages(found: Job) -> None:
    """Draw the row of a job's stages alone.

    Parameters
    ----------
    found : Job
    """
    st.html(stage_bar(steps(found, _feed(found))))


@live(1.0)
def _live(job_id: str) -> None:
    found = job(job_id, settings=settings())
    _draw(found)
    if found.is_final:
        st.rerun()


def _draw(found: Job) -> None:
    feed = _feed(found)
    kpis(_figures(found, feed))
    st.html(stage_bar(steps(found, feed)))
    for metric in feed.metrics():
        best = feed.best(metric)
        caption = ""
        if best is not None:
            value = feed.rounds[best][f"valid.{metric}"]
            since = max(feed.rounds) - best
            caption = t("best valid {v} at iteration {n}, {k} since", v=f"{value:.6f}", n=best + 1, k=since)
        section(t("Learning curve"), f"{metric} · {caption}" if caption else metric)
        option = training_curve(feed.history(), palette(), t, metric=metric, best=best)
        alt = t("Training and validation {metric} by iteration", metric=metric)
        st.echarts_chart(option, height=320, key=f"curve_{metric}", alt=alt)
    _log(found, feed)


def _feed(found: Job) -> Feed:
    state = f"_feed_{found.id}"
    feed: Feed = st.session_state.setdefault(state, Feed())
    if feed.attempt > found.attempt:
        feed = st.session_state[state] = Feed()
    feed.absorb(events(found.id, after=feed.after, settings=settings()))
    return feed


def _figures(found: Job, feed: Feed) -> list[Kpi]:
    status = str(found.status)
    strip = [
        Kpi(
            t("State"),
            t(STATUSES[status]),
            t("asked to stop") if found.cancel_requested and not found.is_final else "",
            tone="red" if status == "failed" else "",
        ),
        Kpi(t("Elapsed"), figures.duration(elapsed_s(found))),
    ]
    if not found.is_final:
        strip.append(Kpi(t("Left at most"), figures.duration(_left_s(found, feed)), t("of this stage")))
    if feed.rounds:
        done = max(feed.rounds) + 1
        strip.append(Kpi(t("Iteration"), str(done), t("of at most {n}", n=feed.total) if feed.total else ""))
    strip += [
        Kpi(t("Attempt"), str(found.attempt)),
        Kpi(t("Queue"), found.queue, found.worker or t("no worker yet")),
    ]
    if found.peak_rss_mib:
        strip.append(Kpi(t("Peak memory"), f"{found.peak_rss_mib:,.0f} MiB"))
    return strip


def _left_s(found: Job, feed: Feed) -> float | None:
    # of the stage that runs, by the pace it has had
    if not feed.stages or str(found.status) != "running":
        return None
    stage = feed.stages[-1]
    share = stage.fraction
    if share is None and feed.rounds and feed.total:
        share = (max(feed.rounds) + 1) / feed.total
    ran = figures.ago_s(stage.began)
    return ran * (1 - share) / share if share and ran is not None else None


def steps(found: Job, feed: Feed) -> list[Step]:
    """Put the stages of a job in order.

    Parameters
    ----------
    found : Job
    feed : Feed

    Returns
    -------
    list of Step
        Stages of its kind first to last; ones that only this job reported stand where they came.
    """
    begun = [s.name for s in feed.stages]
    names = list(STAGES_OF.get(found.kind, ()))
    for position, name in enumerate(begun):
        if name not in names:
            before = next((n for n in reversed(begun[:position]) if n in names), None)
            names.insert(names.index(before) + 1 if before else 0, name)
    now = begun[-1] if begun else None
    status = str(found.status)
    made = []
    for name in names:
        stage = next((s for s in feed.stages if s.name == name), None)
        if status == "succeeded" or (stage is not None and name != now):
            state = "done"
        elif stage is None:
            state = "next"
        else:
            state = "failed" if status in ("failed", "cancelled") else "now"
        share = stage.fraction if stage else None
        if name == "fit" and share is None and feed.rounds and feed.total:
            share = (max(feed.rounds) + 1) / feed.total
        made.append(Step(t(STAGES.get(name, name)), state, share, stage.detail if stage else ""))
    return made


def _log(found: Job, feed: Feed) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        section(t("Job log"))
    with right:
        levels = {"debug": t("everything"), "info": t("info and above"), "warning": t("warnings"), "error": t("errors")}
        least = choose(t("Level"), levels, name="level", default="info", width="stretch")
    lines = [
        line
        for line in feed.log
        if _LEVELS.index(line.level if line.level in _LEVELS else "info") >= _LEVELS.index(least)
    ]
    if not lines:
        st.caption(t("No lines yet.") if not found.is_final else t("No lines."))
        return
    rows = [
        f'<div class="qb-{escape(line.level)}"><time>{line.ts:%H:%M:%S}</time>{escape(line.message)}</div>'
        for line in reversed(lines[-_SHOWN_LINES:])
    ]
    st.html(f'<div class="qb-log" role="log">{"".join(rows)}</div>')
