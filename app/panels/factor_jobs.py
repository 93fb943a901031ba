"""Jobs over a set of factors: computing it, judging it, and how far they are."""

from typing import Any

import streamlit as st

from app import markup
from app.page import live
from app.panels.monitor import draw_stages
from app.panels.wording import KINDS
from app.routes import link
from app.session import settings, t
from jobs import Job, cancel, job, jobs, submit
from qbrain_core.errors import QBrainError

__all__ = ["draw_running", "popover_key", "start"]

_RECENT = 60
_STARTED = "factor-job"


def start(spec: dict[str, Any]) -> None:
    """Submit a job and have the page show how far it is.

    Parameters
    ----------
    spec : dict
    """
    try:
        made = submit(spec, settings=settings())
    except QBrainError as error:
        st.html(markup.notice(t("Nothing was submitted"), str(error)))
        return
    assert isinstance(made, Job)
    st.session_state[_STARTED] = made.id
    st.rerun()


def popover_key(key: str) -> str:
    """Name a popover that closes once a job has been started from it.

    Parameters
    ----------
    key : str

    Returns
    -------
    str
        Another one after each start: a new popover is closed.
    """
    return f"{key}-{st.session_state.get(_STARTED, '')}"


def draw_running(reference: str = "") -> Job | None:
    """Draw the jobs over a set that run or wait, and the one started here last.

    Parameters
    ----------
    reference : str, optional
        Of the set, such as `momentum@3`; "" for the job over an expression that was started here last.

    Returns
    -------
    Job or None
        The job that was started here last, where it has ended.
    """
    mine = st.session_state.get(_STARTED, "")
    known = [
        found
        for kind in ("factors", "evaluate")
        for found in jobs(kind=kind, limit=_RECENT, settings=settings())
        if (found.spec.get("factor_set") or "") == reference and (reference or found.id == mine)
    ]
    for found in known:
        if not found.is_final:
            _progress(found.id)
    last = next((found for found in known if found.id == mine and found.is_final), None)
    if last is not None and last.error:
        tone = "amber" if str(last.status) == "cancelled" else "red"
        st.html(markup.notice(t("This job failed"), last.error, last.hint or "", tone=tone))
    return last


@live(1.0)
def _progress(job_id: str) -> None:
    found = job(job_id, settings=settings())
    with (
        st.container(border=True, key=f"factor-job-{job_id}"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        link("job", f"{t(KINDS[found.kind])} · {found.spec.get('market', '')}", icon=":material/task:", id=found.id)
        draw_stages(found)
        if st.button(t("Cancel"), icon=":material/cancel:", key=f"cancel-{job_id}", disabled=found.cancel_requested):
            cancel(job_id, settings=settings())
    if found.is_final:
        st.rerun()
