"""The library: sets of factors as a table, and every factor of them with a search."""

from collections.abc import Sequence
from html import escape

import polars as pl
import streamlit as st

from app.choice import choose
from app.factor_data import computed, factor_rows, table_name
from app.figures import count
from app.grid import grid
from app.i18n import mark
from app.page import empty, live, section
from app.panels.factor_set import described
from app.panels.facts import anchor, wide_table
from app.panels.leakage import leakage_badge, report_of
from app.routes import go, href
from app.session import read, t
from lake.tables import FACTOR_PREFIX
from qbrain_core.factors import FactorSet

__all__ = ["FIGURES", "draw_factors", "draw_sets", "draw_table", "search"]

FIGURES = {
    "rank_ic_mean": (mark("Rank IC"), "%+.4f"),
    "rank_icir": (mark("Rank ICIR"), "%+.3f"),
    "rank_ic_t": ("t", "%+.2f"),
    "ic_mean": (mark("IC"), "%+.4f"),
    "half_life": (mark("Half-life"), "%.1f"),
    "turnover": (mark("Portfolio turnover"), "%.3f"),
    "net_sharpe": (mark("Net Sharpe"), "%+.2f"),
    "marginal_ic": (mark("Marginal IC"), "%+.4f"),
    "coverage": (mark("Coverage"), "percent"),
}
"""Figures of an evaluation that a list shows: name and format."""

_TABLE_PX = 760


def draw_sets(sets: Sequence[FactorSet], user: str) -> None:
    """Draw the table of sets.

    Parameters
    ----------
    sets : sequence of FactorSet
    user : str
        Who looks.
    """
    rows = []
    for factors in sets:
        spans = read(computed, FACTOR_PREFIX, table=table_name(factors))
        held = "<br>".join(
            f"<span class='qb-nowrap'>{escape(market)} {first} → {last}</span>"
            for market, (first, last) in spans.items()
        )
        owner = "Q-Brain" if factors.owner == "qbrain" else t("you") if factors.owner == user else factors.owner
        version = "" if factors.owner == "qbrain" else f" <span class='qb-dim'>v{factors.version}</span>"
        rows.append(
            [
                f"<b>{anchor(href('factors', set=factors.name), factors.name)}</b>{version}",
                escape(described(factors)), count(len(factors.expressions)), escape(factors.author or owner),
                escape(owner), held or escape(t("not computed")), leakage_badge(report_of(factors)),
            ]
        )  # fmt: skip
    names = [t("Set"), t("Description"), t("Factors"), t("Author"), t("Owner"), t("Computed"), t("Look-ahead")]
    st.html(wide_table(names, rows, right=(2,)))


@live()
def draw_factors(sets: Sequence[FactorSet]) -> None:
    """Draw every factor of some sets, with a search; a click opens one.

    Parameters
    ----------
    sets : sequence of FactorSet
    """
    frame = factor_rows(sets)
    section(t("Factors"))
    typed, chosen = st.columns([4, 1]) if len(sets) > 1 else (st.container(), st.container())
    text = typed.text_input(
        t("Search"), type="search", key="find", bind="query-params", live="200ms", label_visibility="collapsed",
        placeholder=t("A name, or part of an expression: KMID, Corr, $vwap …"),
    )  # fmt: skip
    with chosen:
        options = {"": t("All sets"), **{factors.reference: factors.reference for factors in sets}}
        only = choose(t("Factor set"), options, name="in", look="select") if len(sets) > 1 else ""
    found = search(frame, text or "", only)
    if found.is_empty():
        empty(t("No factor matches “{text}”.", text=text or ""), t("Try a shorter part of its name or expression."))
        return
    st.caption(t("{n} factors", n=count(found.height)) + " · " + t("click one to open it"))
    draw_table(found if len(sets) > 1 else found.drop("set"), key="factors-table", reference=sets[0].reference)


def search(frame: pl.DataFrame, text: str, only: str = "") -> pl.DataFrame:
    """Find factors by their names and expressions.

    Parameters
    ----------
    frame : DataFrame, columns of `factor_rows`
    text : str
        Words that must all occur; blanks within an expression do not matter.
    only : str
        Reference of the only set looked in; "": all.

    Returns
    -------
    DataFrame
        Those whose name begins with the text first.
    """
    kept = frame.filter(set=only) if only else frame
    whole = pl.concat_str("factor", pl.col("expression").str.replace_all(" ", ""), separator=" ").str.to_lowercase()
    for word in text.lower().split():
        kept = kept.filter(whole.str.contains(word, literal=True))
    begins = pl.col("factor").str.to_lowercase().str.starts_with(text.strip().lower())
    return kept.sort(begins, descending=True, maintain_order=True) if text.strip() else kept


def draw_table(frame: pl.DataFrame, *, key: str, reference: str = "", run: str = "") -> None:
    """Draw factors as a table; a click on one opens it.

    Parameters
    ----------
    frame : DataFrame, columns of `factor_rows`, without `set` where it is one, and any of the figures of an evaluation
    key : str
        Of the table.
    reference : str, optional
        Of the set, where the table does not say.
    run : str, optional
        Evaluation that the figures are of; it is opened with the factor.
    """
    column = st.column_config
    config = {
        "factor": column.TextColumn(t("Name"), width=110),
        "set": column.TextColumn(t("Factor set"), width=96),
        "expression": column.TextColumn(t("Expression"), width="medium" if run else "large"),
        "fields": column.TextColumn(t("Fields"), width="medium"),
        "lookback": column.NumberColumn(
            t("Sessions back"), width=96, help=t("How far back a value reads; empty: to the first session.")
        ),
        **{
            name: column.NumberColumn(t(said), format=form, width=120 if name == "turnover" else 90)
            for name, (said, form) in FIGURES.items()
        },
    }  # fmt: skip
    chosen = grid(
        frame, config={name: config[name] for name in frame.columns if name in config}, max_height=_TABLE_PX, key=key,
        on_select="rerun", selection_mode="single-cell",
    )  # fmt: skip
    cells = chosen.selection.cells
    if cells and cells[0][0] < frame.height:
        row = frame.row(cells[0][0], named=True)
        go("factor", set=row.get("set", reference), name=row["factor"], run=run)
