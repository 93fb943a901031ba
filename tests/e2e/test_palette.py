"""`Mod+K` from any page: find, move, open, close."""

import re

import pytest
from playwright.sync_api import Page, expect

WAIT_MS = 30_000


def _open(page: Page):
    page.get_by_role("button", name="Ctrl + K").wait_for()
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("combobox")).to_be_focused(timeout=WAIT_MS)
    return dialog


@pytest.mark.parametrize("path", ["/", "/jobs", "/sql"])
def test_palette_opens_an_instrument_by_its_code_from_every_page(visit, path):
    page = visit(path)
    dialog = _open(page)
    page.keyboard.type("d00005", delay=20)
    expect(dialog.get_by_role("option", selected=True)).to_contain_text("D00005.DEMO", timeout=WAIT_MS)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/instrument\?id=D00005.DEMO"))
    page.wait_for_selector("[class*=st-key-kline] canvas")
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=WAIT_MS)
    page.go_back()
    page.wait_for_url(re.compile(f"{path}$"))


def test_palette_enter_waits_for_the_answer_to_what_was_typed(visit):
    page = visit("/jobs")
    _open(page)
    page.keyboard.type("d00007")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/instrument\?id=D00007.DEMO"))


def test_palette_arrows_choose_and_the_last_row_searches_all_instruments(visit):
    page = visit("/settings")
    dialog = _open(page)
    page.keyboard.type("d0001")
    options = dialog.get_by_role("option")
    expect(options.first).to_contain_text("D00010.DEMO", timeout=WAIT_MS)
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/instruments\?q=d0001"))
    expect(page.get_by_text(re.compile(r"^10 found"))).to_be_visible(timeout=WAIT_MS)


def test_palette_searches_anew_on_the_page_of_the_search_itself(visit):
    page = visit("/instruments?q=D00005")
    expect(page.get_by_text(re.compile(r"^1 found"))).to_be_visible(timeout=WAIT_MS)
    dialog = _open(page)
    page.keyboard.type("d0001")
    expect(dialog.get_by_role("option").first).to_contain_text("D00010.DEMO", timeout=WAIT_MS)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^10 found"))).to_be_visible(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile(r"/instruments\?q=d0001$"))
    page.go_back()
    expect(page.get_by_text(re.compile(r"^1 found"))).to_be_visible(timeout=WAIT_MS)


def test_palette_escape_closes_it_and_it_opens_empty_again(visit):
    page = visit("/instruments?q=D0001")
    page.locator("input[type=search]").first.focus()
    dialog = _open(page)
    page.keyboard.type("sett")
    expect(dialog.get_by_role("option").first).to_contain_text("Settings", timeout=WAIT_MS)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/instruments\?q=D0001$"))
    dialog = _open(page)
    expect(dialog.get_by_role("combobox")).to_have_value("")
    expect(dialog.get_by_role("option", name="Overview")).to_be_visible(timeout=WAIT_MS)


def test_palette_in_chinese_and_dark_opens_from_its_button_and_finds_pages_by_name_and_initials(visit):
    page = visit("/", language="zh-CN", dark=True)
    page.get_by_role("button", name="搜索").click()
    dialog = page.get_by_role("dialog")
    for text in ("训练", "xl", "train"):
        dialog.get_by_role("combobox").fill(text)
        expect(dialog.get_by_role("option", name="训练", exact=False).first).to_be_visible(timeout=WAIT_MS)
        expect(dialog.get_by_role("option", selected=True)).to_contain_text("训练", timeout=WAIT_MS)
    dialog.get_by_role("option", selected=True).click()
    page.wait_for_url(re.compile("/training$"))


def test_palette_opens_where_the_sidebar_is_folded_away(visit):
    page = visit("/jobs", width=700)
    page.get_by_role("button", name="Ctrl + K", include_hidden=True).wait_for(state="attached")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused(timeout=WAIT_MS)


def test_palette_without_a_match_offers_the_search_of_instruments(visit):
    page = visit("/jobs")
    dialog = _open(page)
    page.keyboard.type("<b>zz")
    expect(dialog.get_by_role("option")).to_have_count(1, timeout=WAIT_MS)
    expect(dialog.get_by_role("option")).to_contain_text("“<b>zz”")
