"""Whether a factor works everywhere and always, and what it adds to others: years, sectors, sizes, correlations."""

from html import escape
from typing import Any

import polars as pl
import streamlit as st

from app import figures
from app.charts.named_bars import named_bars
from app.i18n import mark
from app.page import empty, section
from app.panels.evaluation_data import EVALUATIONS, details
from app.panels.facts import facts, wide_table
from app.panels.wording import SECTORS
from app.session import palette, read, t

__all__ = ["draw_groups", "draw_relations"]

_SIZES = {"1": mark("1 (smallest)"), "5": mark("5 (largest)")}
_SHOWN = 24  # correlations drawn
_BAR_PX = 22


def draw_groups(run_id: str, factor: str) -> None:
    """Draw the factor by year, sector and size.

    Parameters
    ----------
    run_id, factor : str
    """
    years = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="year")
    section(t("By year"))
    with st.container(key="stack-years"):
        left, right = st.columns([1, 1.4], gap="medium")
    with left:
        option = named_bars(years, {"rank_ic": t("Rank IC")}, palette(), name=t("Rank IC"), signed=True)
        st.echarts_chart(option, height=260, key="factor-years", alt=t("Rank IC of each year"))
    with right:
        st.html(_years(years))
    with st.container(key="stack-groups"):
        left, right = st.columns([1.4, 1], gap="medium")
    words = {code: t(name) for code, name in SECTORS.items()}
    sectors = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="sector")
    sizes = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="size")
    with left:
        section(t("By sector"))
        _bars(sectors.with_columns(pl.col("item").replace(words)), "factor-sectors", t("No sectors are known here."))
    with right:
        section(t("By size"), t("fifths by market value, or by value traded where that is unknown"))
        named = sizes.with_columns(pl.col("item").cast(pl.String).replace({k: t(v) for k, v in _SIZES.items()}))
        _bars(named, "factor-sizes", t("No sizes are known here."))


def draw_relations(run_id: str, factor: str, row: dict[str, Any]) -> None:
    """Draw the factor's correlation with others and what it adds to them.

    Parameters
    ----------
    run_id, factor : str
    row : dict
        Figures of the factor.
    """
    frame = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="correlation")
    if frame.is_empty():
        empty(
            t("There is no other factor in this evaluation."),
            t("Evaluate a whole set, or an expression against a set, to see correlations and marginal IC."),
        )
        return
    near = f"{escape(row['nearest'] or figures.MISSING)} ({figures.decimal(row['nearest_correlation'], 3)})"
    st.html(
        facts(
            [
                (t("Marginal rank IC, beyond the others"), _signed(row["marginal_ic"], 4)),
                (t("its t (Newey–West)"), _signed(row["marginal_t"], 2)),
                (t("Most alike"), near),
                (t("Other factors"), figures.count(frame.height)),
            ]
        )
    )
    section(t("Rank correlation"), t("mean over sessions; the {n} strongest", n=min(_SHOWN, frame.height)))
    shown = frame.head(_SHOWN)
    option = named_bars(
        shown, {"rank_correlation": t("Rank correlation")}, palette(), lying=True, signed=True, number="%+.3f"
    )
    height = 60 + _BAR_PX * shown.height
    st.echarts_chart(option, height=height, key="factor-correlations", alt=t("Rank correlation with other factors"))


def _bars(frame: pl.DataFrame, key: str, nothing: str) -> None:
    if frame.is_empty():
        empty(nothing)
        return
    option = named_bars(frame, {"rank_ic": t("Rank IC")}, palette(), lying=True, signed=True)
    st.echarts_chart(option, height=60 + _BAR_PX * max(frame.height, 4), key=key, alt=t("Rank IC of each group"))


def _years(years: pl.DataFrame) -> str:
    rows = [
        [
            str(r["item"]), _signed(r["rank_ic"], 4), _signed(r["rank_icir"], 2), _signed(r["rank_ic_t"], 2),
            figures.percent(r["positive"], 0), figures.signed_percent(r["gross"], 1),
            figures.signed_percent(r["net"], 1), figures.percent(r["turnover"], 1), figures.count(r["sessions"]),
        ]
        for r in years.iter_rows(named=True)
    ]  # fmt: skip
    names = [
        t("Calendar year"), t("Rank IC"), t("Rank ICIR"), "t", t("Above zero"), t("Gross"), t("Net of costs"),
        t("Portfolio turnover"), t("Sessions"),
    ]  # fmt: skip
    return wide_table(names, rows, right=range(1, 9))


def _signed(value: float | None, digits: int) -> str:
    return figures.MISSING if value is None else f"{value:+.{digits}f}"
