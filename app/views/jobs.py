"""Jobs: what waits, runs and failed."""

from datetime import UTC, datetime, timedelta
from statistics import median

import streamlit as st

from app import figures
from app.choice import choose, choose_many
from app.markup import notice
from app.page import Kpi, empty, header, kpis, live
from app.panels.job_table import draw_jobs
from app.panels.wording import KINDS, STATUSES
from app.routes import link
from app.session import settings, t
from jobs import Job, cancel, jobs, retry, workers
from qbrain_core.errors import QBrainError

_LIMIT = 1000


def render() -> None:
    header(t("Jobs"), caption=t("Newest first. Click a row to open a job; tick rows to cancel or retry several."))
    _page()


@live(2.0)
def _page() -> None:
    batch = jobs(limit=_LIMIT, settings=settings())
    kpis(_counts(batch))
    if not batch:
        empty(t("No job has been submitted yet."), t("Train a model, or run: qbrain submit SPEC.yaml"))
        link("training", t("New training"), icon=":material/model_training:", new="1")
        return
    _unserved(batch)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        statuses = choose_many(t("Status"), {k: t(v) for k, v in STATUSES.items()}, name="status")
    with right:
        every = {"": t("All kinds"), **{k: t(v) for k, v in KINDS.items()}}
        kind = choose(t("Kind"), every, name="kind", look="select")
    shown = [j for j in batch if (not statuses or str(j.status) in statuses) and (not kind or j.kind == kind)]
    if not shown:
        empty(t("No job matches."), t("Change the filters."))
        return
    chosen = set(draw_jobs(shown, key="jobs_table"))
    _actions([j for j in shown if j.id in chosen])


def _unserved(batch: list[Job]) -> None:
    served = {w.queue for w in workers(settings=settings())}
    idle = sorted({j.queue for j in batch if str(j.status) == "queued"} - served)
    if idle:
        cause = t("No worker serves: {names}. Jobs of these queues wait.", names=", ".join(idle))
        advice = t("Start one: qbrain worker {queue}", queue=idle[0])
        st.html(notice(t("Workers are missing"), cause, advice, tone="amber"))


def _counts(batch: list[Job]) -> list[Kpi]:
    now = datetime.now(UTC)
    by = {status: [j for j in batch if str(j.status) == status] for status in STATUSES}
    day = now - timedelta(hours=24)
    recent = {s: [j for j in by[s] if j.finished_at and j.finished_at >= day] for s in ("succeeded", "failed")}
    waits = [(j.started_at - j.created_at).total_seconds() for j in batch if j.started_at and j.created_at >= day]
    serving = workers(settings=settings())
    queues = sorted({w.queue for w in serving})
    return [
        Kpi(t("Running"), str(len(by["running"]))),
        Kpi(t("Queued"), str(len(by["queued"])), t("{n} waiting for others", n=len(by["waiting"]))),
        Kpi(t("Failed in 24 h"), str(len(recent["failed"]))),
        Kpi(t("Succeeded in 24 h"), str(len(recent["succeeded"]))),
        Kpi(t("Median wait"), figures.duration(median(waits)) if waits else figures.MISSING, t("last 24 h")),
        Kpi(t("Workers"), str(len(serving)), ", ".join(queues) or t("none: run make up, or qbrain worker QUEUE")),
    ]


def _actions(chosen: list[Job]) -> None:
    open_ones = [j for j in chosen if not j.is_final]
    ended = [j for j in chosen if str(j.status) in ("failed", "cancelled")]
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(t("Cancel {n}", n=len(open_ones)), disabled=not open_ones, icon=":material/cancel:"):
            _each(cancel, open_ones)
        if st.button(t("Retry {n}", n=len(ended)), disabled=not ended, icon=":material/replay:"):
            _each(retry, ended)


def _each(act: object, batch: list[Job]) -> None:
    for job in batch:
        try:
            act(job.id, settings=settings())  # type: ignore[operator]
        except QBrainError as error:
            st.toast(str(error), icon=":material/error:")
    st.rerun(scope="fragment")
