import re

import pytest
from playwright.sync_api import Page, expect

CODE = "D00005.DEMO"


def _chart(page: Page):
    page.wait_for_selector("[class*=st-key-kline] canvas")
    return page.locator("[class*=st-key-kline]")


def test_search_narrows_while_typing_and_lives_in_the_url(visit):
    page = visit("/instruments")
    expect(page.get_by_text(re.compile(r"^\d+ found"))).to_be_visible()
    page.get_by_role("searchbox").or_(page.locator("input[type=search]")).first.type("D00005", delay=30)
    expect(page.get_by_text(re.compile(r"^1 found"))).to_be_visible()
    page.wait_for_url(re.compile(r"q=D00005"))


def test_search_from_a_copied_url(visit):
    page = visit("/instruments?q=D0001&kind=stock")
    expect(page.get_by_text(re.compile(r"^10 found"))).to_be_visible()


def test_search_without_a_match_says_what_to_try(visit):
    page = visit("/instruments?q=zzzzzz")
    expect(page.get_by_text("Nothing matches “zzzzzz” with these filters.")).to_be_visible()


def test_row_opens_the_instrument(visit):
    page = visit("/instruments?q=D00005")
    expect(page.get_by_text(re.compile(r"^1 found"))).to_be_visible()
    page.locator("[data-testid=stDataFrame]").first.click(position={"x": 150, "y": 52})
    page.wait_for_url(re.compile(r"/instrument\?id=D00005.DEMO"))
    _chart(page)


def test_instrument_draws_candles_and_states_its_basis(visit):
    page = visit(f"/instrument?id={CODE}&overlays=ma.boll&panes=macd.rsi")
    _chart(page)
    expect(
        page.get_by_text(re.compile("Forward adjusted to .* source basis: raw prices .* synthetic data"))
    ).to_be_visible()
    expect(page.get_by_text("Synthetic data").first).to_be_visible()


@pytest.mark.parametrize(
    ("click", "parameter"),
    [("Week", "period=week"), ("Backward adjusted", "adjust=backward"), ("5Y", "range=5y"), ("KDJ", "panes=")],
)
def test_instrument_choices_are_in_the_url_and_survive_reload(visit, click, parameter):
    page = visit(f"/instrument?id={CODE}")
    _chart(page)
    page.get_by_role("radio", name=click).or_(page.get_by_role("button", name=click, exact=True)).first.click()
    page.wait_for_url(re.compile(parameter))
    page.reload()
    _chart(page)
    assert parameter in page.url
    expect(page.locator(".qb-notice")).to_have_count(0)


def test_instrument_link_means_the_same_in_chinese(visit):
    page = visit(f"/instrument?id={CODE}&period=month&adjust=none", language="zh-CN")
    _chart(page)
    expect(page.get_by_text(re.compile("不复权：实际成交价"))).to_be_visible()
    expect(page.get_by_role("radio", name="月线")).to_be_checked()


def test_instrument_unknown_code_offers_help_not_a_traceback(visit):
    page = visit("/instrument?id=NOSUCH.DEMO")
    expect(page.get_by_text("The lake does not know NOSUCH.DEMO.")).to_be_visible()
    expect(page.get_by_role("link", name="Search instruments")).to_be_visible()


def test_instrument_without_id_leads_to_search(visit):
    page = visit("/instrument")
    page.get_by_role("link", name="Search instruments").click()
    page.wait_for_url(re.compile("/instruments"))
