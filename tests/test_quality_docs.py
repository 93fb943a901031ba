"""The page on quality: it says what the checks are, and what they find in real data."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
DOCS = CHECKOUT / "docs" / "quality.md"
AGAIN = "run: python -m bench.quality ../shared/data > docs/quality.md"
SAMPLE = ("us_increments", "us_lean_sample", "us_minute", "us_dirty_feed", "us_fundamentals")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give the module that writes the page."""
    monkeypatch.syspath_prepend(str(CHECKOUT))
    return importlib.import_module("bench.quality.page")


def test_every_check_and_repair_is_explained(written: ModuleType) -> None:
    assert DOCS.read_text(encoding="utf-8").startswith(written.checks_part()), AGAIN


def test_every_piece_of_dirt_was_found(written: ModuleType) -> None:
    text = DOCS.read_text(encoding="utf-8")
    dirt = importlib.import_module("bench.quality.dirt").DIRT
    assert "not found" not in text
    missing = [d.words for d in dirt if f"| {d.data_set} | {d.words} | `{d.check}` |" not in text]
    assert not missing, AGAIN
    sets = {d.data_set for d in dirt}
    assert len(sets) == 12


@pytest.mark.real
def test_dirt_of_some_sets_is_found_by_its_check(written: ModuleType, real_data: Path) -> None:
    dirt = importlib.import_module("bench.quality.dirt").DIRT
    found = written.results(real_data, SAMPLE)
    judged = [d for d in dirt if d.data_set in SAMPLE]
    assert len(judged) > 30
    assert [d.words for d in judged if not written.satisfied(d, found)] == []
    text = DOCS.read_text(encoding="utf-8")
    assert [line for line in written.dirt_lines(found, judged) if line not in text] == [], AGAIN


@pytest.mark.real
@pytest.mark.soak
def test_the_whole_page_is_up_to_date(written: ModuleType, real_data: Path) -> None:
    assert DOCS.read_text(encoding="utf-8") == written.page(real_data), AGAIN
