"""How well a factor ranks the returns that follow: its coefficients, their distribution, and how soon they fade."""

from typing import Any

import polars as pl
import streamlit as st

from app import figures
from app.charts.bins import bins
from app.charts.monthly_heatmap import monthly_heatmap
from app.charts.named_bars import named_bars
from app.charts.qq import qq
from app.page import empty, section
from app.panels.evaluation_data import EVALUATIONS, details
from app.panels.factor_figures import coefficient_rows
from app.panels.facts import wide_table
from app.session import palette, read, t

__all__ = ["draw_decay", "draw_ranking"]

_ROW_PX = 27


def draw_ranking(run_id: str, factor: str, row: dict[str, Any]) -> None:
    """Draw what the coefficients are, how they are spread, and month by month.

    Parameters
    ----------
    run_id, factor : str
    row : dict
        Figures of the factor.
    """
    with st.container(key="stack-ranking"):
        one, two, three = st.columns([1.1, 1, 1], gap="medium")
    with one:
        section(t("Coefficients"), t("over {n} sessions", n=figures.count(row["sessions"])))
        st.html(wide_table(["", "IC", t("Rank IC")], coefficient_rows(row), right=(1, 2)))
    with two:
        section(t("Distribution"), t("of the rank IC"))
        counts = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="ic_histogram")
        option = bins(
            counts.with_columns(pl.col("count").cast(pl.Int64)), "count", palette(), name=t("Sessions"),
            along=t("Rank IC"), mean=row["rank_ic_mean"],
        )  # fmt: skip
        st.echarts_chart(option, height=260, key="factor-ic-bins", alt=t("How often a rank IC of which size occurred"))
    with three:
        section(t("Q–Q"), t("against the normal distribution"))
        points = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="ic_qq")
        st.echarts_chart(qq(points, palette(), t), height=260, key="factor-qq", alt=t("Quantiles of the rank IC"))
    months = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="month")
    years = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="year")
    section(t("Month by month"), t("mean rank IC × 100"))
    if months.is_empty():
        empty(t("There is no whole month."))
        return
    cells = months.select(
        year=pl.col("item").str.slice(0, 4).cast(pl.Int32), month=pl.col("item").str.slice(5, 2).cast(pl.Int32),
        **{"return": pl.col("rank_ic")},
    )  # fmt: skip
    totals = years.select(
        year=pl.col("item").cast(pl.Int32), month=pl.lit(0, pl.Int32), **{"return": pl.col("rank_ic")}
    )
    option = monthly_heatmap(pl.concat([cells, totals]), palette(), t)
    alt = t("Mean rank IC of each month and year")
    st.echarts_chart(option, height=40 + _ROW_PX * totals.height, key="factor-months", alt=alt)


def draw_decay(run_id: str, factor: str, row: dict[str, Any]) -> None:
    """Draw how the coefficient changes with the sessions held.

    Parameters
    ----------
    run_id, factor : str
    row : dict
        Figures of the factor.
    """
    frame = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="decay")
    half = row["half_life"]
    said = (
        t("half of it is gone after {n} sessions", n=figures.decimal(half, 1))
        if half is not None
        else t("no half-life")
    )
    section(t("Decay"), said)
    with st.container(key="stack-decay"):
        left, right = st.columns([1.6, 1], gap="medium")
    with left:
        heights = {"rank_ic": t("Return of all sessions held"), "lagged_rank_ic": t("Return of the last session alone")}
        option = named_bars(frame, heights, palette(), name=t("Rank IC"))
        st.echarts_chart(option, height=300, key="factor-decay", alt=t("Rank IC by sessions held"))
    with right:
        rows = [
            [
                str(r["item"]), f"{r['rank_ic']:+.4f}" if r["rank_ic"] is not None else figures.MISSING,
                f"{r['rank_ic_t']:+.2f}" if r["rank_ic_t"] is not None else figures.MISSING,
                f"{r['ic']:+.4f}" if r["ic"] is not None else figures.MISSING, figures.count(r["sessions"]),
            ]
            for r in frame.iter_rows(named=True)
        ]  # fmt: skip
        names = [t("Sessions held"), t("Rank IC"), t("t (Newey–West)"), "IC", t("Sessions")]
        st.html(wide_table(names, rows, right=range(1, 5)))
