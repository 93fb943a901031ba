"""The factor's values themselves: how many there are, how they are spread, before and after each step."""

from typing import Any

import polars as pl
import streamlit as st

from app import figures
from app.charts.bins import bins
from app.charts.lines import lines
from app.choice import choose
from app.i18n import mark
from app.page import section
from app.panels.evaluation_data import EVALUATIONS, details
from app.panels.factor_figures import distribution_rows
from app.panels.facts import wide_table
from app.session import palette, read, t

__all__ = ["STEPS", "draw_values"]

STEPS = {
    "raw": mark("As computed"), "winsorised": mark("Tails cut"), "standardised": mark("Standardised"),
    "neutralised": mark("Neutralised"),
}  # fmt: skip
"""Steps of preprocessing that a distribution is kept of."""


def draw_values(run_id: str, factor: str, row: dict[str, Any], sessions: pl.DataFrame) -> None:
    """Draw distribution and coverage.

    Parameters
    ----------
    run_id, factor : str
    row : dict
        Figures of the factor.
    sessions : DataFrame
        The factor's figures by session.
    """
    moments = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="distribution")
    known = {r["item"]: r for r in moments.iter_rows(named=True)}
    with st.container(key="stack-values"):
        left, right = st.columns([1.5, 1], gap="medium")
    with left:
        step = choose(t("Factor values"), {code: t(STEPS[code]) for code in STEPS if code in known}, name="step")
        section(t("Distribution"), t("the outer bins hold the tails"))
        frame = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section=f"histogram_{step}")
        option = bins(frame, "share", palette(), name=t("Share of values"), along=t("Factor value"))
        st.echarts_chart(option, height=300, key=f"factor-values-{step}", alt=t("Distribution of the factor's values"))
    with right:
        section(t("In figures"))
        st.html(wide_table(["", *(t(STEPS[code]) for code in known)], distribution_rows(known), right=range(1, 5)))
    section(
        t("Coverage"),
        t("{share} of the universe has a value; {nan} missing, {inf} infinite",
          share=figures.percent(row["coverage"], 2), nan=figures.percent(row["nan_share"], 2),
          inf=figures.percent(row["inf_share"], 3)),
    )  # fmt: skip
    shown = sessions.select(
        pl.col("session").dt.to_string(), share=pl.col("n_values") / pl.col("n_members").cast(pl.Float64) * 100
    )
    option = lines(shown, names={"share": t("Members with a value, %")}, palette=palette(), number="%.1f%%", zoom=False)
    st.echarts_chart(option, height=210, key="factor-coverage", alt=t("Share of members with a value by session"))
