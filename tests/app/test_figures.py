from datetime import UTC, datetime, timedelta, timezone

import pytest

from app import figures
from app.figures import MISSING


@pytest.mark.parametrize("write", [figures.percent, figures.signed_percent, figures.decimal, figures.count,
                                   figures.price, figures.money, figures.duration])  # fmt: skip
@pytest.mark.parametrize("absent", [None, float("nan"), float("inf")])
def test_missing_value_is_a_dash(write, absent):
    assert write(absent) == MISSING


def test_percent_of_a_fraction():
    assert figures.percent(0.01234) == "1.23%"
    assert figures.signed_percent(0.01234) == "+1.23%"
    assert figures.signed_percent(-0.5, 0) == "-50%"


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [(999, "999", "999"), (12_345, "12.35K", "1.23万"), (1.5e8, "150.00M", "1.50亿"), (-2.5e9, "-2.50B", "-25.00亿")],
)
def test_money_is_shortened_the_way_of_the_language(value, english, chinese):
    assert figures.money(value) == english
    assert figures.money(value, "zh") == chinese


@pytest.mark.parametrize(("seconds", "text"), [(0.25, "0.2s"), (59, "59s"), (75, "1m 15s"), (3_725, "1h 02m")])
def test_duration_words(seconds, text):
    assert figures.duration(seconds) == text


def test_price_below_one_has_more_digits():
    assert figures.price(0.1234) == "0.1234"
    assert figures.price(1234.5) == "1,234.50"


def test_price_range_of_dear_shares_has_no_decimals():
    assert figures.price_range(9.5, 12.25) == "9.50 – 12.25"
    assert figures.price_range(1226.65, 1880.59) == "1,227 – 1,881"
    assert figures.price_range(None, 1.0) == MISSING


def test_instant_is_written_in_utc():
    beijing = timezone(timedelta(hours=8))
    assert figures.instant(datetime(2025, 1, 2, 8, 30, tzinfo=beijing)) == "2025-01-02 00:30 UTC"
    assert figures.ago_s(datetime.now(UTC)) == pytest.approx(0.0, abs=1.0)
    assert figures.ago_s(None) is None
