import re

from playwright.sync_api import expect


def test_overview_shows_market_breadth_and_movers(visit):
    page = visit("/")
    expect(page.locator("h1")).to_have_text("Overview")
    expect(page.get_by_text("Synthetic data").first).to_be_visible()
    expect(page.locator(".qb-kpi")).to_have_count(8)
    page.wait_for_selector("canvas")
    gainers = page.locator(".qb-table").first.locator("tbody tr")
    first = gainers.first.locator("td").last.inner_text()
    assert re.fullmatch(r"\+\d+\.\d\d%", first)


def test_overview_speaks_chinese_to_a_chinese_browser(visit):
    page = visit("/", language="zh-CN", dark=True)
    expect(page.locator("h1")).to_have_text("总览")
    expect(page.get_by_text("涨幅榜")).to_be_visible()
    expect(page.get_by_text("合成数据").first).to_be_visible()


def test_overview_mover_leads_to_its_chart(visit):
    page = visit("/")
    link = page.locator(".qb-table a").first
    code = link.locator("b").inner_text()
    link.click()
    page.wait_for_url(re.compile(r"/instrument\?id="))
    expect(page.locator(".qb-caption").first).to_contain_text(code)


def test_overview_jobs_part_says_what_to_do_or_lists_jobs(visit):
    page = visit("/")
    expect(page.get_by_text("No jobs yet.").or_(page.get_by_text("All jobs"))).to_be_visible()
    expect(page.locator(".qb-notice")).to_have_count(0)
