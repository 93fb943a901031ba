import re

from playwright.sync_api import expect


def test_settings_language_holds_over_pages_and_visits(visit):
    page = visit("/settings")
    page.get_by_text("中文", exact=True).click()
    expect(page.locator("h1")).to_have_text("设置")
    page.get_by_role("link", name="证券").click()
    expect(page.locator("h1")).to_have_text("证券")
    page.reload()
    expect(page.locator("h1")).to_have_text("证券")


def test_settings_theme_holds_on_every_page(visit):
    page = visit("/settings")
    page.get_by_text("Dark", exact=True).click()
    dark = "getComputedStyle(document.querySelector('.stApp')).backgroundColor === 'rgb(14, 19, 27)'"
    page.wait_for_function(dark)
    page.goto(re.sub("/settings.*", "/instruments", page.url), wait_until="domcontentloaded")
    page.wait_for_selector(".qb-title")
    page.wait_for_function(dark)


def test_settings_green_up_recolours(visit):
    page = visit("/settings")
    page.get_by_text("Green rises").click()
    page.wait_for_function(
        "getComputedStyle(document.documentElement).getPropertyValue('--qb-up').trim() === '#0F9D6B'"
    )


def test_settings_shows_lake_and_workers(visit):
    page = visit("/settings")
    expect(page.get_by_text("Workers", exact=True).first).to_be_visible()
    expect(page.locator("[data-testid=stDataFrame]").first).to_be_visible()
    expect(page.get_by_text("Environment")).to_be_visible()
