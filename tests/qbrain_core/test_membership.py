from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from qbrain_core.membership import member_mask

DAY = date(2024, 1, 1)


def frame(rows: list[tuple[str, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        {"instrument": [r[0] for r in rows], "session": [DAY + timedelta(r[1]) for r in rows]},
        schema={"instrument": pl.String, "session": pl.Date},
    )


def spell_frame(spells: list[tuple[str, int, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "instrument": [s[0] for s in spells],
            "start": [DAY + timedelta(s[1]) for s in spells],
            "end": [None if s[2] is None else DAY + timedelta(s[2]) for s in spells],
        },
        schema={"instrument": pl.String, "start": pl.Date, "end": pl.Date},
    )


def test_member_mask_both_ends_belong() -> None:
    rows = frame([("A", 5), ("A", 4), ("A", 2), ("A", 1), ("B", 3)])
    assert member_mask(rows, spell_frame([("A", 2, 4)])).to_list() == [False, True, True, False, False]


def test_member_mask_without_spells_is_false() -> None:
    assert member_mask(frame([("A", 1)]), spell_frame([])).to_list() == [False]


SPELLS = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(0, 12), st.none() | st.integers(0, 8)).map(
        lambda s: (s[0], s[1], None if s[2] is None else s[1] + s[2])
    ),
    max_size=6,
)


@given(SPELLS, st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 22)), max_size=12))
def test_member_mask_is_any_spell_that_covers(
    spells: list[tuple[str, int, int | None]], rows: list[tuple[str, int]]
) -> None:
    expected = [any(i == n and s <= d and (e is None or d <= e) for n, s, e in spells) for i, d in rows]
    assert member_mask(frame(rows), spell_frame(spells)).to_list() == expected
