"""The checks as a whole: names are unique, sentences are sentences, tables exist."""

import re

import pytest

from lake.quality import CHECKS, SUBJECTS, check_named, checks_of, incoming_errors, incoming_warnings
from lake.quality.repairs import REPAIRS, repair_named
from lake.quality.standing import CHECKED_TABLES, standing_checks
from lake.tables import TABLES
from qbrain_core.errors import InvalidInputError, UnknownNameError


def test_names_are_unique_and_sentences_whole() -> None:
    assert len(CHECKS) == sum(len(checks) for checks in SUBJECTS.values())
    for check in CHECKS.values():
        assert re.fullmatch(r"[a-z][a-z_]+", check.name)
        assert check.sentence[0].isupper(), check.name
        assert check.sentence.endswith("."), check.name
        assert set(check.tables) <= set(TABLES), check.name
        assert check.severity != "error" or check.stages != ("stored",), check.name


def test_checks_are_chosen_by_table_stage_and_severity() -> None:
    errors, warnings = incoming_errors("bars"), incoming_warnings("bars")
    assert [c.name for c in errors][:3] == ["error_body", "repeated_header", "null_row"]
    names = [c.name for c in errors]
    assert names.index("half_adjusted") < names.index("partial_last_bar") < names.index("ohlc_order")
    assert {c.severity for c in warnings} == {"warning"}
    assert "not_fresh" not in {c.name for c in warnings}
    assert "not_fresh" in {c.name for c in checks_of("bars", stage="stored")}
    assert "ohlc_order" not in {c.name for c in incoming_errors("universes")}


def test_notes_are_told_when_asked_for() -> None:
    assert "reverse_split" not in {c.name for c in standing_checks("bars")}
    assert "reverse_split" in {c.name for c in standing_checks("bars", notes=True)}
    assert [c.name for c in standing_checks("bars", ["reverse_split"])] == ["reverse_split"]
    assert {"bars", "bars_intraday", "universes", "fundamentals", "instruments"} <= set(CHECKED_TABLES)


def test_unknown_names_are_answered_with_close_ones() -> None:
    with pytest.raises(UnknownNameError, match="ohlc_order"):
        check_named("ohlc_ordr")
    with pytest.raises(UnknownNameError, match="fix_ohlc"):
        repair_named("fix_olhc", "bars")
    with pytest.raises(InvalidInputError, match="fix_ohlc is for bars"):
        repair_named("fix_ohlc", "universes")


def test_repairs_answer_checks_that_exist() -> None:
    for repair in REPAIRS.values():
        assert set(repair.answers) <= set(CHECKS), repair.name
        assert set(repair.tables) <= set(TABLES)
