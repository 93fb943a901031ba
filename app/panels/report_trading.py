"""How a run was traded: positions, fills, and the orders that were not filled."""

import polars as pl
import streamlit as st

from app.charts.exposure import exposure
from app.charts.rejections import rejections as rejections_chart
from app.grid import table_height
from app.page import empty, live, section
from app.panels.rejection_detail import detail_in_words
from app.panels.wording import FILL_REASONS, REJECTION_REASONS, SIDES
from app.routes import go
from app.session import palette, t

__all__ = ["draw_fills", "draw_positions", "draw_rejections"]

_ORDER = ("session", "phase", "instrument", "name", "side", "reason", "shares", "price")


def _words(column: str, words: dict[str, str]) -> pl.Expr:
    said = {code: t(text) for code, text in words.items()}
    return pl.col(column).replace(said).alias(column)


def draw_positions(sessions: pl.DataFrame, positions: pl.DataFrame, names: dict[str, str]) -> None:
    """Draw exposure over time and what was held at one close.

    Parameters
    ----------
    sessions : DataFrame, columns of the table `backtest_equity`
    positions : DataFrame, columns of the table `backtest_positions`
    names : dict of str to str
        Names of instruments.
    """
    section(t("Exposure"), t("At each close."))
    frame = sessions.select("session", "n_positions", cash_share=pl.col("cash") / pl.col("equity"))
    st.echarts_chart(exposure(frame, palette(), t), height=300, key="exposure", alt=t("Positions and cash share"))
    _held(sessions["session"].to_list(), positions, names)


@live()
def _held(days: list, positions: pl.DataFrame, names: dict[str, str]) -> None:
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    day = left.selectbox(t("Session"), days[::-1], key="day", format_func=str)
    held = positions.filter(session=day).sort("weight", descending=True)
    right.caption(t("{n} positions, {w} of equity", n=held.height, w=f"{held['weight'].sum():.1%}"))
    column = st.column_config
    _open_instrument(
        held.with_columns(name=pl.col("instrument").replace_strict(names, default="")),
        key="held",
        order=["instrument", "name", "shares", "price", "value", "weight"],
        config={
            "instrument": t("Security"), "name": t("Name"),
            "shares": column.NumberColumn(t("Shares"), format="%,.0f"),
            "price": column.NumberColumn(t("Close"), format="%.2f"),
            "value": column.NumberColumn(t("Value"), format="%,.0f"),
            "weight": column.ProgressColumn(
                t("Weight"), format="percent", min_value=0.0, max_value=max(held["weight"].max() or 0.0, 1e-9)
            ),
        },
    )  # fmt: skip


@live()
def draw_fills(fills: pl.DataFrame, names: dict[str, str]) -> None:
    """Draw the trades with filters.

    Parameters
    ----------
    fills : DataFrame, columns of the table `backtest_fills`
    names : dict of str to str
        Names of instruments.
    """
    section(t("Trades"), t("Every fill. Click a row to open its K-line."))
    shown = _filtered(fills, names, FILL_REASONS, key="fills")
    column = st.column_config
    money = {"format": "%,.0f"}
    _open_instrument(
        shown,
        key="fill_rows",
        order=[*_ORDER, "value", "fees", "slippage"],
        config={
            "session": column.DateColumn(t("Session"), format="YYYY-MM-DD", width="small"),
            "phase": t("Phase"), "instrument": t("Security"),
            "name": t("Name"), "side": t("Side"), "reason": t("Reason"),
            "shares": column.NumberColumn(t("Shares"), **money),
            "price": column.NumberColumn(t("Price"), format="%.3f"),
            "value": column.NumberColumn(t("Value"), **money),
            "fees": column.NumberColumn(t("Fees"), format="%.2f"),
            "slippage": column.NumberColumn(t("Slippage"), format="%.2f"),
        },
    )  # fmt: skip


@live()
def draw_rejections(rejections: pl.DataFrame, names: dict[str, str]) -> None:
    """Draw the rejection ledger: counts by reason and every order.

    Parameters
    ----------
    rejections : DataFrame, columns of the table `backtest_rejections`
    names : dict of str to str
        Names of instruments.
    """
    section(t("Rejection ledger"), t("Every order, or the rest of one, that was not filled, and why."))
    if rejections.is_empty():
        empty(t("Every order was filled."))
        return
    counts = (
        rejections.with_columns(_words("reason", REJECTION_REASONS))
        .group_by("reason")
        .agg(buy=(pl.col("side") == "buy").sum(), sell=(pl.col("side") == "sell").sum())
    )
    st.echarts_chart(
        rejections_chart(counts, palette(), t), height=70 + 34 * counts.height, alt=t("Orders not filled, by reason")
    )
    shown = _filtered(rejections, names, REJECTION_REASONS, key="rejected")
    said = [detail_in_words(detail, t) for detail in shown["detail"]]
    shown = shown.with_columns(detail=pl.Series(said, dtype=pl.String))
    column = st.column_config
    _open_instrument(
        shown,
        key="rejection_rows",
        order=[*_ORDER, "detail"],
        config={
            "session": column.DateColumn(t("Session"), format="YYYY-MM-DD", width="small"),
            "phase": t("Phase"), "instrument": t("Security"),
            "name": t("Name"), "side": t("Side"), "reason": t("Reason"),
            "shares": column.NumberColumn(t("Shares"), format="%,.0f"),
            "price": column.NumberColumn(t("Price"), format="%.3f"),
            "detail": column.TextColumn(t("The numbers that decided"), width="large"),
        },
    )  # fmt: skip


def _filtered(rows: pl.DataFrame, names: dict[str, str], reasons: dict[str, str], *, key: str) -> pl.DataFrame:
    text_at, side_at, reason_at = st.columns([2, 1.4, 4], vertical_alignment="top")
    text = text_at.text_input(
        t("Security"), key=f"{key}_text", placeholder=t("Code or name"), type="search", live="200ms"
    )
    side = side_at.pills(t("Side"), list(SIDES), format_func=lambda s: t(SIDES[s]), key=f"{key}_side")
    present = [r for r in reasons if r in set(rows["reason"].unique())]
    chosen = reason_at.pills(
        t("Reason"), present, format_func=lambda r: t(reasons[r]), key=f"{key}_reason", selection_mode="multi"
    )
    rows = rows.with_columns(name=pl.col("instrument").replace_strict(names, default=""))
    if text:
        words = pl.concat_str("instrument", "name", separator=" ").str.to_lowercase()
        rows = rows.filter(words.str.contains(text.lower(), literal=True))
    if side:
        rows = rows.filter(side=side)
    if chosen:
        rows = rows.filter(pl.col("reason").is_in(chosen))
    st.caption(t("{n} rows", n=f"{rows.height:,}"))
    phases = {"open": t("open"), "intraday": t("intraday")}
    return rows.with_columns(_words("side", SIDES), _words("reason", reasons), pl.col("phase").replace(phases))


def _open_instrument(rows: pl.DataFrame, *, key: str, order: list[str], config: dict) -> None:
    chosen = st.dataframe(
        rows, hide_index=True, key=key, on_select="rerun", selection_mode="single-cell", column_order=order,
        column_config=config, height=table_height(rows.height, 530), lazy=False, placeholder="–",
    )  # fmt: skip
    cells = chosen.selection.cells
    if cells and cells[0][0] < rows.height:
        go("instrument", id=rows["instrument"][cells[0][0]])
