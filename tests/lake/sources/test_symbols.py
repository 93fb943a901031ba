"""Symbols that change hands: spells from map files, and rows put on the right security."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.sources import Layout, read_rows
from lake.sources.symbols import resolve_symbols, symbol_history_rows
from qbrain_core.errors import InvalidInputError
from qbrain_core.markets import MARKETS

US = MARKETS["US"]
WM = [("WM.US", "uw", date(1998, 1, 2)), ("WM.US", "uw", date(1998, 7, 16)), ("WM.US", "wmi", date(2009, 8, 4)),
      ("WM.US", "wm", date(2050, 12, 31))]  # fmt: skip


def history(rows: list[tuple[str, str, date]] = WM) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["instrument", "traded_as", "until"], orient="row")
    return symbol_history_rows(frame, US)


def test_each_row_ends_a_spell_that_the_one_before_opens() -> None:
    assert history().select("symbol", "start", "end").rows() == [
        ("UW", date(1998, 1, 2), date(1998, 7, 16)), ("WMI", date(1998, 7, 17), date(2009, 8, 4)),
        ("WM", date(2009, 8, 5), None),
    ]  # fmt: skip


def test_a_symbol_kept_over_several_rows_is_one_spell() -> None:
    qqq = [("QQQ.US", "qqq", date(1999, 3, 10)), ("QQQ.US", "qqq", date(2004, 11, 30)),
           ("QQQ.US", "qqqq", date(2011, 3, 22)), ("QQQ.US", "qqq", date(2050, 12, 31))]  # fmt: skip
    assert history(qqq).select("symbol", "start").rows() == [
        ("QQQ", date(1999, 3, 10)), ("QQQQ", date(2004, 12, 1)), ("QQQ", date(2011, 3, 23)),
    ]  # fmt: skip


def test_spells_may_be_given_as_such() -> None:
    frame = pl.DataFrame({"instrument": ["META.US"], "traded_as": ["FB"], "start": [date(2012, 5, 18)], "name": ["F"]})
    assert symbol_history_rows(frame, US).row(0) == ("FB", "META.US", "US", date(2012, 5, 18), None, "F")
    with pytest.raises(InvalidInputError, match="start and end, or until"):
        symbol_history_rows(frame.drop("start"), US)


def test_rows_go_to_whoever_traded_under_the_symbol() -> None:
    spells = history([*WM, ("FB.1.US", "fb", date(1999, 9, 29)), ("FB.1.US", "fb", date(2003, 3, 28)),
                      ("META.US", "fb", date(2012, 5, 18)), ("META.US", "fb", date(2022, 6, 8))])  # fmt: skip
    days = [("fb", 2001), ("fb", 2005), ("FB", 2015), ("FB", 2023), ("uw", 1998), ("wm", 2008), ("aapl", 2008)]
    rows = pl.DataFrame({"symbol": [s for s, _ in days], "session": [date(y, 3, 2) for _, y in days]}).with_columns(
        instrument=pl.col("symbol").str.to_uppercase() + ".US"
    )
    found = resolve_symbols(rows, spells)
    assert found["symbol"].to_list() == [s for s, _ in days]
    assert found.filter(~pl.col("out_of_spell"))["instrument"].to_list() == ["FB.1.US", "META.US", "WM.US", "AAPL.US"]
    assert found.filter("out_of_spell").select("symbol", pl.col("session").dt.year()).rows() == [
        ("fb", 2005), ("FB", 2023), ("wm", 2008),
    ]  # fmt: skip


@pytest.mark.real
def test_the_map_files_of_lean(real_data: Path) -> None:
    layout = Layout({"until": "column_1", "traded_as": "column_2"}, header=False)
    read = read_rows(real_data / "us_lean_sample" / "map_files" / "{instrument}.csv", "symbol_history", layout)
    rows = symbol_history_rows(read.rows, US)
    goog = rows.filter(pl.col("symbol") == "GOOG").sort("start").select("instrument", "start", "end").rows()
    assert goog == [("googl", date(2004, 8, 19), date(2014, 4, 2)), ("goog", date(2014, 4, 3), None)]
    fb = rows.filter(pl.col("symbol") == "FB").sort("start")["instrument"].to_list()
    assert fb == ["fb.1", "fb"]
