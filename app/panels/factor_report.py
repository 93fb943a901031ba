"""A factor's report: which evaluation, the figures that decide, the series of its coefficients, and the parts below."""

from typing import Any

import polars as pl
import streamlit as st

from app import figures
from app.charts.ic import ic_series
from app.choice import choose
from app.page import empty, kpis, section
from app.panels.evaluation_data import EVALUATIONS, factor_figures, factor_sessions
from app.panels.factor_figures import headline
from app.panels.factor_report_files import draw_method
from app.panels.factor_report_groups import draw_groups, draw_relations
from app.panels.factor_report_ranking import draw_decay, draw_ranking
from app.panels.factor_report_returns import draw_returns, draw_trading
from app.panels.factor_report_values import draw_values
from app.session import palette, read, t

__all__ = ["choose_run", "draw_report"]


def choose_run(runs: pl.DataFrame) -> str:
    """Let the reader choose one of several evaluations.

    Parameters
    ----------
    runs : DataFrame, columns of the table `evaluations`
        Newest first, at least one.

    Returns
    -------
    str
        Its id.
    """
    words = {row["run_id"]: _run_title(row) for row in runs.iter_rows(named=True)}
    return choose(t("Evaluation"), words, name="run", look="select")


def draw_report(factor: str, run_id: str) -> None:
    """Draw the report of one factor in one evaluation.

    Parameters
    ----------
    factor : str
    run_id : str
    """
    rows = read(factor_figures, *EVALUATIONS, run_id=run_id)
    chosen = rows.filter(factor=factor)
    if chosen.is_empty():
        empty(t("The evaluation {id} holds no factor {name}.", id=run_id, name=factor))
        return
    row = chosen.row(0, named=True)
    kpis(headline(row))
    sessions = read(factor_sessions, *EVALUATIONS, run_id=run_id, factor=factor)
    _draw_series(sessions, row)
    labels = {
        "returns": t("Quantiles"), "ranking": t("Coefficients"), "decay": t("Decay"), "trading": t("Trading"),
        "values": t("Factor values"), "groups": t("Stability"), "relations": t("Other factors"),
        "method": t("How it was measured"),
    }  # fmt: skip
    tab = choose(t("Part of the page"), labels, name="tab")
    if tab == "returns":
        draw_returns(run_id, factor, row, sessions)
    elif tab == "ranking":
        draw_ranking(run_id, factor, row)
    elif tab == "decay":
        draw_decay(run_id, factor, row)
    elif tab == "trading":
        draw_trading(row, sessions)
    elif tab == "values":
        draw_values(run_id, factor, row, sessions)
    elif tab == "groups":
        draw_groups(run_id, factor)
    elif tab == "relations":
        draw_relations(run_id, factor, row)
    else:
        draw_method(run_id)


def _draw_series(sessions: pl.DataFrame, row: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="factor-series-head"):
        which = choose(t("Coefficient"), {"rank_ic": t("Rank IC"), "ic": "IC"}, name="ic")
        name = t("Rank IC") if which == "rank_ic" else "IC"
        section(
            t("{name} by session", name=name),
            t("{n} sessions, {share} above zero; bars are sessions, lines their 20-session mean and their sum",
              n=figures.count(row["sessions"]), share=figures.percent(row[f"{which}_positive"], 0)),
        )  # fmt: skip
    frame = sessions.select("session", ic=pl.col(which))
    option = ic_series(frame, palette(), t, name=name)
    st.echarts_chart(
        option, height=270, key=f"factor-ic-{which}", alt=t("{name} by session, its mean and its sum", name=name)
    )


def _run_title(row: dict[str, Any]) -> str:
    place = row["universe"] or t("all stocks")
    return (
        f"{row['market']} · {place} · {row['start']} → {row['end']} · "
        + t("held {n}", n=row["horizon"])
        + f" · {figures.instant(row['created_at'])}"
    )
