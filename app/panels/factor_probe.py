"""Looking for look-ahead in the editor's expression, on the names of the preview."""

import streamlit as st

from app.markup import Badge, badge
from app.panels.leakage import OUTCOMES, leakage_html
from app.panels.preview_data import preview_inputs, tables_of
from app.session import read, t
from lake import Lake
from qbrain_core.factors.expression import Node, format
from qbrain_core.factors.leakage import LeakageReport, check_expressions

__all__ = ["draw_probe"]

_SESSIONS = 500  # the latest: enough for a full window of two years


def draw_probe(node: Node, market: str, codes: tuple[str, ...]) -> None:
    """Draw a button that probes, and what was found.

    Parameters
    ----------
    node : Node
    market : str
    codes : tuple of str
        Instruments whose values are compared.
    """
    key = f"probed-{market}-{codes}-{format(node)}"
    with st.container(horizontal=True, vertical_alignment="center", key="factor-probe"):
        pressed = st.button(
            t("Probe for look-ahead"), icon=":material/policy:",
            help=t("Computes it on data that are cut off, or changed, after some days: earlier values must not move."),
        )  # fmt: skip
        if pressed:
            with st.spinner(t("Probing …")):
                st.session_state[key] = read(_probe, *tables_of(node), text=format(node), market=market, codes=codes)
        report: LeakageReport | None = st.session_state.get(key)
        if report is not None:
            words, tone = OUTCOMES[report.outcome.value]
            st.html(badge(Badge(t(words), tone)))
    if report is not None:
        st.html(leakage_html(report))


def _probe(lake: Lake, as_of: dict[str, int], text: str, market: str, codes: tuple[str, ...]) -> LeakageReport:
    inputs = preview_inputs(lake, as_of, text, market, codes, sessions=_SESSIONS)
    return check_expressions({"factor": text}, inputs.bars, statements=inputs.statements, market=market)
