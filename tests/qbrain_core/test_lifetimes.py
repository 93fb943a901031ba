from datetime import date, timedelta

import polars as pl

from qbrain_core.lifetimes import LATE_SESSIONS, lifetimes

DAYS = [date(2024, 1, 1) + timedelta(i) for i in range(30)]


def lasts(missing: list[int], **options: pl.DataFrame) -> list[date]:
    names = [f"N{i}.US" for i in range(len(missing))]
    spans = pl.DataFrame({"instrument": names, "first": DAYS[0], "last": [DAYS[-1 - n] for n in missing]})
    return lifetimes(spans, DAYS, **options)["last"].to_list()


def test_lifetimes_a_few_missing_bars_are_late_and_more_are_an_end() -> None:
    assert lasts([0, 1, LATE_SESSIONS]) == [DAYS[-1]] * 3
    assert lasts([LATE_SESSIONS + 1, 20]) == [DAYS[-2 - LATE_SESSIONS], DAYS[-21]]


def test_lifetimes_a_known_delisting_is_an_end() -> None:
    known = pl.DataFrame({"instrument": ["N0.US", "N1.US", "N2.US"], "delisted": [DAYS[-2], None, DAYS[-1]]})
    assert lasts([1, 1, 1], delisted=known) == [DAYS[-2], DAYS[-1], DAYS[-2]]


def test_lifetimes_bars_beyond_the_sessions_are_left_alone() -> None:
    spans = pl.DataFrame({"instrument": ["INDEX"], "first": DAYS[0], "last": DAYS[-1]})
    assert lifetimes(spans, DAYS[:20])["last"].to_list() == [DAYS[-1]]
    assert lifetimes(spans, [])["last"].to_list() == [DAYS[-1]]
