"""The SQL page, run by Streamlit's own test runner over a real lake and records."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.panels import sql_run
from app.panels.sql_schema.browser import tree
from app.panels.sql_trouble import excerpt
from lake import Lake
from lake.cage.errors import place
from lake.records import open_records
from lake.records.query_runs import list_runs
from lake.records.saved_queries import list_queries, save_query
from lake.tables import TABLES, factor_table
from qbrain_core.settings import Settings

PATIENCE_S = 120


def draw() -> None:
    from importlib import import_module

    from app.page import guarded
    from app.routes import navigation

    navigation()
    guarded(import_module("app.views.sql").render)()


@pytest.fixture
def filled(lake: Lake) -> Lake:
    members = pl.DataFrame(
        {"universe": "demo", "instrument": ["A.DEMO", "B.DEMO"], "start": date(2024, 1, 2), "end": [None, None]}
    ).cast({"end": pl.Date})
    with lake.commit("fill", 1) as transaction:
        transaction.upsert("universes", members)
    return lake


@pytest.fixture
def visit(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(sql_run, "_AT_ONCE_S", PATIENCE_S)  # the test runner draws no progress

    def run(**query: str) -> AppTest:
        page = AppTest.from_function(draw, default_timeout=PATIENCE_S)
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


def parameter(page: AppTest, name: str) -> Any:
    found = page.query_params.get(name)
    return found[0] if isinstance(found, list) else found


def button(page: AppTest, label: str) -> Any:
    return next(b for b in page.button if b.label == label)


def test_page_without_a_query_says_what_to_do(visit: Callable[..., AppTest]) -> None:
    page = visit()
    assert "No query has run yet." in html(page)
    assert button(page, "Run").disabled


def test_query_of_the_url_is_run_shown_and_noted(visit: Callable[..., AppTest], settings: Settings) -> None:
    page = visit(q="SELECT instrument FROM universes ORDER BY 1")
    assert "2 rows in " in html(page)
    assert "universes v1" in html(page)
    assert page.dataframe[0].value["instrument"].to_list() == ["A.DEMO", "B.DEMO"]
    (run,) = list_runs(open_records(settings), owner="local")
    assert (run.outcome, run.rows, run.versions) == ("done", 2, {"universes": 1})


def test_query_reads_the_point_of_history_in_the_url(visit: Callable[..., AppTest]) -> None:
    page = visit(q="SELECT count(*) AS n FROM universes", as_of="universes=0")
    assert page.dataframe[0].value["n"].to_list() == [0]
    assert "As of universes=0" in html(page)


@pytest.mark.parametrize(
    ("query", "title", "marked"),
    [
        ("SELECT getenv('HOME')", "This query was not run", "<mark>getenv(&#x27;HOME&#x27;)</mark>"),
        ("SELECT instrumnt FROM universes", "The query could not be answered", "<mark>instrumnt</mark>"),
        ("SELECT 1 FORM universes x", "The query could not be answered", "<mark>universes</mark>"),
    ],
)
def test_trouble_is_told_with_its_place_and_noted(
    visit: Callable[..., AppTest], settings: Settings, query: str, title: str, marked: str
) -> None:
    page = visit(q=query)
    assert title in html(page)
    assert marked in html(page)
    (run,) = list_runs(open_records(settings), owner="local")
    assert run.outcome in ("refused", "failed")
    assert run.error


def test_unknown_point_of_history_is_a_sentence(visit: Callable[..., AppTest]) -> None:
    assert "no-such-pin" in html(visit(q="SELECT 1 FROM universes", as_of="no-such-pin"))


def test_saved_query_is_opened_by_its_id_with_its_screen(visit: Callable[..., AppTest], settings: Settings) -> None:
    records = open_records(settings)
    made = save_query(
        records, "Old members", "SELECT count(*) AS n FROM universes", owner="local", screen={"as_of": "universes=0"}
    )
    page = visit(q=made.id)
    assert page.text_area[0].value == made.query
    assert page.dataframe[0].value["n"].to_list() == [0]
    assert parameter(page, "q") == made.id
    page.text_area[0].set_value("SELECT 7 AS n")
    checked(button(page, "Run").click().run())
    assert page.dataframe[0].value["n"].to_list() == [7]
    assert parameter(page, "q") == "SELECT 7 AS n"


def test_private_query_of_somebody_else_is_not_opened(visit: Callable[..., AppTest], settings: Settings) -> None:
    records = open_records(settings)
    private = save_query(records, "Secret", "SELECT 42 AS n", owner="ann")
    shared = save_query(records, "Shared", "SELECT 43 AS n", owner="ann", visibility="team")
    page = visit(q=private.id)
    assert "No saved query" in html(page)
    assert page.text_area[0].value == ""
    assert len(page.dataframe) == 0
    page = visit(q=shared.id)
    assert page.dataframe[0].value["n"].to_list() == [43]
    assert "Save changes" not in {b.label for b in page.button}


def test_query_is_saved_renamed_and_deleted_from_the_page(visit: Callable[..., AppTest], settings: Settings) -> None:
    records = open_records(settings)
    page = visit(q="SELECT 1 AS n", show="chart")
    page.text_input[0].set_value("First")
    checked(button(page, "Save").click().run())
    (made,) = list_queries(records, user="local")
    assert (made.name, made.query, made.visibility, made.screen) == (
        "First", "SELECT 1 AS n", "private", {"show": "chart"}
    )  # fmt: skip
    assert parameter(page, "q") == made.id
    page.text_input[0].set_value("Second")
    page.text_area[0].set_value("SELECT 2 AS n")
    checked(page.run())
    checked(button(page, "Save changes").click().run())
    (changed,) = list_queries(records, user="local")
    assert (changed.id, changed.name, changed.query) == (made.id, "Second", "SELECT 2 AS n")
    checked(button(page, "Delete").click().run())
    assert list_queries(records, user="local") == []
    assert page.text_area[0].value == "SELECT 2 AS n"


def test_long_result_is_shown_page_by_page(visit: Callable[..., AppTest]) -> None:
    page = visit(q="SELECT range AS n FROM range(2500)", page="3")
    assert page.dataframe[0].value["n"].to_list() == list(range(2000, 2500))
    assert "2,500 rows in" in html(page)


def test_result_is_cut_at_the_most_rows_and_says_so(
    visit: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_run, "MAX_ROWS", 100)
    page = visit(q="SELECT range AS n FROM range(101)")
    assert "The result is cut" in html(page)
    assert "The first 100 rows are here" in html(page)


def test_chart_of_the_url_is_drawn_and_a_frame_without_numbers_says_why(visit: Callable[..., AppTest]) -> None:
    page = visit(q="SELECT range AS n, range * 2.0 AS twice FROM range(5)", show="chart", chart="scatter", x="n")
    assert len(page.get("echarts_chart")) + len(page.get("vega_lite_chart")) + len(page.get("echarts")) == 1
    page = visit(q="SELECT instrument FROM universes", show="chart")
    assert "There is nothing to draw." in html(page)


def test_schema_lists_every_table_with_its_columns(filled: Lake) -> None:
    with filled.commit("factors", 1) as transaction:
        rows = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "KMID": [1.0]})
        transaction.upsert(factor_table("tiny", "0123456789ab", ("KMID",)), rows.cast({"KMID": pl.Float32}))
    st.cache_data.clear()
    st.cache_resource.clear()
    found = {table["name"]: table for group in tree(filled.versions()) for table in group["tables"]}
    assert {table.view for table in TABLES.values()} <= set(found)
    assert [c["name"] for c in found["bars"]["columns"]] == [c.name for c in TABLES["bars"].columns]
    assert all(c["sentence"] for c in found["bars"]["columns"])
    assert "KMID" in [c["name"] for c in found["factors_tiny"]["columns"]]
    assert "ma(x, n)" in found


def test_excerpt_marks_the_place_over_lines_and_escapes_the_rest() -> None:
    query = "SELECT '<b>',\n  abs('x',\n 'y')\nFROM t"
    start = query.index("abs")
    where = place(query, start, len("abs('x',\n 'y')"))
    assert where is not None
    shown = excerpt(query, where)
    assert "&lt;b&gt;" in shown
    assert "<mark>abs(&#x27;x&#x27;,</mark>" in shown
    assert "<mark> &#x27;y&#x27;)</mark>" in shown
