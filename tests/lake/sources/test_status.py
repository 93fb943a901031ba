"""Special treatment: from bars that say so, and from names."""

from datetime import date

import polars as pl

from lake.rows import polars_schema
from lake.sources.status import named_st_spells, st_spells
from lake.tables import table

KNOWN = pl.DataFrame(schema=polars_schema(table("instrument_status")))
DAY = date(2024, 6, 3)


def test_runs_of_bars_become_spells() -> None:
    days = [date(2024, 1, d) for d in (2, 3, 4, 5, 8, 9)]
    flags = {"A.SH": [False, True, True, None, False, True], "B.SH": [True] * 6, "C.SH": [False] * 6}
    bars = pl.concat(
        pl.DataFrame({"instrument": [name] * 6, "session": days, "special_treatment": told})
        for name, told in flags.items()
    )
    assert st_spells(bars).select("instrument", "start", "end").rows() == [
        ("A.SH", days[1], days[2]), ("A.SH", days[5], None), ("B.SH", days[0], None),
    ]  # fmt: skip


def test_names_that_say_st() -> None:
    names = pl.DataFrame(
        {"instrument": list("ABCDEF"), "name_zh": ["ST康美", "*ST盐湖", "S*ST光明", "SST集琦", "中国石油", "华ST"]}
    )
    begun = named_st_spells(names, KNOWN, as_of=DAY)
    assert begun["instrument"].to_list() == ["A", "B", "C", "D"]
    assert begun.select("status", "start", "end").unique().rows() == [("st", DAY, None)]


def test_a_name_that_says_so_no_more_ends_the_spell() -> None:
    known = pl.DataFrame(
        {"instrument": ["A", "B", "C"], "market": ["CN"] * 3, "status": ["st"] * 3, "start": [date(2020, 1, 2)] * 3,
         "end": [None, None, date(2021, 1, 4)]}, schema=KNOWN.schema,
    )  # fmt: skip
    names = pl.DataFrame({"instrument": ["A", "B", "C"], "name_zh": ["盐湖股份", "*ST盐湖", None]})
    found = named_st_spells(names, known, as_of=DAY)
    assert found.rows() == [("A", "st", date(2020, 1, 2), date(2024, 6, 2))]
