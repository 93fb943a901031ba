"""Ask the lake in SQL: an editor, the tables and what their columns mean, results as a table, a chart and files."""

import re

import streamlit as st

from app import markup
from app.page import empty, header
from app.panels import sql_link, sql_run
from app.panels.sql_as_of import choose_as_of
from app.panels.sql_examples import EXAMPLES
from app.panels.sql_history import choose_past
from app.panels.sql_result import draw_result
from app.panels.sql_saved import choose_saved, draw_save
from app.panels.sql_schema import draw_schema
from app.panels.sql_trouble import draw_trouble
from app.session import t

_EDITOR_PX = 240


def render() -> None:
    header(
        t("SQL"), caption=t("Read-only queries over the lake, in a process of their own with limits on time and memory")
    )
    sql_run.collect()
    due = sql_link.follow()
    with st.container(key="stack-sql"):
        left, right = st.columns([3, 1.15], gap="medium")
    with right:
        draw_schema()
    with left:
        query, as_of, asked = _draw_editor()
    if query and (asked or due or st.session_state.pop("sql-due", False)):
        with st.spinner(t("The query runs …")):
            sql_run.start(query, as_of)
        st.rerun()  # what stands above knows of it then: history, link
    _draw_answer(query)


def _draw_editor() -> tuple[str, str, bool]:
    # the query, the point of the lake's history, and whether to run
    with st.container(horizontal=True, vertical_alignment="bottom", key="sql-shelf"):
        example = st.menu_button(
            t("Examples"), list(EXAMPLES), format_func=t, icon=":material/lightbulb:", key="sql-example"
        )
        if example:
            sql_link.open_query(EXAMPLES[example])
        choose_past()
        choose_saved()
    query = st.text_area(
        t("Query"), key=sql_link.TEXT, height=_EDITOR_PX, label_visibility="collapsed",
        placeholder=t("SELECT … FROM bars WHERE …"),
    )  # fmt: skip
    query = (query or "").strip()
    with st.container(horizontal=True, vertical_alignment="center", key="sql-actions"):
        asked = st.button(
            t("Run"), type="primary", icon=":material/play_arrow:", shortcut="mod+enter", disabled=not query
        )
        as_of = choose_as_of()
        draw_save(query)
    sql_link.write(query)
    return query, as_of, asked


def _draw_answer(query: str) -> None:
    if sql_link.missing():
        cause = t("No saved query {id} is there for you.", id=sql_link.missing())
        st.html(markup.notice(cause, t("It was deleted, or its owner keeps it private."), tone="amber"))
    if sql_run.running() is not None:
        sql_run.draw_progress()
        return
    answer = sql_run.answer()
    if answer is None:
        empty(t("No query has run yet."), t("Write one above or take an example, then Run (Ctrl or ⌘ + Enter)."))
        return
    if answer.query != query:
        st.caption(t("This is the answer to the query as it was before; Run asks again."))
    if answer.result is None:
        draw_trouble(answer)
    else:
        saved = sql_link.saved()
        draw_result(answer, re.sub(r"[^\w-]+", "-", saved.name).strip("-") if saved else "query")
