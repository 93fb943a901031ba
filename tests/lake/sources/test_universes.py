"""Memberships: snapshots become spells, spells that touch become one."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.sources.universes import universe_rows
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
