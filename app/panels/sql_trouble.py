"""A query that gave no result: why, and the place in its text."""

from html import escape

import streamlit as st

from app import markup
from app.i18n import mark
from app.panels.sql_run import Answer
from app.session import t
from lake.cage import Place

__all__ = ["draw_trouble"]

_TITLES = {
    "refused": mark("This query was not run"),
    "failed": mark("The query could not be answered"),
    "timeout": mark("The query took too long and was stopped"),
    "cancelled": mark("The query was cancelled"),
}
_AROUND = 2  # lines shown before and after the place


def draw_trouble(answer: Answer) -> None:
    """Draw why there is no result.

    Parameters
    ----------
    answer : Answer
        Has trouble.
    """
    trouble = answer.trouble
    assert trouble is not None
    advice = ""
    if trouble.outcome == "refused":
        advice = t("Only SELECT over the lake's tables is allowed: no files, no settings, no writes.")
    tone = "red" if trouble.outcome == "failed" else "amber"
    with st.container(key="sql-trouble"):
        st.html(
            markup.notice(
                t(_TITLES[trouble.outcome]),
                "" if trouble.outcome == "cancelled" else trouble.message,
                advice,
                tone=tone,
            )
        )
        if trouble.place is not None:
            st.html(excerpt(answer.query, trouble.place))


def excerpt(query: str, place: Place) -> str:
    """Show the lines around a place, with the place marked.

    Parameters
    ----------
    query : str
    place : Place

    Returns
    -------
    str
        HTML.
    """
    marked = f"{escape(query[: place.start])}\0{escape(query[place.start : place.end])}\1{escape(query[place.end :])}"
    last = place.line + query[place.start : place.end].count("\n")
    rows, within = [], False
    for number, line in enumerate(marked.split("\n"), 1):
        # a place may span lines: the mark is closed at the end of each, and opened again
        shown = ("<mark>" if within else "") + line.replace("\0", "<mark>").replace("\1", "</mark>")
        within = (within or "\0" in line) and "\1" not in line
        if place.line - _AROUND <= number <= last + _AROUND:
            rows.append(f"<div><i>{number}</i><span>{shown}{'</mark>' if within else ''}</span></div>")
    return f'<div class="qb-excerpt">{"".join(rows)}</div>'
