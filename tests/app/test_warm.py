from datetime import date

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from app.opened import opened
from app.session import lake as app_lake
from app.warm import warm
from lake import open_lake

DAYS = [date(2024, 1, 2), date(2024, 1, 3)]


@pytest.fixture(autouse=True)
def _fresh_caches():
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def filled(settings):
    lake = open_lake(settings)
    names = {"A.US": "stock", "B.US": "stock", "SPY.US": "etf"}
    bars = pl.DataFrame({"instrument": list(names)}).join(pl.DataFrame({"session": DAYS}), how="cross")
    facts = pl.DataFrame({"instrument": list(names), "kind": list(names.values())})
    with lake.commit("fill", 1) as tx:
        tx.upsert("bars", bars.with_columns(close=1.0, factor=1.0, halted=False, price_basis=pl.lit("raw")))
        tx.upsert("instruments", facts.with_columns(ticker=pl.col("instrument"), currency=pl.lit("USD"), lot=1))
    return settings


def test_index_and_favourites_are_ready_before_anybody_asks(filled):
    opened(filled).note("B.US")
    assert warm() == 2
    asked = app_lake().cache.figures()[0]
    page = AppTest.from_function(_instrument_page, kwargs={"code": "B.US"}, default_timeout=30).run()
    assert not page.exception
    now = app_lake().cache.figures()[0]
    assert now.misses == asked.misses
    assert now.hits >= asked.hits + 2
    colder = AppTest.from_function(_instrument_page, kwargs={"code": "A.US"}, default_timeout=30).run()
    assert not colder.exception
    assert app_lake().cache.figures()[0].misses > now.misses


def test_empty_lake_is_warm_at_once(settings):
    assert warm() == 0


def _instrument_page(code):
    from app import market_data
    from app.session import read

    assert read(market_data.instrument, "instruments", code=code)["instrument"] == code
    assert read(market_data.bars_of, "bars", code=code).height == 2
