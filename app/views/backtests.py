"""Finished backtests, newest first."""

import polars as pl
import streamlit as st

from app.grid import table_height
from app.page import empty, header, live
from app.panels.run_table import KEY_FIGURES, runs_frame
from app.routes import go, link
from app.session import read, t
from lake import Lake


def _runs(lake: Lake, as_of: dict[str, int]) -> pl.DataFrame:
    return runs_frame(lake.runs(limit=1000, as_of=as_of))


def render() -> None:
    header(t("Backtests"), caption=t("Finished runs, newest first. Click a row to open its report."))
    runs = read(_runs, "backtest_runs")
    if runs.is_empty():
        empty(
            t("No backtest has finished yet."),
            t("Train a model and let the form put predictions and a backtest behind it."),
        )
        link("training", t("New training"), icon=":material/model_training:", new="1")
        return
    _table(runs)


@live()
def _table(runs: pl.DataFrame) -> None:
    left, middle, _ = st.columns([2, 2, 3], vertical_alignment="bottom")
    text = left.text_input(
        t("Search"), key="q", placeholder=t("Name, model, run id"), type="search", live="200ms", bind="query-params"
    )
    markets = sorted(runs["market"].unique())
    market = middle.pills(t("Market"), markets, key="market", bind="query-params") if len(markets) > 1 else None
    if text:
        words = pl.concat_str("name", "model", "run_id", separator=" ").str.to_lowercase()
        runs = runs.filter(words.str.contains(text.lower(), literal=True))
    if market:
        runs = runs.filter(market=market)
    if runs.is_empty():
        empty(t("No run matches."), t("Change the search or the market."))
        return
    percent = {"format": "percent"}
    ratio = {"format": "%.2f"}
    names = {
        "total_return": (t("Total return"), percent), "cagr": (t("CAGR"), percent), "sharpe": (t("Sharpe"), ratio),
        "max_drawdown": (t("Max drawdown"), percent), "information_ratio": (t("Information ratio"), ratio),
        "turnover": (t("Annual turnover"), ratio),
    }  # fmt: skip
    column = st.column_config
    chosen = st.dataframe(
        runs,
        hide_index=True,
        height=table_height(runs.height),
        key="runs",
        on_select="rerun",
        selection_mode="single-cell",
        column_order=["name", "market", "model", "version", "start", "end", *KEY_FIGURES, "n_rejections", "created_at"],
        column_config={
            "name": column.TextColumn(t("Name"), width="medium"),
            "market": column.TextColumn(t("Market"), width="small"),
            "model": t("Model"),
            "version": column.NumberColumn(t("Version"), width="small"),
            "start": column.DateColumn(t("From"), format="YYYY-MM-DD", width="small"),
            "end": column.DateColumn(t("To"), format="YYYY-MM-DD", width="small"),
            **{name: column.NumberColumn(label, width="small", **look) for name, (label, look) in names.items()},
            "n_rejections": column.NumberColumn(t("Rejections"), format="localized", width="small"),
            "created_at": column.DatetimeColumn(t("Made (UTC)"), format="YYYY-MM-DD HH:mm"),
        },
        alt=t("Finished backtests"),
    )
    cells = chosen.selection.cells
    if cells and cells[0][0] < runs.height:
        go("backtest", run=runs["run_id"][cells[0][0]])
