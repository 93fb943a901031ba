"""Ask the lake in SQL: an editor, the tables and what their columns mean, examples, results."""

from dataclasses import dataclass

import streamlit as st

from app import markup
from app.figures import count, duration
from app.grid import grid
from app.i18n import mark
from app.page import empty, header, section
from app.session import lake, t, versions
from lake.cage import QueryResult, SqlFailedError, SqlRefusedError, SqlTimeoutError, run_query
from lake.tables import FACTOR_PREFIX, TABLES, Table
from qbrain_core.errors import InvalidInputError

_MAX_ROWS = 10_000
_EDITOR_PX = 210
_REMEMBERED, _WORDS_LENGTH = 20, 60

_EXAMPLES = {
    mark("Latest closes"): (
        "SELECT b.instrument, i.name_en, b.session, b.close, b.volume\n"
        "FROM bars b JOIN instruments i USING (instrument)\n"
        "WHERE b.session = (SELECT max(session) FROM bars)\n"
        "ORDER BY b.volume DESC\nLIMIT 50"
    ),
    mark("Adjusted monthly returns"): (
        "WITH months AS (\n"
        "  SELECT instrument, date_trunc('month', session) AS month, arg_max(close * factor, session) AS adjusted\n"
        "  FROM bars GROUP BY ALL\n)\n"
        "SELECT instrument, month,\n"
        "  adjusted / lag(adjusted) OVER (PARTITION BY instrument ORDER BY month) - 1 AS return\n"
        "FROM months ORDER BY month DESC, return DESC NULLS LAST\nLIMIT 100"
    ),
    mark("Breadth by sector"): (
        "SELECT i.sector, count(*) AS n_stocks, avg(b.close / b.open - 1) AS open_to_close\n"
        "FROM bars b JOIN instruments i USING (instrument)\n"
        "WHERE b.session = (SELECT max(session) FROM bars) AND i.kind = 'stock'\n"
        "GROUP BY i.sector ORDER BY open_to_close DESC"
    ),
    mark("Dividends and splits"): (
        "SELECT session, instrument, action, value, factor_step\n"
        "FROM corporate_actions\nORDER BY session DESC, instrument\nLIMIT 200"
    ),
    mark("Members of a universe"): (
        "SELECT universe, count(DISTINCT instrument) AS n_ever,\n"
        '  count(*) FILTER ("end" IS NULL) AS n_today\nFROM universes GROUP BY universe'
    ),
    mark("Best scores of the last session"): (
        "SELECT model, version, session, instrument, score\nFROM predictions\n"
        "QUALIFY session = max(session) OVER (PARTITION BY model, version)\nORDER BY score DESC\nLIMIT 50"
    ),
    mark("Orders that were not filled"): (
        "SELECT run_id, reason, count(*) AS n_orders\nFROM backtest_rejections\nGROUP BY ALL ORDER BY n_orders DESC"
    ),
}


@dataclass(frozen=True)
class _Answer:
    query: str
    as_of: str
    result: QueryResult | None
    trouble: tuple[str, str, str] | None  # title, cause, tone


def render() -> None:
    header(
        t("SQL"), caption=t("Read-only queries over the lake, in a process of their own with limits on time and memory")
    )
    left, right = st.columns([3, 1.15], gap="medium")
    with right:
        _tables()
    with left:
        _editor()


