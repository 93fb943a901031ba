"""Report of one backtest."""

import polars as pl
import streamlit as st

from app.choice import choose
from app.markup import Badge
from app.page import empty, header, kpis
from app.panels.manifest import manifest
from app.panels.report_files import draw_files
from app.panels.report_header import caveat_box, kpi_rows, run_facts, strategy_sentence
from app.panels.report_returns import draw_growth, draw_months, draw_returns
from app.panels.report_trading import draw_fills, draw_positions, draw_rejections
from app.routes import link
from app.session import preferences, read, t
from lake import Lake
from qbrain_core.markets import MARKETS


def _run(lake: Lake, as_of: dict[str, int], run_id: str) -> dict | None:
    return lake.run(run_id, as_of=as_of)


def _table(lake: Lake, as_of: dict[str, int], table: str, run_id: str) -> pl.DataFrame:
    return lake.run_table(table, run_id, as_of=as_of).drop("run_id", "month")


def _names(lake: Lake, as_of: dict[str, int], market: str, language: str) -> dict[str, str]:
    first, second = ("name_zh", "name_en") if language == "zh" else ("name_en", "name_zh")
    named = pl.coalesce(first, second, pl.col("ticker"))
    return dict(lake.instruments(market=market, as_of=as_of).select("instrument", named).iter_rows())


def render() -> None:
    run_id = st.query_params.get("run", "")
    run = read(_run, "backtest_runs", run_id=run_id) if run_id else None
    if run is None:
        header(t("Backtest"))
        empty(
            t("There is no finished backtest {id}.", id=run_id) if run_id else t("No backtest was chosen."),
            t("Its job may still be running, or its id is mistyped."),
        )
        link("backtests", t("All backtests"), icon=":material/monitoring:")
        return
    market = MARKETS[run["market"]]
    badges = [Badge(run["market"], "blue")]
    if market.synthetic:
        badges.append(Badge(t("Synthetic data"), "violet"))
    header(run["name"], caption=strategy_sentence(run["spec"]), as_of=run["end"], badges=badges)
    actions = st.container(horizontal=True, vertical_alignment="center")
    with actions:
        link("backtests", t("All backtests"), icon=":material/arrow_back:")
        link("job", t("Job"), icon=":material/task:", id=run_id)
        link(
            "training", t("Train a variant"), icon=":material/content_copy:", model=run["model"], version=run["version"]
        )
    about = st.empty()
    about.html(run_facts(run, None, None))
    st.html(caveat_box(run["caveats"]))
    for strip in kpi_rows(run):
        kpis(strip)

    def table(name: str) -> pl.DataFrame:
        return read(_table, name, table=name, run_id=run_id)

    sessions = table("backtest_equity")
    left, right = st.container(key="stack-report").columns([3, 2])
    with left:
        draw_growth(sessions)
    with right:
        draw_months(sessions)
    names = read(_names, "instruments", market=run["market"], language=preferences().language)
    labels = {
        "returns": t("Returns"), "positions": t("Positions"), "trades": t("Trades"),
        "rejections": t("Rejections"), "files": t("Configuration and export"),
    }  # fmt: skip
    tab = choose(t("Part of the report"), labels, name="tab")
    if tab == "returns":
        draw_returns(sessions, sessions_per_year=market.sessions_per_year)
    elif tab == "positions":
        draw_positions(sessions, table("backtest_positions"), names)
    elif tab == "trades":
        draw_fills(table("backtest_fills"), names)
    elif tab == "rejections":
        draw_rejections(table("backtest_rejections"), names)
    else:
        draw_files(run, table)
    # last, because the first look into the model registry takes seconds
    origin = manifest(run["model"], run["version"])
    about.html(run_facts(run, origin.get("dataset", {}), origin.get("seed")))
