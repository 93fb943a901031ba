"""One job: what it was asked, what it read, how it went, what came out."""

from html import escape

import streamlit as st
import yaml

from app import figures, markup
from app.markup import Badge
from app.page import empty, header, section
from app.panels.facts import anchor, facts, wide_table
from app.panels.findings import findings_table
from app.panels.job_table import elapsed_s
from app.panels.job_time import time_line
from app.panels.monitor import monitor
from app.panels.wording import KINDS, RESULTS, STATUS_TONES, STATUSES
from app.routes import go, href, link
from app.session import settings, t
from jobs import Job, attempts, cancel, job, jobs, retry
from qbrain_core.errors import UnknownNameError

_RELATIVES = 500


def render() -> None:
    job_id = st.query_params.get("id", "")
    try:
        found = job(job_id, settings=settings()) if job_id else None
    except UnknownNameError:
        found = None
    if found is None:
        header(t("Job"))
        empty(
            t("There is no job {id}.", id=job_id) if job_id else t("No job was chosen."), t("Choose one from the list.")
        )
        link("jobs", t("All jobs"), icon=":material/checklist:")
        return
    status = str(found.status)
    badges = [Badge(t(KINDS.get(found.kind, found.kind)), "gray"), Badge(t(STATUSES[status]), STATUS_TONES[status])]
    header(found.name or found.id, caption=found.id, badges=badges)
    _actions(found)
    if found.error:
        tone = "amber" if status == "cancelled" else "red"
        title = t("Cancelled") if status == "cancelled" else t("This job failed")
        st.html(markup.notice(title, found.error, found.hint or "", tone=tone))
    monitor(found)
    left, right = st.container(key="stack-job").columns([3, 2])
    with left:
        if (found.result or {}).get("findings"):
            section(t("Findings"), t("Errors are kept in the table quarantine, the other rows were written."))
            st.html(findings_table(found.result["findings"], t))
        section(t("Time line"))
        made = attempts(found.id, settings=settings())
        st.html(time_line(found, made, t))
        section(t("Parameters"))
        st.code(yaml.safe_dump(found.spec, sort_keys=False, allow_unicode=True), language="yaml", height=380)
    with right:
        section(t("Record"))
        st.html(_facts(found))
        if found.result:
            section(t("Came out"))
            st.html(_came_out(found))
        section(t("Data versions read"))
        if found.versions:
            rows = [[escape(table), str(version)] for table, version in sorted(found.versions.items())]
            st.html(wide_table([t("Table"), t("Version")], rows, right=(1,)))
        else:
            st.caption(t("Nothing is pinned: it reads no table, or only what the jobs before it write."))
        _relatives(found)


def _actions(found: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        link("jobs", t("All jobs"), icon=":material/arrow_back:")
        _outcome(found)
        if not found.is_final and st.button(
            t("Cancel"),
            icon=":material/cancel:",
            disabled=found.cancel_requested,
            help=t("Jobs that wait for it are cancelled too."),
        ):
            cancel(found.id, settings=settings())
            st.rerun()
        if str(found.status) in ("failed", "cancelled") and st.button(
            t("Retry"), icon=":material/replay:", type="primary"
        ):
            retry(found.id, settings=settings())
            st.rerun()
        if found.kind == "train" and st.button(t("Clone"), icon=":material/content_copy:"):
            go("training", clone=found.id)


def _outcome(found: Job) -> None:
    result = found.result or {}
    if found.kind in ("train", "predict") and result.get("version"):
        label = t("Model {name} version {n}", name=result["model"], n=result["version"])
        link("model", label, icon=":material/deployed_code:", name=result["model"], version=result["version"])
    if found.kind in ("factors", "evaluate") and found.spec.get("factor_set"):
        name, run = found.spec["factor_set"], result.get("run_id")
        link("factors", t("Factor set {name}", name=name), icon=":material/function:", set=name, run=run)
    elif found.kind == "evaluate" and result.get("best"):
        name = result["best"]["factor"]
        link("factor", t("Open the report"), icon=":material/analytics:", name=name, run=result["run_id"])
    if found.kind == "backtest" and result.get("run_id"):
        link("backtest", t("Backtest report"), icon=":material/summarize:", run=result["run_id"])


def _came_out(found: Job) -> str:
    shown = {k: v for k, v in (found.result or {}).items() if isinstance(v, str | int)}
    return facts([(t(RESULTS.get(k, k)), escape(f"{v:,}" if isinstance(v, int) else v)) for k, v in shown.items()])


def _facts(found: Job) -> str:
    return facts(
        [
            (t("Submitted"), figures.instant(found.created_at)),
            (t("Started"), figures.instant(found.started_at)),
            (t("Finished"), figures.instant(found.finished_at)),
            (t("Took"), figures.duration(elapsed_s(found))),
            (t("Queue"), escape(found.queue)),
            (t("Worker"), escape(found.worker or figures.MISSING)),
            (t("Owner"), escape(f"{found.owner} · {found.visibility}")),
            (t("Peak memory"), f"{found.peak_rss_mib:,.0f} MiB" if found.peak_rss_mib else figures.MISSING),
            (t("Code"), f"<code>{escape(found.code_hash)}</code>"),
        ]
    )


def _relatives(found: Job) -> None:
    known = {j.id: j for j in jobs(limit=_RELATIVES, settings=settings())}
    before = [known[i] for i in found.after if i in known]
    behind = [j for j in known.values() if found.id in j.after]
    for title, batch in ((t("Comes after"), before), (t("Waited for by"), behind)):
        if batch:
            section(title)
            rows = [
                [
                    anchor(href("job", id=j.id), j.name or j.id),
                    escape(t(KINDS.get(j.kind, j.kind))),
                    markup.badge(Badge(t(STATUSES[str(j.status)]), STATUS_TONES[str(j.status)])),
                ]
                for j in batch
            ]
            st.html(wide_table([t("Name"), t("Kind"), t("Status")], rows))
