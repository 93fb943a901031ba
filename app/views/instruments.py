"""Search as you type over codes, names and pinyin initials, with filters and sparklines."""

from typing import Any

import polars as pl
import streamlit as st

from app import market_data
from app.choice import choose
from app.figures import count
from app.grid import grid
from app.i18n import mark
from app.page import Badge, empty, header, live
from app.panels.wording import SECTORS
from app.routes import go
from app.session import preferences, read, t
from lake import Lake

_PAGE_ROWS = 25
_EVERY = 1_000_000  # more than any lake holds
_KINDS = {"stock": mark("Stock"), "etf": mark("ETF"), "index": mark("Index")}


def render() -> None:
    known = read(market_data.markets, "bars", "instruments")
    shown = list(known.iter_rows(named=True))
    header(
        t("Instruments"),
        caption=t("Search by code, English or Chinese name, or pinyin initials"),
        as_of=max((r["last"] for r in shown), default=None),
        badges=[Badge(t("Includes synthetic data"), "violet")]
        if any(market_data.is_synthetic(r["market"]) for r in shown)
        else [],
    )
    facets = read(market_data.facets, "instruments")
    if not facets["market"]:
        empty(
            t("The lake knows no instruments yet."),
            t("Start with `make up` to get the demo market, or read a file: qbrain ingest PATH --market US"),
        )
        return
    _search(facets)


@live()
def _search(facets: dict[str, list[str]]) -> None:
    typed, market_column, kind_column, sector_column = st.columns([3, 1, 1, 1.3])
    text = typed.text_input(
        t("Search"), type="search", key="q", bind="query-params", live="200ms", label_visibility="collapsed",
        placeholder=t("600519, Apple, 贵州茅台, GZMT …"),
    )  # fmt: skip
    with market_column:
        market = choose(
            t("Market"), {"": t("All markets"), **{m: m for m in facets["market"]}}, name="market", look="select"
        )
    with kind_column:
        kinds = {k: t(_KINDS.get(k, k)) for k in facets["kind"]}
        kind = choose(t("Kind"), {"": t("All kinds"), **kinds}, name="kind", look="select")
    with sector_column:
        sectors = {"": t("All sectors"), **{s: t(SECTORS.get(s, s)) for s in facets["sector"]}}
        sector = choose(t("Sector"), sectors, name="sector", look="select")
    found = read(_found, "instruments", "bars", text=text or "", market=market, kind=kind, sector=sector)
    if found.is_empty():
        empty(
            t("Nothing matches “{text}” with these filters.", text=text or ""),
            t("Try fewer letters, a code without its market, or pinyin initials; or clear the filters."),
        )
        return
    pages = -(-found.height // _PAGE_ROWS)
    rows_text = t("{n} found", n=count(found.height))
    bare = found.height - int(found["priced"].sum())
    if bare:
        rows_text += " · " + t("{n} without prices", n=count(bare))
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.caption(rows_text + " · " + t("click a row to open its chart"))
    number = 1
    if pages > 1:
        with right:
            options = {str(i): t("Page {i} of {n}", i=i, n=pages) for i in range(1, pages + 1)}
            number = int(choose(t("Page"), options, name="page", look="select"))
    _table(found.slice((number - 1) * _PAGE_ROWS, _PAGE_ROWS))


def _found(lake: Lake, as_of: dict[str, int], *, text: str, market: str, kind: str, sector: str) -> pl.DataFrame:
    found = lake.search(
        text, market=market or None, kind=kind or None, sector=sector or None, limit=_EVERY, as_of=as_of
    )
    found = found.with_columns(priced=pl.col("instrument").is_in(list(market_data.priced(lake, as_of))))
    # who searches knows what for; who browses wants what can be charted
    return found if text.strip() else found.sort("priced", descending=True, maintain_order=True)


def _table(rows: pl.DataFrame) -> None:
    codes = tuple(rows["instrument"].to_list())
    prices = read(market_data.recent_closes, "bars", instruments=codes)
    language = preferences().language
    names = [market_data.name_of(r, language) for r in rows.iter_rows(named=True)]
    kinds = [t(_KINDS.get(k, k)) for k in rows["kind"].to_list()]
    sectors = {code: t(word) for code, word in SECTORS.items()}
    table = (
        rows.select(
            "instrument", pl.coalesce("sector", "industry").replace(sectors).alias("sector"), "delisted", "currency"
        )
        .with_columns(name=pl.Series(names, dtype=pl.String), kind=pl.Series(kinds, dtype=pl.String))
        .join(prices, on="instrument", how="left", maintain_order="left")
        .with_columns(change=pl.col("change") * 100)
        .select("instrument", "name", "kind", "sector", "line", "close", "change", "currency", "last", "delisted")
    )
    config: dict[str, Any] = {
        "instrument": st.column_config.TextColumn(t("Code"), width=112),
        "name": st.column_config.TextColumn(t("Name"), width="medium"),
        "kind": st.column_config.TextColumn(t("Kind"), width=64),
        "sector": st.column_config.TextColumn(t("Sector"), width=172),
        "line": st.column_config.LineChartColumn(t("60 sessions, adjusted"), width="medium"),
        "close": st.column_config.NumberColumn(t("Close"), format="%,.2f", width="small"),
        "change": st.column_config.NumberColumn(t("Change"), format="%+.2f%%", width="small"),
        "currency": st.column_config.TextColumn(t("Currency"), width="small"),
        "last": st.column_config.DateColumn(t("Last session"), width="small", format="YYYY-MM-DD"),
        "delisted": st.column_config.DateColumn(t("Delisted"), width="small", format="YYYY-MM-DD"),
    }
    currencies = table["currency"].unique().drop_nulls()
    dull = [] if table["delisted"].is_not_null().any() else ["delisted"]
    if len(currencies) == 1:
        close = st.column_config.NumberColumn(f"{t('Close')}, {currencies[0]}", format="%,.2f", width="small")
        config, dull = config | {"close": close}, [*dull, "currency"]
    event = grid(
        table.drop(dull),
        config=config, max_height=1200, on_select="rerun", selection_mode="single-cell", key="instruments-table",
    )  # fmt: skip
    if event.selection.cells:
        go("instrument", id=codes[event.selection.cells[0][0]])
