"""A query on its way: started, shown while it runs, cancelled, and noted when it ends."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

import streamlit as st

from app.figures import duration
from app.page import live
from app.session import lake, settings, t
from lake.cage import (
    Place,
    QueryResult,
    RunningQuery,
    SqlCancelledError,
    SqlFailedError,
    SqlRefusedError,
    SqlTimeoutError,
    start_query,
)
from lake.records import open_records
from lake.records.query_runs import QueryRun, record_run
from qbrain_core.errors import InvalidInputError, QBrainError

__all__ = ["MAX_ROWS", "Answer", "Trouble", "answer", "collect", "draw_progress", "forget", "running", "start"]

MAX_ROWS = 1_000_000
"""Rows of a result at most."""

_AT_ONCE_S = 1.2  # an answer that comes so soon needs no progress
_LOOK_S = 0.5
_RUNNING, _ANSWER = "sql-running", "sql-answer"

_LOG = logging.getLogger("qbrain.app")


@dataclass(frozen=True)
class Trouble:
    """Why there is no result.

    Attributes
    ----------
    outcome : str
        refused, failed, timeout or cancelled.
    message : str
    place : Place or None
        Where in the query.
    """

    outcome: str
    message: str
    place: Place | None = None


@dataclass(frozen=True)
class Answer:
    """A query that has ended: its text, the point of the lake's history, the result or why there is none, and when."""

    query: str
    as_of: str
    result: QueryResult | None
    trouble: Trouble | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class _Run:
    query: str
    as_of: str
    process: RunningQuery


def start(query: str, as_of: str) -> None:
    """Start a query; one that still runs is cancelled.

    Parameters
    ----------
    query, as_of : str
    """
    before = running()
    if before is not None:
        before.process.cancel()
        collect()
    try:
        process = start_query(lake(), query, as_of=as_of or None, max_rows=MAX_ROWS)
    except InvalidInputError as error:
        _end(Answer(query, as_of, None, Trouble("failed", str(error))), 0.0)
        return
    st.session_state[_RUNNING] = _Run(query, as_of, process)
    process.wait(_AT_ONCE_S)
    collect()


def running() -> _Run | None:
    """Find the query that runs in this session.

    Returns
    -------
    object or None
        With `query`, `as_of` and `process`.
    """
    found: _Run | None = st.session_state.get(_RUNNING)
    return found


def answer() -> Answer | None:
    """Find the last query of this session that has ended.

    Returns
    -------
    Answer or None
    """
    found: Answer | None = st.session_state.get(_ANSWER)
    return found


def forget() -> None:
    """Drop the last answer."""
    st.session_state.pop(_ANSWER, None)


def collect() -> None:
    """Take the answer of a query that has ended, or was told to."""
    run = running()
    if run is None or not run.process.wait(0 if not run.process.cancelled else _LOOK_S * 4):
        return
    del st.session_state[_RUNNING]
    seconds = run.process.seconds
    try:
        found = Answer(run.query, run.as_of, run.process.result(), None)
    except SqlRefusedError as error:
        trouble = Trouble("refused", str(error), error.place)
    except SqlTimeoutError as error:
        trouble = Trouble("timeout", str(error))
    except SqlCancelledError as error:
        trouble = Trouble("cancelled", str(error))
    except SqlFailedError as error:
        trouble = Trouble("failed", error.message, error.place)
    else:
        _end(found, seconds)
        return
    _end(Answer(run.query, run.as_of, None, trouble), seconds)


def _end(found: Answer, seconds: float) -> None:
    st.session_state[_ANSWER] = found
    result, trouble = found.result, found.trouble
    run = QueryRun(
        found.query, found.as_of, trouble.outcome if trouble else "done", result.seconds if result else seconds,
        result.rows if result else None, result.versions if result else {}, trouble.message if trouble else None,
    )  # fmt: skip
    try:
        record_run(open_records(settings()), run, owner=settings().owner)
    except QBrainError as error:  # the answer matters more than the note of it
        _LOG.warning("a query could not be noted: %s", error)


@live(_LOOK_S)
def draw_progress() -> None:
    """Draw the query that runs, with a button that ends it; the page is drawn anew when it has ended."""
    run = running()
    if run is None:
        return
    if run.process.wait(0):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="sql-progress"):
        if st.button(t("Cancel"), icon=":material/stop_circle:", key="sql-cancel"):
            run.process.cancel()
            collect()
            st.rerun()
        most = duration(settings().sql_timeout_s)
        spent = duration(run.process.seconds)
        st.html(
            f'<div class="qb-running"><i></i>{t("The query runs: {spent} of at most {most}", spent=spent, most=most)}'
            "</div>"
        )
