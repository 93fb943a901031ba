"""Memberships: snapshots become spells, spells that touch become one."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.sources.universes import changed_universe, listed_changes, universe_rows
from qbrain_core.errors import InvalidInputError

MONTHS = [date(2024, m, 1) for m in range(1, 7)]


def test_snapshots_become_spells() -> None:
    seen = {"A.US": [0, 1, 2, 3, 4, 5], "B.US": [0, 1], "C.US": [1, 2, 4], "D.US": [5]}
    frame = pl.DataFrame(
        [(i, MONTHS[k]) for i, ks in seen.items() for k in ks], schema=["instrument", "as_of"], orient="row"
    )
    spells = universe_rows(frame.sample(fraction=1.0, shuffle=True, seed=1), "u")
    assert spells.rows() == [
        ("u", "A.US", date(2024, 1, 1), None),
        ("u", "B.US", date(2024, 1, 1), date(2024, 2, 29)),
        ("u", "C.US", date(2024, 2, 1), date(2024, 3, 31)),
        ("u", "C.US", date(2024, 5, 1), date(2024, 5, 31)),
        ("u", "D.US", date(2024, 6, 1), None),
    ]


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), st.sets(st.integers(0, 5), min_size=1), min_size=1))
def test_spells_hold_exactly_the_snapshots(seen: dict[str, set[int]]) -> None:
    rows = [(i, MONTHS[k]) for i, ks in seen.items() for k in ks]
    present = sorted({day for _, day in rows})
    spells = universe_rows(pl.DataFrame(rows, schema=["instrument", "as_of"], orient="row"), "u")
    held = {
        (s["instrument"], day)
        for s in spells.iter_rows(named=True)
        for day in present
        if s["start"] <= day and (s["end"] is None or day <= s["end"])
    }
    assert held == set(rows)


def test_spells_that_touch_or_overlap_are_one() -> None:
    frame = pl.DataFrame(
        {
            "instrument": ["A", "A", "A", "B", "B"],
            "start": [date(2020, 1, 1), date(2020, 7, 1), date(2022, 1, 1), date(2020, 1, 1), date(2021, 1, 1)],
            "end": [date(2020, 6, 30), date(2020, 12, 31), date(2022, 2, 1), None, date(2021, 3, 1)],
        }
    )
    assert universe_rows(frame, "u").rows() == [
        ("u", "A", date(2020, 1, 1), date(2020, 12, 31)),
        ("u", "A", date(2022, 1, 1), date(2022, 2, 1)),
        ("u", "B", date(2020, 1, 1), None),
    ]
    assert universe_rows(frame.drop("end").head(1), "u")["end"].to_list() == [None]


def test_neither_snapshots_nor_spells_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="as_of"):
        universe_rows(pl.DataFrame({"instrument": ["A"]}), "u")


def test_lists_of_symbols_are_taken_apart() -> None:
    frame = pl.DataFrame(
        {"row": [1, 2, 3], "as_of": [MONTHS[0], MONTHS[1], None], "added": ["PLTR, DELL", "", None],
         "removed": ["AAL;ETSY", "BIO", None]}
    )  # fmt: skip
    rows = listed_changes(frame).sort("row", "joins", "instrument")
    assert rows.select("row", "instrument", "joins").rows() == [
        (1, "AAL", False), (1, "ETSY", False), (1, "DELL", True), (1, "PLTR", True), (2, "BIO", False), (3, None, None),
    ]  # fmt: skip


def test_changes_open_and_close_spells() -> None:
    known = pl.DataFrame(
        {"universe": ["u"] * 2, "instrument": ["A.US", "B.US"], "start": [MONTHS[0]] * 2, "end": [None, MONTHS[1]]},
        schema_overrides={"end": pl.Date},
    )  # fmt: skip
    changes = pl.DataFrame(
        [("A.US", MONTHS[2], False), ("B.US", MONTHS[3], True), ("C.US", MONTHS[2], False), ("A.US", MONTHS[4], True),
         ("B.US", MONTHS[4], True)],
        schema=["instrument", "as_of", "joins"], orient="row",
    )  # fmt: skip
    made = changed_universe(known, changes, "u").select("instrument", "start", "end").rows()
    assert made == [
        ("A.US", MONTHS[0], date(2024, 2, 29)), ("A.US", MONTHS[4], None), ("B.US", MONTHS[0], MONTHS[1]),
        ("B.US", MONTHS[3], None),
    ]  # fmt: skip
