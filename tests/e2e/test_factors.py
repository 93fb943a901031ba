"""The factor pages: the editor in a real browser, and from a set to its report through real workers."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

LATE_MS = 300_000

expect.set_options(timeout=120_000)  # a machine that runs the whole suite is slow


def _editor(page: Page):
    return page.locator(".editor textarea").first


def test_factors_editor_checks_completes_and_previews_as_one_types(visit):
    page = visit("/factor")
    area = _editor(page)
    area.click()
    area.press_sequentially("Mea")
    expect(page.locator(".completions li").first).to_contain_text("Mean(")
    area.press("Enter")
    expect(area).to_have_value("Mean(")
    area.press_sequentially("$clos, 5)/$close")
    area.press("Escape")
    expect(page.get_by_text(re.compile("there is no field 'clos'"))).to_be_visible()
    expect(page.locator(".editor pre .wrong")).to_have_text("$clos")
    area.fill("Mean($close, 5)/$close")
    expect(page.get_by_text("reads only the past")).to_be_visible()
    expect(page.get_by_test_id("stEChartsChart").locator("canvas").first).to_be_visible()
    page.wait_for_url(re.compile(r"q=Mean"))
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.get_by_role("button", name="Probe for look-ahead").click()
    expect(page.get_by_text("no look-ahead found").first).to_be_visible(timeout=LATE_MS)


@pytest.mark.timeout(900)
def test_factors_from_an_expression_to_the_report_of_its_set(visit, request):
    page = visit("/factor?q=%24close%2FRef(%24close%2C10)-1&named=MOM10")
    page.set_default_timeout(LATE_MS)
    expect(page.get_by_text("units match")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    body = page.locator("[data-testid=stPopoverBody]")
    body.get_by_label("Name of the set").fill("mine")
    body.get_by_label("Name of the set").press("Tab")
    body.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"set=mine(%40|@)1"))
    page.get_by_role("link", name="Set mine@1").click()
    request.getfixturevalue("workers")  # not before: their start slows the first pages down
    page.get_by_role("button", name="Compute").click()
    page.locator("[data-testid=stPopoverBody]").get_by_role("button", name="Compute").click()
    expect(page.get_by_text("no look-ahead found")).to_be_visible(timeout=LATE_MS)
    page.get_by_role("button", name="Evaluate").click()
    page.locator("[data-testid=stPopoverBody]").get_by_role("button", name="Evaluate").click()
    expect(page.get_by_text("strongest first; click a factor to open its report")).to_be_visible(timeout=LATE_MS)
    report = visit("/factor?set=mine&name=MOM10")
    report.set_default_timeout(LATE_MS)
    expect(report.get_by_text("Rank IC by session")).to_be_visible()
    for tab, title in (
        ("Coefficients", "Month by month"),
        ("Stability", "By sector"),
        ("How it was measured", "Cells"),
    ):
        report.get_by_text(tab, exact=True).first.click()
        expect(report.get_by_text(title, exact=True)).to_be_visible()
    report.get_by_role("button", name="Export").click()
    with report.expect_download(timeout=LATE_MS) as started:
        report.get_by_role("button", name="For alphalens (Parquet)").click()
    with Path(started.value.path()).open("rb") as file:
        assert file.read(4) == b"PAR1"


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (1024, False)])
def test_factors_in_chinese_fit_a_laptop_and_a_tablet(visit, width, dark):
    page = visit("/factors", language="zh-CN", width=width, dark=dark)
    expect(page.get_by_text("alpha158").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
