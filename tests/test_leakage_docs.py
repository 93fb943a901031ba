"""The page on leakage: what it says of every planted leak holds, of a sample here and of all as a soak."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
DOCS = CHECKOUT / "docs" / "leakage.md"
AGAIN = "run: python -m bench.leakage ../shared/data > docs/leakage.md"
EVERY = 24  # leaks of the sample


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give the module that writes the page."""
    monkeypatch.syspath_prepend(str(CHECKOUT))
    return importlib.import_module("bench.leakage.page")


def test_page_explains_every_check_and_names_every_leak(written: ModuleType) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert text.startswith(written.checks_part()), AGAIN
    assert len(written.LEAKS) >= 200
    assert len({(leak.kind, leak.words) for leak in written.LEAKS}) == len(written.LEAKS)
    assert [
        leak.words for leak in written.LEAKS if f"| {leak.kind} | {leak.words} | {leak.how} | `" not in text
    ] == [], AGAIN
    assert f"{len(written.LEAKS)} of {len(written.LEAKS)} caught" in text
    assert "## False alarms: 0\n" in text
    assert all(f"| {name} |" in text for name in written.SETS)


def test_sample_of_planted_leaks_is_caught_as_the_page_says(written: ModuleType) -> None:
    text = DOCS.read_text(encoding="utf-8")
    sample = [leak for leak in written.LEAKS if leak.how != "lake"][::EVERY]
    assert [line for line in written.leak_lines(sample) if line not in text] == [], AGAIN


@pytest.mark.soak
def test_every_planted_leak_is_caught_and_nothing_honest(written: ModuleType) -> None:
    planted = importlib.import_module("bench.leakage.planted")
    assert [leak.words for leak in written.LEAKS if not planted.failing(leak)] == []
    assert [alarm.name for alarm in written.alarms_of_honest() if alarm.false] == []


@pytest.mark.real
@pytest.mark.soak
@pytest.mark.parametrize("data", ["cn_daily", "us_daily_10y"])
def test_sets_that_ship_raise_no_alarm_on_real_stocks(written: ModuleType, real_data: Path, data: str) -> None:
    real = importlib.import_module("bench.leakage.real")
    fields = real.real_fields(real.real_bars(real_data, data))
    assert {name: written.alarms_of_set(name, fields, data).false for name in written.SETS} == dict.fromkeys(
        written.SETS, 0
    )
