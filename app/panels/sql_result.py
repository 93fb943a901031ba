"""A query's result: what it is and what it was read from, its rows page by page, a chart, files to take away."""

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import streamlit as st

from app import markup
from app.choice import choose
from app.figures import count, duration
from app.grid import grid
from app.markup import Badge
from app.page import empty
from app.panels.sql_chart import draw_chart
from app.panels.sql_run import Answer
from app.session import t
from lake.cage import QueryResult
from lake.export import FORMATS, MAX_SHEET_CELLS, export

__all__ = ["draw_result", "manifest"]

_PAGE_ROWS = 1_000
_MIB = 2**20


def draw_result(answer: Answer, name: str) -> None:
    """Draw a result.

    Parameters
    ----------
    answer : Answer
        Has a result.
    name : str
        What files are called.
    """
    result = answer.result
    assert result is not None
    _draw_head(answer, result, name)
    if result.truncated:
        _draw_cut(result)
    if result.rows == 0:
        empty(t("The query has no rows."), t("Its columns are: {names}", names=", ".join(result.table.column_names)))
    elif choose(t("Show"), {"table": t("Table"), "chart": t("Chart")}, name="show") == "chart":
        draw_chart(result)
    else:
        _draw_rows(result)


def _draw_head(answer: Answer, result: QueryResult, name: str) -> None:
    said = t("{n} rows in {time}", n=count(result.rows), time=duration(result.seconds))
    if result.read_bytes >= _MIB:
        said += " · " + t("{n} MB read", n=count(result.read_bytes / _MIB))
    hint = t("Version of the table that was read")
    badges = [Badge(f"{table} v{number}", "gray", hint) for table, number in sorted(result.versions.items())]
    if answer.as_of:
        badges.insert(0, Badge(t("As of {point}", point=answer.as_of), "violet"))
    with st.container(horizontal=True, vertical_alignment="center", key="sql-head"):
        drawn = "".join(markup.badge(badge) for badge in badges)
        st.html(markup.section_row(t("Result"), said) + f'<div class="qb-badges">{drawn}</div>')
        _draw_export(answer, result, name)


def _draw_cut(result: QueryResult) -> None:
    cause = (
        t("The first {n} rows are here; the query has more.", n=count(result.rows))
        if result.cut == "rows"
        else t("The first {n} rows are here, as much as one result may hold; the query has more.", n=count(result.rows))
    )
    advice = t("Files hold the same rows. Ask for fewer columns, filter, or aggregate.")
    st.html(markup.notice(t("The result is cut"), cause, advice, tone="amber"))


def _draw_rows(result: QueryResult) -> None:
    pages = -(-result.rows // _PAGE_ROWS)
    number = 1
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            number = min(st.pagination(pages, key="page", bind="query-params"), pages)
            first = (number - 1) * _PAGE_ROWS
            last = min(first + _PAGE_ROWS, result.rows)
            st.caption(
                t("Rows {first} to {last} of {n}; sorting by a heading sorts these", first=count(first + 1),
                  last=count(last), n=count(result.rows))
            )  # fmt: skip
    grid(result.page((number - 1) * _PAGE_ROWS, _PAGE_ROWS))


def _draw_export(answer: Answer, result: QueryResult, name: str) -> None:
    told = manifest(answer)
    stem = f"{name}-{answer.at:%Y%m%d-%H%M%S}"
    with st.popover(t("Export"), icon=":material/download:", key="sql-export"), st.container(width=260):
        for code, form in FORMATS.items():
            too_large = code == "xlsx" and result.rows * max(result.table.num_columns, 1) > MAX_SHEET_CELLS
            st.download_button(
                form.label, _writer(result, code, told), f"{stem}.{form.ending}", form.media_type,
                key=f"sql-export-{code}", on_click="ignore", width="stretch", disabled=too_large,
                help=t("Too large for a workbook") if too_large else None,
            )  # fmt: skip
        st.download_button(
            t("Where it comes from (JSON)"), json.dumps(told, ensure_ascii=False, indent=1),
            f"{stem}.manifest.json", "application/json",
            key="sql-export-manifest", on_click="ignore", width="stretch", type="tertiary",
        )  # fmt: skip
        st.caption(
            t("Every file but CSV holds the query and the data versions. In CSV a text that a spreadsheet would run "
              "as a formula gets an apostrophe in front.")
        )  # fmt: skip


def manifest(answer: Answer) -> dict[str, Any]:
    """Say where a result comes from.

    Parameters
    ----------
    answer : Answer
        Has a result.

    Returns
    -------
    dict
        JSON values: query, point of the history asked for, table versions read, when, rows, whether it was cut.
    """
    result = answer.result
    assert result is not None
    return {
        "query": answer.query, "as_of": answer.as_of or "now", "versions": dict(result.versions),
        "run_at": answer.at.isoformat(timespec="seconds"), "rows": result.rows, "cut": result.cut or "no",
        "made_by": f"Q-Brain {version('qbrain')}",
    }  # fmt: skip


def _writer(result: QueryResult, code: str, told: dict[str, Any]) -> Callable[[], bytes]:
    # written when somebody asks for it
    return lambda: export(result.page(0, result.rows), code, told)
