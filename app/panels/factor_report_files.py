"""How an evaluation was measured, and its figures as files."""

import io
from collections.abc import Callable
from html import escape

import polars as pl
import streamlit as st

from app import figures
from app.i18n import mark
from app.page import section
from app.panels.evaluation_data import EVALUATIONS, evaluation, factor_figures, factor_sessions
from app.panels.facts import anchor, facts, notes
from app.panels.report_files import spec_yaml
from app.routes import href
from app.session import lake, read, t
from lake.alphalens import factor_data
from qbrain_core.evaluation.conventions import CONVENTIONS

__all__ = ["draw_export", "draw_method"]

_COUNTS = {
    "rows": mark("Rows"), "members": mark("of members"), "halted": mark("halted"), "locked": mark("locked at a limit"),
    "no_close_after": mark("without a close to leave at"), "evaluated": mark("evaluated"),
}  # fmt: skip


def draw_method(run_id: str) -> None:
    """Draw the conventions, what became of the rows, and the spec.

    Parameters
    ----------
    run_id : str
    """
    run = read(evaluation, *EVALUATIONS, run_id=run_id)
    if run is None:
        return
    with st.container(key="stack-method"):
        left, right = st.columns([1.4, 1], gap="medium")
    with left:
        lines = [("gray", t(CONVENTIONS[c["code"]], **c["params"])) for c in run["conventions"]]
        st.html(notes(t("How it was measured"), lines, tone="blue"))
        counts = [(t(name), figures.count(run["counts"].get(code))) for code, name in _COUNTS.items()]
        section(t("Cells"), t("instrument × session, and where they went"))
        st.html(facts(counts))
        pins = ", ".join(f"{escape(table)}={version}" for table, version in sorted(run["pins"].items()))
        section(t("Record"))
        st.html(
            facts(
                [
                    (t("Job"), anchor(href("job", id=run_id), run_id)), (t("Data versions"), pins),
                    (t("Code"), f"<code>{escape(run['code_hash'])}</code>"),
                    (t("Made by"), escape(f"{run['owner']} · {figures.instant(run['created_at'])}")),
                ]
            )
        )  # fmt: skip
    with right:
        section(t("Configuration"), t("The spec that was run, every field spelled out."))
        st.code(spec_yaml(run["spec"]), language="yaml", height=420)


def draw_export(run_id: str, factor: str) -> None:
    """Draw the menu of files.

    Parameters
    ----------
    run_id, factor : str
    """
    with st.popover(t("Export"), icon=":material/download:", key="factor-export"), st.container(width=260):
        for label, write, name in (
            (t("For alphalens (Parquet)"), _alphalens(run_id, factor), f"{factor}-alphalens.parquet"),
            (t("Figures by session (CSV)"), _sessions(run_id, factor), f"{factor}-sessions.csv"),
            (t("Figures of all factors (CSV)"), _figures(run_id), f"{run_id}-factors.csv"),
        ):  # fmt: skip
            st.download_button(
                label, write, name, key=f"factor-export-{name.partition('-')[2]}", on_click="ignore", width="stretch"
            )
        st.caption(t("The file for alphalens is computed anew from the versions of the run: give it a moment."))


def _alphalens(run_id: str, factor: str) -> Callable[[], bytes]:
    def write() -> bytes:
        buffer = io.BytesIO()
        factor_data(lake(), run_id, factor).to_parquet(buffer)
        return buffer.getvalue()

    return write


def _sessions(run_id: str, factor: str) -> Callable[[], bytes]:
    frame: pl.DataFrame = read(factor_sessions, *EVALUATIONS, run_id=run_id, factor=factor)
    return lambda: frame.write_csv().encode()


def _figures(run_id: str) -> Callable[[], bytes]:
    frame: pl.DataFrame = read(factor_figures, *EVALUATIONS, run_id=run_id)
    return lambda: frame.write_csv().encode()
