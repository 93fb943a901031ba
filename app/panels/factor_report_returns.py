"""What a factor would have earned: by quantile, long against short, and what trading it costs."""

from typing import Any

import polars as pl
import streamlit as st

from app import figures
from app.charts.lines import lines
from app.charts.named_bars import named_bars
from app.charts.quantile_growth import quantile_growth
from app.page import section
from app.panels.evaluation_data import EVALUATIONS, details
from app.panels.facts import facts, wide_table
from app.session import palette, read, t

__all__ = ["draw_returns", "draw_trading"]


def draw_returns(run_id: str, factor: str, row: dict[str, Any], sessions: pl.DataFrame) -> None:
    """Draw quantile returns, what they grew to, and the long-short portfolio.

    Parameters
    ----------
    run_id, factor : str
    row : dict
        Figures of the factor.
    sessions : DataFrame
        The factor's figures by session.
    """
    frame = read(details, *EVALUATIONS, run_id=run_id, factor=factor, section="quantile")
    colours, percent = palette(), pl.col("return", "error", "excess", "excess_error") * 1e4
    with st.container(key="stack-quantiles"):
        left, right = st.columns([1, 1.6], gap="medium")
    with left:
        section(
            t("By quantile"),
            t("1 lowest; whiskers: one standard error; monotonicity {v}", v=_signed(row["monotonicity"])),
        )
        option = named_bars(
            frame.with_columns(percent), {"excess": t("Excess over the universe")}, colours,
            name=t("Excess return, bps"), number="%+.2f bps", error="excess_error", signed=True,
        )  # fmt: skip
        st.echarts_chart(option, height=300, key="factor-quantiles", alt=t("Excess return of each quantile"))
    with right:
        section(t("Growth of each quantile"), t("equal weights, before costs, compounded"))
        quantiles = [c for c in sessions.columns if c.startswith("quantile_")]
        names = {c: t("Q{n}", n=c.removeprefix("quantile_")) for c in quantiles} | {"universe_return": t("Universe")}
        grown = sessions.select("session", *((pl.col(c).fill_null(0) + 1).cum_prod() - 1 for c in names))
        option = quantile_growth(grown, names, colours, name=t("Return since the start"))
        st.echarts_chart(option, height=300, key="factor-growth", alt=t("Cumulative return of each quantile"))
    with st.container(key="stack-long-short"):
        left, right = st.columns([1, 1.6], gap="medium")
    with left:
        section(t("Quantiles in figures"))
        st.html(_table(frame))
    with right:
        t_value = row["gross_t"]
        section(
            t("Long against short"),
            t("highest quantile bought, lowest sold; summed returns; gross t {v}", v=_signed(t_value)),
        )  # fmt: skip
        summed = sessions.select(
            pl.col("session").dt.to_string(), *(pl.col(c).fill_null(0).cum_sum() * 100 for c in ("gross", "net"))
        )
        option = lines(
            summed, names={"gross": t("Gross, %"), "net": t("Net of costs, %")}, palette=colours, number="%+.2f%%"
        )
        st.echarts_chart(option, height=280, key="factor-long-short", alt=t("Summed long-short return"))


def draw_trading(row: dict[str, Any], sessions: pl.DataFrame) -> None:
    """Draw turnover and rank autocorrelation, and what costs it bears.

    Parameters
    ----------
    row : dict
        Figures of the factor.
    sessions : DataFrame
        The factor's figures by session.
    """
    pairs = [
        (t("Turnover a session, one-sided"), figures.percent(row["turnover"], 2)),
        (t("Rank autocorrelation"), figures.decimal(row["rank_autocorrelation"], 3)),
        (t("Break-even cost per side"), f"{figures.decimal(row['break_even_bps'], 1)} bps"),
        (t("Long-short gross, a year"), figures.signed_percent(row["gross_return"])),
        (t("Long-short net, a year"), figures.signed_percent(row["net_return"])),
        (t("Net Sharpe"), figures.decimal(row["net_sharpe"])),
        (t("Deepest net drawdown"), figures.percent(row["net_max_drawdown"])),
        (t("Top quantile over universe, a year"), figures.signed_percent(row["top_excess"])),
    ]
    st.html(facts(pairs))
    with st.container(key="stack-trading"):
        left, right = st.columns(2, gap="medium")
    for place, column, name in (
        (left, "turnover", t("Portfolio turnover")), (right, "rank_autocorrelation", t("Rank autocorrelation")),
    ):  # fmt: skip
        with place:
            section(name, t("{n}-session mean", n=20))
            mean = sessions.select(pl.col("session").dt.to_string(), pl.col(column).rolling_mean(20, min_samples=1))
            option = lines(mean, names={column: name}, palette=palette(), zoom=False)
            st.echarts_chart(option, height=230, key=f"factor-{column}", alt=name)


def _table(frame: pl.DataFrame) -> str:
    rows = [
        [
            str(r["item"]), _bps(r["return"]), f"± {_bps(r['error'])}", _bps(r["excess"]),
            figures.percent(r["turnover"], 1), figures.count(r["names"]),
        ]
        for r in frame.iter_rows(named=True)
    ]  # fmt: skip
    names = [t("Quantile"), t("Return, bps"), t("Error"), t("Excess"), t("Portfolio turnover"), t("Names")]
    return wide_table(names, rows, right=range(1, 6))


def _bps(value: float | None) -> str:
    return figures.MISSING if value is None else f"{value * 1e4:.1f}"


def _signed(value: float | None) -> str:
    return figures.MISSING if value is None else f"{value:+.2f}"
