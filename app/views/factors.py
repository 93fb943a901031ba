"""Factors: the library of sets and their factors, and the page of one set."""

import polars as pl
import streamlit as st

from app import markup
from app.choice import choose
from app.factor_data import computed, factor_rows, table_name
from app.page import empty, header, section
from app.panels.evaluation_data import EVALUATIONS, evaluations, factor_figures
from app.panels.factor_evaluate import draw_compute, draw_evaluate
from app.panels.factor_import import draw_import
from app.panels.factor_jobs import draw_running
from app.panels.factor_library import FIGURES, draw_factors, draw_sets, draw_table
from app.panels.factor_report import choose_run
from app.panels.factor_set import draw_about, draw_actions, draw_leakage, draw_versions
from app.routes import go, link
from app.session import read, settings, t
from lake.records import open_records
from lake.records.factor_sets import find_set, list_sets
from lake.tables import FACTOR_PREFIX
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors import FactorSet
from qbrain_core.factors.set_text import write_set


def render() -> None:
    reference = st.query_params.get("set", "")
    if reference:
        _set(reference)
    else:
        _library()


def _library() -> None:
    header(t("Factors"), caption=t("Every factor of every set: what it is made of and what it is worth"))
    user = settings().owner
    with st.container(horizontal=True, vertical_alignment="center", key="factors-shelf"):
        if st.button(t("New factor"), type="primary", icon=":material/add:"):
            go("factor")
        draw_import()
        away = st.toggle(t("Also those put away"), key="archived", bind="query-params")
    sets = list_sets(open_records(settings()), user=user, archived=bool(away))
    draw_sets(sets, user)
    draw_factors(sets)


def _set(reference: str) -> None:
    try:
        factors = find_set(open_records(settings()), reference, user=settings().owner)
    except (UnknownNameError, InvalidInputError) as error:
        header(t("Factors"))
        empty(t("There is no factor set {name} for you.", name=reference), str(error))
        link("factors", t("All factors"), icon=":material/arrow_back:")
        return
    draw_about(factors)
    spans = read(computed, FACTOR_PREFIX, table=table_name(factors))
    with st.container(horizontal=True, vertical_alignment="center", key="factor-set-shelf"):
        draw_actions(factors)
        draw_compute(factors.reference, tuple(spans))
        if spans:
            draw_evaluate({"factor_set": factors.reference}, key="factor-set-evaluate", market=next(iter(spans)))
    draw_running(factors.reference)
    if not spans:
        cause = t("This set has not been computed on any market yet.")
        st.html(
            markup.notice(
                cause, t("Compute stores its values and looks for look-ahead; then it can be judged."), tone="blue"
            )
        )
    tabs = {
        "factors": t("Factors"), "leakage": t("Look-ahead"), "versions": t("Versions"), "yaml": "YAML",
    }  # fmt: skip
    tab = choose(t("Part of the page"), tabs, name="tab")
    if tab == "factors":
        _factors(factors)
    elif tab == "leakage":
        section(t("Look-ahead"), t("whether a value knows what nobody knew yet"))
        draw_leakage(factors)
    elif tab == "versions":
        draw_versions(factors)
    else:
        st.code(write_set(factors), language="yaml", height=560)


def _factors(factors: FactorSet) -> None:
    frame = factor_rows([factors])
    runs = read(evaluations, *EVALUATIONS, factor_set=factors.reference)
    if runs.is_empty():
        draw_factors([factors])
        return
    run_id = choose_run(runs)
    known = read(factor_figures, *EVALUATIONS, run_id=run_id)
    shown = frame.join(known.select("factor", *FIGURES), on="factor", how="left", maintain_order="left")
    shown = shown.sort(pl.col("rank_ic_t").abs(), descending=True, nulls_last=True, maintain_order=True)
    section(t("Factors"), t("strongest first; click a factor to open its report"))
    order = ["factor", "expression", *FIGURES, "lookback"]
    draw_table(shown.select(order), key="factor-set-table", reference=factors.reference, run=run_id)
