"""The factor pages, run by Streamlit's own test runner over a real lake and records."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from lake import Lake
from lake.records import open_records
from lake.records.factor_sets import find_set, list_sets, save_set
from qbrain_core.factors import FactorSet
from qbrain_core.settings import Settings

PATIENCE_S = 120
CODES = ["A.DEMO", "B.DEMO", "C.DEMO"]
MINE = FactorSet("mine", {"MOM": "$close / Ref($close, 5) - 1"}, "Momentum", "me", "local", "private")


def draw(view: str) -> None:
    from importlib import import_module

    from app.page import guarded
    from app.routes import navigation

    navigation()
    guarded(import_module(f"app.views.{view}").render)()


@pytest.fixture
def filled(lake: Lake) -> Lake:
    days = [date(2025, 3, 3) + timedelta(days=i) for i in range(90)]
    days = [day for day in days if day.weekday() < 5]
    wave = pl.Series([10 + math.sin(i / 5) for i in range(len(days))])
    bars = pl.concat(
        pl.DataFrame({"instrument": code, "session": days, "close": wave * (k + 1)}) for k, code in enumerate(CODES)
    ).with_columns(
        market=pl.lit("DEMO"), open=pl.col("close") * 0.99, high=pl.col("close") * 1.02, low=pl.col("close") * 0.98,
        volume=pl.lit(1e6), amount=pl.col("close") * 1e6, factor=pl.lit(1.0), halted=pl.lit(False),
        price_basis=pl.lit("raw"),
    )  # fmt: skip
    names = pl.DataFrame(
        {"instrument": CODES, "market": "DEMO", "ticker": [c[:1] for c in CODES], "kind": "stock", "currency": "CNY",
         "lot": [100] * len(CODES)},
        schema_overrides={"lot": pl.Int32},
    )  # fmt: skip
    with lake.commit("fill", 1) as transaction:
        transaction.upsert("instruments", names)
        transaction.upsert("bars", bars)
    return lake


@pytest.fixture
def visit(filled: Lake, valkey: Any) -> Callable[..., AppTest]:
    st.cache_data.clear()
    st.cache_resource.clear()

    def run(view: str, **query: str) -> AppTest:
        page = AppTest.from_function(draw, kwargs={"view": view}, default_timeout=PATIENCE_S)
        for name, value in query.items():
            page.query_params[name] = value
        return checked(page.run())

    return run


def checked(page: AppTest) -> AppTest:
    assert not page.exception
    assert "This could not be shown" not in html(page)
    return page


def html(page: AppTest) -> str:
    return "\n".join(str(item.proto.body) for item in page.get("html"))


def button(page: AppTest, label: str) -> Any:
    return next(b for b in page.button if b.label == label)


def test_library_lists_what_ships_and_what_is_mine(visit: Callable[..., AppTest], settings: Settings) -> None:
    records = open_records(settings)
    save_set(records, MINE)
    save_set(records, replace(MINE, name="hers", owner="ann"))
    page = visit("factors", find="MOM")
    for words in ("alpha158", "alpha360", "alpha101", "mine", "Momentum", "not probed yet"):
        assert words in html(page)
    assert "hers" not in html(page)
    table = page.dataframe[0].value
    assert table["set"].to_list()[0] == "mine@1"
    assert table["factor"].to_list()[0] == "MOM"


def test_search_without_a_hit_says_so(visit: Callable[..., AppTest]) -> None:
    assert "No factor matches “qwertz”." in html(visit("factors", find="qwertz"))


def test_set_that_is_not_there_is_an_empty_state(visit: Callable[..., AppTest], settings: Settings) -> None:
    save_set(open_records(settings), replace(MINE, owner="ann"))
    assert "There is no factor set mine for you." in html(visit("factors", set="mine"))
    assert "There is no factor set mine@7 for you." in html(visit("factors", set="mine@7"))


def test_set_shows_its_versions_and_what_changed(visit: Callable[..., AppTest], settings: Settings) -> None:
    records = open_records(settings)
    save_set(records, MINE)
    save_set(records, replace(MINE, expressions={"MOM": "$close / Ref($close, 9) - 1", "VOL": "Std($close, 9)"}))
    page = visit("factors", set="mine", tab="versions")
    for words in ("version 2", "+VOL, ~MOM", "first version", "not been computed on any market yet"):
        assert words in html(page)
    checked(button(page, "Put away").click().run())
    assert find_set(records, "mine", user="local").archived
    assert [s.name for s in list_sets(records, user="local") if s.owner == "local"] == []


def test_set_is_computed_by_a_job(visit: Callable[..., AppTest], settings: Settings) -> None:
    from jobs import jobs

    save_set(open_records(settings), MINE)
    page = visit("factors", set="mine")
    checked(next(b for b in page.button if b.key == "factor-compute-start").click().run())
    (made,) = jobs(kind="factors", settings=settings)
    assert (made.spec["factor_set"], made.spec["market"]) == ("mine@1", "DEMO")


def test_factor_of_a_set_says_what_it_is_made_of(visit: Callable[..., AppTest], settings: Settings) -> None:
    save_set(open_records(settings), MINE)
    page = visit("factor", set="mine", name="MOM")
    for words in ("MOM has not been judged yet.", "mine@1", "full window from 2025-03-10", "$close"):
        assert words in html(page)
    assert len(page.get("echarts_chart")) + len(page.get("echarts")) == 1
    assert "There is no factor NO here" in html(visit("factor", set="mine", name="NO"))


def test_editor_says_what_is_wrong_and_where(visit: Callable[..., AppTest]) -> None:
    page = visit("factor", q="Mean($clos, 5)")
    assert "at character 6" in html(page)
    assert "cannot be read yet" in html(page)
    assert len(page.dataframe) == 1  # the words of the language
    assert "It looks ahead" in html(visit("factor", q="Ref($close, -1)/$close"))
    assert "units do not match" in html(visit("factor", q="$close + $volume"))


def test_editor_keeps_an_expression_in_a_set(visit: Callable[..., AppTest], settings: Settings) -> None:
    page = visit("factor", q="Mean($close, 5)/$close", named="MA5")
    page.text_input(key="factor-save-new").set_value("fresh")
    page.button(key="factor-save-do").click()
    checked(page.run())
    kept = find_set(open_records(settings), "fresh", user="local")
    assert dict(kept.expressions) == {"MA5": "Mean($close, 5)/$close"}
    assert (kept.version, kept.visibility) == (1, "private")


def test_editor_probes_for_look_ahead(visit: Callable[..., AppTest]) -> None:
    page = visit("factor", q="Mean($close, 5)/$close")
    checked(button(page, "Probe for look-ahead").click().run())
    assert "no look-ahead found" in html(page)
    assert "Cut in time" in html(page)
