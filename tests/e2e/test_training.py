"""From the form to the tear sheet, through real workers."""

import re

import pytest
from playwright.sync_api import expect

SOON_MS, LATE_MS = 60_000, 300_000


@pytest.mark.timeout(600)
def test_training_from_the_form_to_the_tear_sheet(visit, workers):
    page = visit("/training?new=1")
    expect(page.get_by_text("alpha158 has not been computed on DEMO yet")).to_be_visible(timeout=SOON_MS)
    for label, value in (("num_boost_round", "40"), ("Positions", "10")):
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/training\?.*job="), timeout=SOON_MS)
    expect(page.locator(".qb-steps")).to_be_visible(timeout=SOON_MS)
    expect(page.locator(".qb-chain li")).to_have_count(4)
    curve = page.get_by_text("Learning curve")
    expect(curve).to_be_visible(timeout=LATE_MS)
    expect(page.get_by_test_id("stEChartsChart").locator("canvas").first).to_be_visible()
    report = page.locator(".qb-chain a", has_text="Backtest report")
    expect(report).to_be_visible(timeout=LATE_MS)
    report.click()
    page.wait_for_url(re.compile(r"/backtest\?run="))
    expect(page.get_by_text("Growth and drawdown")).to_be_visible(timeout=SOON_MS)
    page.get_by_role("link", name=re.compile(r"version 1")).click()
    expect(page.get_by_text("Feature importance")).to_be_visible(timeout=SOON_MS)


def test_training_form_says_in_one_sentence_what_is_wrong(visit):
    page = visit("/training?new=1")
    field = page.get_by_label("Register as", exact=True)
    field.fill("not a name!")
    field.press("Enter")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("Nothing was submitted")).to_be_visible()
    expect(page.get_by_text(re.compile("register_as is 'not a name!'"))).to_be_visible()
