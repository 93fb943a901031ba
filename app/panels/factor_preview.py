"""What an expression gives on a few instruments: computed here and now, because they are few."""

from datetime import date, timedelta

import polars as pl
import streamlit as st

from app import market_data, markup
from app.charts.candles import Line, Pane, candles, candles_height
from app.charts.factor_lines import HEIGHT, factor_lines
from app.choice import choose
from app.figures import count, percent
from app.i18n import mark
from app.page import empty
from app.panels.preview_data import largest, preview_values, stocks, tables_of
from app.session import palette, preferences, read, t
from qbrain_core.adjust import apply_adjustment
from qbrain_core.errors import QBrainError
from qbrain_core.factors.expression import Node, format

__all__ = ["choose_market", "draw_preview"]

_MOST = 3
_RANGES = {"6m": mark("6M"), "1y": mark("1Y"), "3y": mark("3Y"), "all": mark("All")}
_RANGE_DAYS = {"6m": 183, "1y": 366, "3y": 1096}
_PARAMETER, _KEY, _SEEN = "names", "factor-names", "factor-names-seen"
_TITLE_CHARS, _NAME_CHARS = 80, 15


def choose_market() -> str:
    """Let the reader choose a market where there are several.

    Returns
    -------
    str
        Its code; "" where the lake has no bars.
    """
    known = read(market_data.markets, "bars", "instruments")["market"].to_list()
    if len(known) < 2:
        return str(known[0]) if known else ""
    return choose(t("Market"), {code: code for code in known}, name="market", look="select", show_label=True)


def draw_preview(node: Node, market: str) -> tuple[str, ...]:
    """Draw an expression's values on a few instruments of a market.

    Parameters
    ----------
    node : Node
        Reads the past only.
    market : str

    Returns
    -------
    tuple of str
        The instruments shown.
    """
    known = read(stocks, "instruments", "bars", market=market, language=preferences().language)
    if not known:
        empty(t("{market} has no stock with bars.", market=market), t("Read some: qbrain ingest PATH --market …"))
        return ()
    codes = tuple(_choose_names(market, known))
    with st.container(horizontal=True, vertical_alignment="center", key="factor-preview-shelf"):
        span = choose(t("Range"), {k: t(v) for k, v in _RANGES.items()}, name="range", default="1y")
        shown = {"": t("Together"), **{code: code for code in codes}}
        view = choose(t("Shown as"), shown, name="view") if codes else ""
    if not codes:
        empty(t("No instrument is chosen."), t("Choose up to {n}.", n=_MOST))
        return ()
    try:
        with st.spinner(t("Computing … what is used for the first time is compiled first.")):
            tables = tables_of(node)
            values, missing = read(preview_values, *tables, text=format(node), market=market, codes=codes)
    except QBrainError as error:
        st.html(markup.notice(t("There are no values to show"), str(error), tone="amber"))
        return ()
    if missing:
        names = ", ".join(f"${name}" for name in missing)
        st.html(markup.notice(t("The lake has no {names} of {market}.", names=names, market=market), "", tone="amber"))
    if values.is_empty():
        empty(t("These instruments have no bars."))
        return ()
    last: date = values["session"].max()  # type: ignore[assignment]
    start = last - timedelta(days=_RANGE_DAYS[span]) if span in _RANGE_DAYS else date.min
    if view:
        _draw_candles(values.filter(instrument=view), view, format(node), start)
    else:
        option = factor_lines(
            values.filter(pl.col("session") > start), dict(zip(codes, codes, strict=True)), palette(), t
        )
        alt = t("The factor on {names}, and their prices", names=", ".join(codes))
        st.echarts_chart(option, height=HEIGHT, key="factor-lines", alt=alt)
    _say_counts(values)
    return codes


def _choose_names(market: str, known: dict[str, str]) -> list[str]:
    usual = read(largest, "bars", "instruments", market=market, n=_MOST)
    wanted = st.query_params.get(_PARAMETER, ",".join(usual))
    if st.session_state.get(_SEEN) != (market, wanted):
        st.session_state[_KEY] = [code for code in wanted.split(",") if code in known][:_MOST]
    codes = st.multiselect(
        t("Instruments"), list(known), key=_KEY, max_selections=_MOST, label_visibility="collapsed", width="stretch",
        format_func=lambda code: _label(code, known[code]), placeholder=t("Instruments"),
    )  # fmt: skip
    value = ",".join(codes)
    if value == ",".join(usual):
        st.query_params.pop(_PARAMETER, None)
    elif st.query_params.get(_PARAMETER) != value:
        st.query_params[_PARAMETER] = value
    st.session_state[_SEEN] = (market, value)
    return codes


def _label(code: str, name: str) -> str:
    return f"{code} {name if len(name) <= _NAME_CHARS else name[: _NAME_CHARS - 1] + '…'}".strip()


def _draw_candles(values: pl.DataFrame, code: str, text: str, start: date) -> None:
    bars = apply_adjustment(read(market_data.bars_of, "bars", code=code), "forward")
    frame = bars.join(values.select("session", factor="value"), on="session", how="left", maintain_order="left")
    frame = frame.select(
        pl.col("session").dt.to_string("%Y-%m-%d"), "open", "high", "low", "close", "volume",
        pl.col("factor").cast(pl.Float64).replace([float("inf"), float("-inf")], None),
    )  # fmt: skip
    labels = {
        "title": code, "session": t("Session"), "open": t("Open"), "high": t("High"), "low": t("Low"),
        "close": t("Close"), "volume": t("Volume"),
    }  # fmt: skip
    title = text if len(text) <= _TITLE_CHARS else text[: _TITLE_CHARS - 1] + "…"
    middle = frame["close"].drop_nulls().median()
    option = candles(
        frame, labels=labels, overlays=[], panes=[Pane(title, (Line("factor", t("Factor value")),))],
        first_shown=str(frame.filter(pl.col("session") > str(start))["session"][0]),
        digits=2 if middle is None or float(middle) >= 1 else 4,  # type: ignore[arg-type]
        logarithmic=False, palette=palette(),
    )  # fmt: skip
    alt = t("Candles of {code}, {first} to {last}", code=code, first=frame["session"][0], last=frame["session"][-1])
    st.echarts_chart(option, height=candles_height(1), key=f"factor-candles-{code}-{start}", alt=alt)


def _say_counts(values: pl.DataFrame) -> None:
    n = values.height
    known = values["value"].drop_nulls()
    infinite = int(known.is_infinite().sum())
    said = [
        t("{n} rows since {session}", n=count(n), session=values["session"].min()),
        t("{share} without a value", share=percent(1 - len(known) / n if n else None, 1)),
    ]
    if infinite:
        said.append(t("{n} infinite", n=count(infinite)))
    finite = known.filter(known.is_finite())
    if len(finite):
        low, middle, high = (finite.quantile(q) for q in (0.01, 0.5, 0.99))
        said.append(
            t("1 % {low}, median {middle}, 99 % {high}", low=f"{low:.4g}", middle=f"{middle:.4g}", high=f"{high:.4g}")
        )
    st.caption(" · ".join(said))
