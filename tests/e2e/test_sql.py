import json
import re
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

EDITOR = ".st-key-sql-text textarea"
ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b, range(1000) c WHERE a.range + b.range = c.range"

expect.set_options(timeout=60_000)  # a machine that runs the whole suite is slow


def _url(query: str, **more: str) -> str:
    return "/sql?q=" + quote(query) + "".join(f"&{k}={quote(v)}" for k, v in more.items())


def _download(page: Page, name: str) -> Path:
    button = page.locator("[data-testid=stPopoverBody]").get_by_role("button", name=name)
    if not button.is_visible():
        page.get_by_role("button", name="Export").click()
    with page.expect_download() as started:
        button.click()
    return Path(started.value.path())


def test_sql_runs_a_query_from_a_copied_url_and_exports_it(visit):
    page = visit(_url("SELECT instrument, close FROM bars ORDER BY session DESC, instrument LIMIT 7"))
    expect(page.get_by_text(re.compile(r"^7 rows in "))).to_be_visible()
    expect(page.get_by_text("bars v1")).to_be_visible()
    lines = _download(page, "CSV").read_bytes().decode("utf-8-sig").splitlines()
    assert lines[0] == "instrument,close"
    assert len(lines) == 8
    told = json.loads(_download(page, "Where it comes from").read_text())
    assert (told["rows"], told["versions"]) == (7, {"bars": 1})
    assert _download(page, "Parquet").read_bytes()[:4] == b"PAR1"


def test_sql_example_runs_at_once(visit):
    page = visit("/sql")
    expect(page.get_by_text("No query has run yet.")).to_be_visible()
    page.get_by_role("button", name="Examples").click()
    page.get_by_text("Breadth by sector").click()
    expect(page.get_by_text(re.compile(r"^\d+ rows in "))).to_be_visible()
    page.wait_for_url(re.compile("q=SELECT"))


@pytest.mark.parametrize(
    "query",
    ["COPY bars TO 'x.csv'", "SELECT * FROM read_csv('/etc/passwd')", "DROP TABLE bars", "SET memory_limit='1TB'"],
)
def test_sql_refusal_is_shown_kindly(visit, query):
    page = visit(_url(query))
    expect(page.get_by_text("This query was not run")).to_be_visible()
    expect(page.get_by_text(re.compile("Only SELECT over the lake's tables"))).to_be_visible()


def test_sql_mistake_is_explained_with_its_place(visit):
    page = visit(_url("SELECT instrument,\n  no_such_column\nFROM bars"))
    expect(page.get_by_text("The query could not be answered")).to_be_visible()
    expect(page.locator(".qb-notice")).to_contain_text("no_such_column")
    expect(page.locator(".qb-excerpt mark")).to_have_text("no_such_column")


def test_sql_reads_the_lake_as_it_was(visit):
    page = visit(_url("SELECT count(*) AS n FROM bars", as_of="bars=0"))
    expect(page.get_by_text(re.compile(r"^1 rows in "))).to_be_visible()
    expect(page.get_by_text("As of bars=0").first).to_be_visible()
    page.get_by_role("button", name="As of bars=0").click()
    page.locator("[data-testid=stPopoverBody]").get_by_text("Now", exact=True).click()
    expect(page.get_by_text("bars v1")).to_be_visible()
    assert "as_of" not in page.url


def test_sql_unknown_as_of_is_a_sentence(visit):
    page = visit(_url("SELECT 1 FROM bars", as_of="no-such-pin"))
    expect(page.locator(".qb-notice")).to_contain_text("no-such-pin")


def test_sql_schema_explains_columns_and_puts_names_into_the_query(visit):
    page = visit(_url("SELECT  FROM bars"))
    page.wait_for_selector(".qb-notice")
    page.get_by_placeholder("Find a table or column").fill("bars")
    page.locator(".schema .row", has_text=re.compile("^›bars↵")).click()
    close = page.locator(".schema .column", has=page.get_by_text("close", exact=True)).first
    expect(close).to_have_attribute("title", "Last price.")
    page.locator(EDITOR).evaluate("area => { area.focus(); area.setSelectionRange(7, 7); }")
    close.click()
    expect(page.locator(EDITOR)).to_have_value("SELECT close FROM bars")
    page.locator(EDITOR).press("Control+Enter")
    expect(page.get_by_text(re.compile(r"^[\d,]+ rows in "))).to_be_visible()


def test_sql_query_is_saved_with_its_chart_and_opened_by_its_link(visit):
    page = visit(_url("SELECT sector, count(*) AS n FROM instruments GROUP BY ALL ORDER BY n DESC"))
    expect(page.get_by_text(re.compile(r"^\d+ rows in "))).to_be_visible()
    page.get_by_text("Chart", exact=True).click()
    expect(page.locator("canvas").first).to_be_visible()
    page.get_by_role("button", name="Save").click()
    body = page.locator("[data-testid=stPopoverBody]")
    body.get_by_label("Name").fill("Names by sector")
    body.get_by_label("Name").press("Tab")
    body.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile("q=[0-9a-f]{12}"))
    link = parse_qs(urlsplit(page.url).query)["q"][0]
    other = visit(f"/sql?q={link}")
    expect(other.locator("canvas").first).to_be_visible()
    expect(other.locator(EDITOR)).to_have_value(re.compile("^SELECT sector"))
    expect(other.get_by_role("button", name="Names by sector")).to_be_visible()


def test_sql_running_query_is_cancelled_and_the_next_one_answered(visit):
    page = visit(_url(ENDLESS))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The query was cancelled")).to_be_visible()
    page.locator(EDITOR).fill("SELECT 42 AS answer")
    page.locator(EDITOR).press("Control+Enter")
    expect(page.get_by_text(re.compile(r"^1 rows in "))).to_be_visible()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.get_by_role("button", name="History", exact=True).click()
    expect(page.get_by_text(re.compile("^SELECT count.*cancelled"))).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (1024, False)])
def test_sql_page_in_chinese_fits_a_laptop_and_a_tablet(visit, width, dark):
    page = visit(_url("SELECT * FROM bars ORDER BY session, instrument"), language="zh-CN", width=width, dark=dark)
    expect(page.get_by_text(re.compile("^第 1 至 1,000 行"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