def _editor() -> None:
    history: list[str] = st.session_state.setdefault("sql-history", [])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.menu_button(
            t("Examples"), list(_EXAMPLES), format_func=t, icon=":material/lightbulb:", key="sql-example"
        )
        again = (
            st.menu_button(t("History"), history, format_func=_first_words, icon=":material/history:", key="sql-again")
            if history
            else None
        )
    if chosen or again:
        st.session_state["q"] = _EXAMPLES[chosen] if chosen else again
        st.session_state["sql-pending"] = True
    query = st.text_area(
        t("Query"), key="q", bind="query-params", height=_EDITOR_PX, label_visibility="collapsed",
        placeholder=t("SELECT … FROM bars WHERE …"),
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = st.button(t("Run"), type="primary", icon=":material/play_arrow:", shortcut="mod+enter")
        as_of = st.text_input(
            t("As of"), key="as_of", bind="query-params", width=340, label_visibility="collapsed",
            placeholder=t("As of: now, a time, or bars=12,factors=3"),
        )  # fmt: skip
        st.caption(t("At most {n} rows; longer results are cut and say so", n=count(_MAX_ROWS)))
    query, as_of = (query or "").strip(), (as_of or "").strip()
    first_visit = "sql-answer" not in st.session_state
    if query and (run or st.session_state.pop("sql-pending", False) or first_visit):
        st.session_state["sql-history"] = [query, *(q for q in history if q != query)][:_REMEMBERED]
        with st.spinner(t("The query runs …"), show_time=True):
            st.session_state["sql-answer"] = _ask(query, as_of)
    answer: _Answer | None = st.session_state.get("sql-answer")
    if answer is None or not query:
        empty(t("No query has run yet."), t("Write one above or take an example, then Run (Ctrl or ⌘ + Enter)."))
        return
    _show(answer)


def _first_words(query: str) -> str:
    line = " ".join(query.split())
    return line if len(line) <= _WORDS_LENGTH else line[:_WORDS_LENGTH] + " …"


def _ask(query: str, as_of: str) -> _Answer:
    try:
        return _Answer(query, as_of, run_query(lake(), query, as_of=as_of or None, max_rows=_MAX_ROWS), None)
    except SqlRefusedError as error:
        trouble = (t("This query was not run"), str(error), "amber")
    except SqlTimeoutError as error:
        trouble = (t("The query took too long and was stopped"), str(error), "amber")
    except (SqlFailedError, InvalidInputError) as error:
        trouble = (t("The query could not be answered"), str(error), "red")
    return _Answer(query, as_of, None, trouble)


def _show(answer: _Answer) -> None:
    if answer.trouble is not None:
        title, cause, tone = answer.trouble
        advice = t("Only SELECT over the tables on the right is allowed: no files, no settings, no writes.")
        with st.container(key="sql-trouble"):  # in a fixed width: the engine points at the place with carets
            st.html(markup.notice(title, cause, advice if tone == "amber" else "", tone=tone))
        return
    result = answer.result
    if result is None:
        return
    cut = " · " + t("cut at {n} rows", n=count(_MAX_ROWS)) if result.truncated else ""
    section(t("Result"), t("{n} rows in {time}", n=count(result.rows), time=duration(result.seconds)) + cut)
    if result.frame.is_empty():
        empty(t("The query has no rows."), t("Its columns are: {names}", names=", ".join(result.frame.columns)))
        return
    grid(result.frame)
    st.download_button(
        t("Download CSV"), lambda: result.frame.write_csv().encode(), "query.csv", "text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _tables() -> None:
    section(t("Tables"), t("point at a column for its meaning"))
    now = versions()
    factor_tables = sorted(name for name in now if name.startswith(FACTOR_PREFIX))
    with st.container(key="sql-tables"):
        _listed(now, factor_tables)


def _listed(now: dict[str, int], factor_tables: list[str]) -> None:
    for table in TABLES.values():
        with st.expander(f"`{table.view}` v{now.get(table.name, 0)}"):
            st.html(_columns(table))
    for name in factor_tables:
        view = name.replace("/", "_").replace("-", "_")
        with st.expander(f"`{view}` v{now[name]}"):
            st.caption(t("One float32 column per factor, keyed by instrument and session."))


def _columns(table: Table) -> str:
    rows = [
        (f'<code title="{markup.text(t(c.sentence))}">{markup.text(c.name)}</code>',
         f'<span class="qb-dim">{markup.text(str(c.type))}{" · " + markup.text(t(c.unit)) if c.unit else ""}</span>')
        for c in table.columns
    ]  # fmt: skip
    key = t("key: {names}", names=", ".join(table.key))
    lead = f'<p class="qb-dim">{markup.text(t(table.sentence))} {markup.text(key)}</p>'
    body = "".join(f"<div class='qb-column'>{name}{kind}</div>" for name, kind in rows)
    return lead + body
