from datetime import date, timedelta

import polars as pl
import pytest

from lake.tables import TABLES
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.knowledge import RULES, Dated, Listed, Spells, Timeless, known_on, rule_for, shocked_after

DAY = date(2024, 3, 1)
NOT_INPUTS = {"backtest", "quarantine", "finding", "job", "quality", "commit", "evaluation", "audit", "check"}


def test_every_table_that_factors_could_read_has_a_rule() -> None:
    dated = {name for name, table in TABLES.items() if {"session", "known_at", "start"} & set(table.schema.names)}
    results = {name for name in dated if name.startswith(tuple(NOT_INPUTS))}
    assert dated - results - set(RULES) == set()
    for name, rule in RULES.items():
        if name in TABLES:
            columns = set(TABLES[name].schema.names)
            needed = {Dated: ("day",), Spells: ("start", "end"), Listed: ("start", "end"), Timeless: ()}[type(rule)]
            assert {getattr(rule, part) for part in needed} <= columns, name


def test_known_spells_that_end_later_are_open() -> None:
    spells = pl.DataFrame(
        {
            "instrument": ["A", "B", "C", "D"],
            "start": [date(2024, 1, 1), date(2024, 1, 1), date(2024, 1, 1), date(2024, 3, 2)],
            "end": [date(2024, 2, 1), date(2024, 3, 1), None, None],
        }
    )
    known = known_on(spells, RULES["universes"], DAY)
    assert known["instrument"].to_list() == ["A", "B", "C"]
    assert known["end"].to_list() == [date(2024, 2, 1), None, None]


def test_known_instruments_are_blank_where_nothing_is_dated() -> None:
    rows = pl.DataFrame(
        {
            "instrument": ["A", "B", "C"], "sector": ["x", "y", "z"], "lot": [1, 1, 1],
            "listed": [None, date(2024, 3, 1), date(2024, 3, 2)],
            "delisted": [date(2024, 2, 1), date(2024, 9, 1), None],
        }
    )  # fmt: skip
    known = known_on(rows, RULES["instruments"], DAY)
    assert known["instrument"].to_list() == ["A", "B"]
    assert known["delisted"].to_list() == [date(2024, 2, 1), None]
    assert known["sector"].to_list() == [None, None]
    assert known["lot"].to_list() == [1, 1]


def test_known_reports_are_those_that_were_public() -> None:
    reports = pl.DataFrame({"known_at": [DAY, DAY + timedelta(1)], "eps": [1, 2]})
    assert known_on(reports, RULES["fundamentals"], DAY)["eps"].to_list() == [1]


def test_shocked_numbers_after_the_day_are_others_and_nothing_else_is() -> None:
    days = [DAY + timedelta(n) for n in range(-2, 3)]
    rows = pl.DataFrame(
        {"instrument": "A", "session": days, "year": 2024, "close": [1.5, 2.5, 3.5, None, 5.5],
         "volume": [7, 8, 9, 10, 11], "label": [0.1, 0.2, 0.3, 0.4, 0.5], "halted": False}
    )  # fmt: skip
    shocked = shocked_after(rows, Dated(late={"label": 1}), DAY, seed=1)
    assert shocked.select("instrument", "session", "year", "halted").equals(
        rows.select("instrument", "session", "year", "halted")
    )
    assert shocked["close"][:3].to_list() == [1.5, 2.5, 3.5]
    assert shocked["close"][3] is None
    assert not 0.5 < shocked["close"][4] / 5.5 < 2
    assert shocked["label"][:2].to_list() == [0.1, 0.2]
    assert all(abs(a - b) > 0.1 for a, b in zip(shocked["label"][2:], rows["label"][2:], strict=True))
    assert sorted(shocked["volume"][3:]) == [10, 11]


def test_rule_is_found_by_name_then_by_columns() -> None:
    assert rule_for("universes", pl.DataFrame({"session": []})) == Spells()
    assert rule_for("mine", pl.DataFrame({"session": [], "known_at": []})) == Dated("known_at")
    with pytest.raises(UnknownNameError, match="bars"):
        rule_for("barz", pl.DataFrame({"x": []}))
    with pytest.raises(InvalidInputError, match="known_at"):
        known_on(pl.DataFrame({"x": [1]}), Dated("known_at"), DAY)
