"""What the reader ran before."""

import streamlit as st

from app.figures import count, duration
from app.i18n import mark
from app.panels.sql_link import open_query
from app.session import settings, t
from lake.records import open_records
from lake.records.query_runs import QueryRun, forget_runs, list_runs

__all__ = ["choose_past"]

_SHOWN, _WORDS = 25, 70
_FORGET = -1
_OUTCOMES = {
    "refused": mark("not run"), "failed": mark("failed"), "timeout": mark("too long"), "cancelled": mark("cancelled")
}  # fmt: skip


def choose_past() -> None:
    """Draw the menu of past queries; the one chosen goes into the editor and runs again."""
    records, me = open_records(settings()), settings().owner
    runs = list_runs(records, owner=me, limit=_SHOWN)
    if not runs:
        return
    chosen = st.menu_button(
        t("History"), [*range(len(runs)), _FORGET], icon=":material/history:", key="sql-history",
        format_func=lambda i: t("Forget all") if i == _FORGET else _title(runs[i]),
    )  # fmt: skip
    if chosen == _FORGET:
        forget_runs(records, owner=me)
        st.rerun()
    elif chosen is not None:
        open_query(runs[chosen].query, as_of=runs[chosen].as_of)


def _title(run: QueryRun) -> str:
    line = " ".join(run.query.split())
    words = line if len(line) <= _WORDS else line[:_WORDS] + " …"
    told = t("{n} rows in {time}", n=count(run.rows), time=duration(run.seconds)) if run.rows is not None else ""
    parts = [f"{run.at:%m-%d %H:%M}", told or t(_OUTCOMES.get(run.outcome, "failed")), run.as_of]
    return f"{words}  ({' · '.join(part for part in parts if part)})"
