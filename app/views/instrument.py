"""One instrument: its K-line with indicators, figures of the last session, and what the lake knows about it."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import streamlit as st

from app import market_data
from app.charts.candles import Line, Pane, candles, candles_height
from app.choice import choose, choose_many
from app.figures import MISSING, money, price, price_range, signed_percent
from app.i18n import mark
from app.opened import opened
from app.page import Badge, Kpi, empty, header, kpis
from app.panels.instrument_details import corporate_actions, draw_details
from app.panels.wording import SECTORS
from app.routes import go, link
from app.session import lake, palette, preferences, read, settings, t
from qbrain_core import indicators
from qbrain_core.adjust import Adjustment, Period, apply_adjustment, resample

_PERIODS: dict[Period, str] = {"day": mark("Day"), "week": mark("Week"), "month": mark("Month")}
_ADJUSTMENTS: dict[Adjustment, str] = {
    "forward": mark("Forward adjusted"),
    "none": mark("Unadjusted"),
    "backward": mark("Backward adjusted"),
}
_RANGES = {
    "1m": mark("1M"), "3m": mark("3M"), "6m": mark("6M"), "ytd": mark("YTD"), "1y": mark("1Y"), "5y": mark("5Y"),
    "all": mark("All"),
}  # fmt: skip
_RANGE_DAYS = {"1m": 31, "3m": 92, "6m": 183, "1y": 366, "5y": 1827}
_OVERLAYS = {"ma": "MA", "ema": "EMA", "boll": "BOLL"}
_PANES = {"macd": "MACD", "rsi": "RSI", "kdj": "KDJ", "atr": "ATR", "obv": "OBV"}
_MA_WINDOWS, _EMA_WINDOWS, _RSI_WINDOW, _ATR_WINDOW = (5, 10, 20, 60), (12, 26), 14, 14
_BASES = {"raw": mark("raw prices"), "split_adjusted": mark("prices already adjusted for splits")}
_YEAR_DAYS = 366


def render() -> None:
    code = st.query_params.get("id", "")
    if not code:
        header(t("Instrument"))
        empty(t("No instrument is chosen."), t("Search for one by code or name."))
        link("instruments", t("Search instruments"), icon=":material/search:")
        return
    known = read(market_data.instrument, "instruments", code=code)
    bars = read(market_data.bars_of, "bars", code=code)
    if known is None and bars.is_empty():
        _unknown(code)
        return
    opened(settings()).note(code)
    facts = known or {"instrument": code, "market": bars["market"][0]}
    _title(facts, bars)
    if bars.is_empty():
        empty(
            t("The lake holds no prices of {code}.", code=code),
            t("Read them from a file: qbrain ingest PATH --market {market}", market=facts["market"]),
        )
        return
    _figures(facts, bars)
    _chart(facts, bars)
    draw_details(facts, bars)


def _unknown(code: str) -> None:
    header(code)
    empty(t("The lake does not know {code}.", code=code), t("Codes look like 600519.SH or AAPL.US."))
    for row in lake().search(code.rpartition(".")[0] or code, limit=5).iter_rows(named=True):
        name = market_data.name_of(row, preferences().language)
        link("instrument", f"{row['instrument']} · {name}", id=row["instrument"])
    link("instruments", t("Search instruments"), icon=":material/search:")


def _title(facts: dict[str, Any], bars: pl.DataFrame) -> None:
    known = [str(facts[k]) for k in ("market", "sector", "industry", "currency") if facts.get(k)]
    badges = [Badge(t(SECTORS.get(word, word))) for word in known]
    if facts.get("kind") in ("index", "etf"):
        badges.insert(0, Badge(t("Index") if facts["kind"] == "index" else t("ETF"), "blue"))
    if market_data.is_synthetic(facts["market"]):
        badges.insert(0, Badge(t("Synthetic data"), "violet", t("Generated prices, no real market")))
    if facts.get("delisted"):
        badges.insert(0, Badge(t("Delisted {session}", session=facts["delisted"]), "red"))
    if bars.height:
        last = bars.row(-1, named=True)
        if last["special_treatment"]:
            badges.insert(0, Badge("ST", "amber", t("Under special treatment")))
        if last["halted"]:
            badges.insert(0, Badge(t("Halted"), "amber"))
    name = market_data.name_of(facts, preferences().language)
    other = facts.get("name_en" if preferences().language == "zh" else "name_zh") or ""
    title, jump = st.columns([5, 1], vertical_alignment="bottom")
    with title:
        header(
            name, caption=" · ".join(x for x in (facts["instrument"], other) if x and x != name),
            as_of=bars["session"][-1] if bars.height else None, badges=badges,
        )  # fmt: skip
    with jump:
        wanted = st.text_input(
            t("Go to"), type="search", key="jump", placeholder=t("Go to code or name"), label_visibility="collapsed"
        )
    if wanted:
        found = lake().search(wanted, limit=1)
        if found.height and found["instrument"][0] != facts["instrument"]:
            go("instrument", id=found["instrument"][0])


def _figures(facts: dict[str, Any], bars: pl.DataFrame) -> None:
    last = bars.row(-1, named=True)
    adjusted = apply_adjustment(bars, "forward").filter(pl.col("close").is_not_null())
    closes = adjusted["close"]
    change = closes[-1] / closes[-2] - 1 if len(closes) > 1 else None
    year = adjusted.filter(pl.col("session") > last["session"] - timedelta(days=_YEAR_DAYS))
    earned = closes[-1] / year["close"][0] - 1 if year.height > 1 else None
    language = preferences().language
    kpis(
        [
            Kpi(t("Close"), price(last["close"]), signed_percent(change), trend=change or 0.0),
            Kpi(t("Open"), price(last["open"])),
            Kpi(t("High"), price(last["high"])),
            Kpi(t("Low"), price(last["low"])),
            Kpi(t("Volume"), money(last["volume"], language), t("shares")),
            Kpi(t("Turnover"), money(last["amount"], language) if last["amount"] is not None else MISSING,
                f"{facts.get('currency') or ''} {t('value traded')}".strip()),
            Kpi(t("52-week range"), price_range(year["low"].min(), year["high"].max()), t("forward adjusted")),
            Kpi(t("1-year return"), signed_percent(earned), t("dividends included"), trend=earned or 0.0),
        ]
    )  # fmt: skip


def _chart(facts: dict[str, Any], bars: pl.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        period: Period = choose(t("Period"), {k: t(v) for k, v in _PERIODS.items()}, name="period")  # type: ignore[assignment]
        mode: Adjustment = choose(t("Adjustment"), {k: t(v) for k, v in _ADJUSTMENTS.items()}, name="adjust")  # type: ignore[assignment]
        span = choose(t("Range"), {k: t(v) for k, v in _RANGES.items()}, name="range", default="1y")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        drawn = choose_many(t("Overlays"), _OVERLAYS, name="overlays", default=("ma",))
        below = choose_many(t("Panes"), _PANES, name="panes", default=("macd",))
        scale = choose(t("Scale"), {"linear": t("Linear"), "log": t("Log")}, name="scale")
    shown = resample(apply_adjustment(bars, mode), period)
    frame, overlays, panes = _with_indicators(shown, drawn, below)
    unit, size = _volume_unit(frame["volume"])
    frame = frame.with_columns(pl.col("session").dt.to_string("%Y-%m-%d"), volume=pl.col("volume") / size)
    labels = {
        "title": facts["instrument"],
        "session": t("Session"), "open": t("Open"), "high": t("High"), "low": t("Low"), "close": t("Close"),
        "volume": t("Volume ({unit})", unit=unit) if unit else t("Volume"), "macd_hist": t("MACD bar"),
    }  # fmt: skip
    option = candles(
        frame, labels=labels, overlays=overlays, panes=panes, markers=_markers(facts["instrument"], shown),
        first_shown=_first_shown(shown["session"], span), digits=_digits(shown["close"]), logarithmic=scale == "log",
        palette=palette(),
    )  # fmt: skip
    alt = t("Candles of {code}, {first} to {last}", code=facts["instrument"], first=frame["session"][0],
            last=frame["session"][-1])  # fmt: skip
    # a new key for a new window: the chart keeps its zoom while the key stays
    key = f"kline-{facts['instrument']}-{period}-{span}-{len(panes)}"
    st.echarts_chart(option, height=candles_height(len(panes)), key=key, alt=alt)
    st.caption(_basis(facts, bars, mode))


def _with_indicators(
    bars: pl.DataFrame, drawn: list[str], below: list[str]
) -> tuple[pl.DataFrame, list[Line], list[Pane]]:
    parts = [bars.select("session", "open", "high", "low", "close", "volume")]
    overlays: list[Line] = []
    panes: list[Pane] = []
    if "ma" in drawn:
        parts.append(indicators.ma(bars, windows=_MA_WINDOWS))
        overlays += [Line(f"ma{n}", f"MA{n}") for n in _MA_WINDOWS]
    if "ema" in drawn:
        parts.append(indicators.ema(bars, windows=_EMA_WINDOWS))
        overlays += [Line(f"ema{n}", f"EMA{n}") for n in _EMA_WINDOWS]
    if "boll" in drawn:
        parts.append(indicators.boll(bars))
        overlays += [Line("boll_upper", t("BOLL upper"), dashed=True), Line("boll_lower", t("BOLL lower"), dashed=True)]
        if "ma" not in drawn:  # the middle band is the MA20
            overlays.append(Line("boll_middle", t("BOLL middle")))
    for name in below:
        if name == "macd":
            parts.append(indicators.macd(bars).with_columns(pl.col("macd_hist") * 2))  # the Chinese habit
            panes.append(Pane("MACD 12 26 9", (Line("macd_dif", "DIF"), Line("macd_dea", "DEA")), bars="macd_hist"))
        elif name == "rsi":
            parts.append(indicators.rsi(bars, window=_RSI_WINDOW))
            panes.append(Pane(f"RSI {_RSI_WINDOW}", (Line(f"rsi{_RSI_WINDOW}", "RSI"),), levels=(30.0, 70.0)))
        elif name == "kdj":
            parts.append(indicators.kdj(bars))
            panes.append(
                Pane("KDJ 9 3 3", (Line("kdj_k", "K"), Line("kdj_d", "D"), Line("kdj_j", "J")), levels=(20.0, 80.0))
            )
        elif name == "atr":
            parts.append(indicators.atr(bars, window=_ATR_WINDOW))
            panes.append(Pane(f"ATR {_ATR_WINDOW}", (Line(f"atr{_ATR_WINDOW}", "ATR"),)))
        else:
            parts.append(indicators.obv(bars))
            panes.append(Pane("OBV", (Line("obv", "OBV"),)))
    return pl.concat(parts, how="horizontal"), overlays, panes


def _first_shown(sessions: pl.Series, span: str) -> str:
    last: date = sessions[-1]
    if span == "all":
        start = sessions[0]
    elif span == "ytd":
        start = date(last.year, 1, 1)
    else:
        start = last - timedelta(days=_RANGE_DAYS[span])
    return str(sessions.filter(sessions >= start)[0])


def _volume_unit(volume: pl.Series) -> tuple[str, float]:
    largest = volume.max() or 0.0
    steps = ((1e8, "亿"), (1e4, "万")) if preferences().language == "zh" else ((1e9, "B"), (1e6, "M"), (1e3, "K"))
    return next(((unit, size) for size, unit in steps if largest >= 10 * size), ("", 1.0))  # type: ignore[operator]


def _digits(closes: pl.Series) -> int:
    middle = closes.drop_nulls().median()
    return 2 if middle is None or float(middle) >= 1 else 4  # type: ignore[arg-type]


def _markers(code: str, shown: pl.DataFrame) -> list[tuple[str, float, str]]:
    letters = {"dividend": t("D"), "split": t("S"), "adjustment": t("A")}
    actions = read(corporate_actions, "corporate_actions", code=code).sort("session")
    placed = actions.join_asof(
        shown.select(period_end="session", high="high").sort("period_end"),
        left_on="session", right_on="period_end", strategy="forward",
    )  # fmt: skip
    return [
        (str(r["period_end"]), r["high"], letters.get(r["action"], "A"))
        for r in placed.iter_rows(named=True)
        if r["period_end"] is not None and r["high"] is not None
    ]


def _basis(facts: dict[str, Any], bars: pl.DataFrame, mode: Adjustment) -> str:
    how = {
        "none": t("Prices as they were traded, not adjusted"),
        "forward": t("Forward adjusted to {session}: that session's prices are as traded", session=bars["session"][-1]),
        "backward": t("Backward adjusted: price × cumulative factor, 1 at the first bar"),
    }[mode]
    parts = [
        how,
        str(facts.get("currency") or ""),
        t("source basis: {basis}", basis=t(_BASES[bars["price_basis"][-1]])),
    ]
    parts.append(t("volume as traded; D dividend, S split, A other adjustment"))
    if market_data.is_synthetic(facts["market"]):
        parts.append(t("synthetic data"))
    return " · ".join(p for p in parts if p)
