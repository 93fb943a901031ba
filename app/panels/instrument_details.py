"""What the lake knows of one instrument besides its chart: bars, corporate actions, fundamentals, predictions."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from app.charts.lines import lines
from app.choice import choose
from app.grid import grid
from app.i18n import mark
from app.page import empty
from app.routes import link
from app.session import palette, read, t
from lake import Lake

__all__ = ["corporate_actions", "draw_details"]

_WORDS = {
    "session": mark("Session"), "open": mark("Open"), "high": mark("High"), "low": mark("Low"),
    "close": mark("Close"), "volume": mark("Volume"), "amount": mark("Turnover"), "factor": mark("Adjustment factor"),
    "halted": mark("Halted"), "limit_up": mark("Limit up"), "limit_down": mark("Limit down"),
    "special_treatment": mark("ST"), "action": mark("Action"), "value": mark("Value"),
    "factor_step": mark("Factor step"), "period_end": mark("Period end"), "known_at": mark("Known since"),
    "item_set": mark("Statement"), "eps": mark("Earnings per share"),
}  # fmt: skip
_AMOUNTS = {
    "revenue": mark("Revenue, M"), "operating_income": mark("Operating income, M"),
    "net_income": mark("Net income, M"), "assets": mark("Assets, M"), "liabilities": mark("Liabilities, M"),
    "equity": mark("Equity, M"), "operating_cash_flow": mark("Operating cash flow, M"), "shares": mark("Shares, M"),
}  # fmt: skip
"""Figures of statements that are shown in millions."""

_ACTIONS = {"dividend": mark("Dividend"), "split": mark("Split"), "adjustment": mark("Other adjustment")}
_PRICES = ("open", "high", "low", "close", "limit_up", "limit_down")
_FLAGS = ("halted", "special_treatment", "limit_up", "limit_down", "amount")  # left out where they say nothing


def corporate_actions(lake: Lake, as_of: dict[str, int], *, code: str) -> pl.DataFrame:
    """List what changed an instrument's prices without a trade.

    Parameters
    ----------
    lake : Lake
    as_of : dict
    code : str

    Returns
    -------
    DataFrame, columns (session: date, action: str, value, factor_step: f64)
        Newest first.
    """
    query = (
        "SELECT session, action, value, factor_step FROM corporate_actions WHERE instrument = ? ORDER BY session DESC"
    )
    return lake.sql(query, [code], as_of=as_of)


def draw_details(facts: Mapping[str, Any], bars: pl.DataFrame) -> None:
    """Draw the tabs below the chart.

    Parameters
    ----------
    facts : mapping
        Row of `instruments`.
    bars : DataFrame, columns of the table `bars`
        Of this instrument, ascending.
    """
    code = facts["instrument"]
    names = {
        "bars": t("Bars"),
        "actions": t("Corporate actions"),
        "fundamentals": t("Fundamentals"),
        "scores": t("Predictions"),
    }
    tab = choose(t("Details"), names, name="tab")
    if tab == "bars":
        _bars(code, bars)
    elif tab == "actions":
        found = read(corporate_actions, "corporate_actions", code=code)
        said = {word: t(text) for word, text in _ACTIONS.items()}
        if found.is_empty():
            empty(t("No dividend, split or other adjustment is known."))
        else:
            grid(found.with_columns(pl.col("action").replace(said)), labels=_labels(found), max_height=360)
    elif tab == "fundamentals":
        _statements(read(_fundamentals, "fundamentals", code=code))
    else:
        _predictions(read(_scores, "predictions", code=code))


def _bars(code: str, bars: pl.DataFrame) -> None:
    dull = [c for c in _FLAGS if bars[c].drop_nulls().is_empty() or (bars[c].dtype == pl.Boolean and not bars[c].any())]
    shown = bars.drop("instrument", "market", "year", "price_basis", *dull).reverse()
    number = st.column_config.NumberColumn
    digits = 2 if (bars["close"].drop_nulls().median() or 1.0) >= 1 else 4  # type: ignore[operator]
    config = {c: number(t(_WORDS[c]), format=f"%,.{digits}f") for c in _PRICES if c in shown.columns}
    config |= {c: number(t(_WORDS[c]), format="%,.0f") for c in ("volume", "amount") if c in shown.columns}
    config["factor"] = number(t(_WORDS["factor"]), format="%.6f", help=t("Price × factor is the adjusted price."))
    grid(shown, labels=_labels(shown), config=config, max_height=320)
    st.download_button(
        t("Download CSV"), bars.write_csv().encode(), f"{code}.csv", "text/csv", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip


def _statements(found: pl.DataFrame) -> None:
    if found.is_empty():
        empty(t("No fundamentals are known of this instrument."))
        return
    amounts = [c for c in _AMOUNTS if c in found.columns]
    keep = [c for c in found.columns if c not in ("instrument", "market", "known_year")]
    shown = found.select(keep).with_columns(pl.col(amounts) / 1e6).reverse()
    number = st.column_config.NumberColumn
    config = {c: number(t(_AMOUNTS[c]), format="%,.1f") for c in amounts}
    config["eps"] = number(t(_WORDS["eps"]), format="%.4f")
    grid(shown, labels=_labels(shown), config=config, max_height=360)


def _labels(frame: pl.DataFrame) -> dict[str, str]:
    return {c: t(_WORDS[c]) for c in frame.columns if c in _WORDS}


def _predictions(scores: pl.DataFrame) -> None:
    if scores.is_empty():
        empty(t("No model has scored this instrument yet."), t("Train a model and let it predict."))
        link("training", t("Train a model"), icon=":material/model_training:")
        return
    named = scores.with_columns(line=pl.format("{} v{}", "model", "version"), session=pl.col("session").dt.to_string())
    wide = named.pivot("line", index="session", values="score", aggregate_function="first").sort("session")
    names = {c: c for c in wide.columns if c != "session"}
    option = lines(wide, names=names, palette=palette())
    st.echarts_chart(option, height=280, key="scores", alt=t("Scores by model and session"))


def _fundamentals(lake: Lake, as_of: dict[str, int], *, code: str) -> pl.DataFrame:
    return lake.fundamentals(code, as_of=as_of)


def _scores(lake: Lake, as_of: dict[str, int], *, code: str) -> pl.DataFrame:
    query = (
        "SELECT model, version, session, score FROM predictions WHERE instrument = ? ORDER BY model, version, session"
    )
    return lake.sql(query, [code], as_of=as_of)
