import re
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect


def _url(query: str, **more: str) -> str:
    return "/sql?q=" + quote(query) + "".join(f"&{k}={quote(v)}" for k, v in more.items())


def test_sql_runs_a_query_from_a_copied_url_and_downloads_it(visit):
    page = visit(_url("SELECT instrument, close FROM bars ORDER BY session DESC, instrument LIMIT 7"))
    expect(page.get_by_text(re.compile(r"^7 rows in "))).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download CSV").click()
    lines = Path(started.value.path()).read_text().splitlines()
    assert lines[0] == "instrument,close"
    assert len(lines) == 8


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
    expect(page.get_by_text(re.compile("Only SELECT over the tables"))).to_be_visible()


def test_sql_mistake_is_explained(visit):
    page = visit(_url("SELECT no_such_column FROM bars"))
    expect(page.get_by_text("The query could not be answered")).to_be_visible()
    expect(page.locator(".qb-notice")).to_contain_text("no_such_column")


def test_sql_reads_the_lake_as_it_was(visit):
    page = visit(_url("SELECT count(*) AS n FROM bars", as_of="bars=0"))
    expect(page.get_by_text(re.compile(r"^1 rows in "))).to_be_visible()


def test_sql_unknown_as_of_is_a_sentence(visit):
    page = visit(_url("SELECT 1 FROM bars", as_of="no-such-pin"))
    expect(page.locator(".qb-notice")).to_contain_text("no-such-pin")


def test_sql_schema_explains_columns(visit):
    page = visit("/sql")
    page.locator("summary", has_text="bars").first.click()
    expect(page.locator('code[title="Last price."]')).to_be_visible()
