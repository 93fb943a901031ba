"""The declarations hold together."""

import pytest

from lake.tables import TABLES, Column, Table, factor_table, table
from lake.views import sql_type
from qbrain_core.errors import InvalidInputError, UnknownNameError


@pytest.mark.parametrize("declared", TABLES.values(), ids=TABLES)
def test_table_is_declared_completely(declared: Table) -> None:
    names = declared.schema.names
    assert len(set(names)) == len(names)
    assert declared.key
    assert declared.sentence.endswith(".")
    for column in declared.columns:
        assert column.sentence.endswith("."), column.name
        assert sql_type(column.type)
        if column.name in {*declared.key, *declared.partitions, *declared.sort}:
            assert not column.nullable, f"{column.name} identifies or places rows"


def test_table_with_a_key_it_lacks_is_refused() -> None:
    column = TABLES["bars"].columns[0]
    with pytest.raises(InvalidInputError, match="not one of the table's columns"):
        Table("t", "A row.", (Column("a", column.type, "A."),), key=("b",))


def test_key_decides_these_partitions() -> None:
    decided = {name: declared.key_partitions for name, declared in TABLES.items() if declared.partitions}
    assert decided["bars"] == ["market", "year"]
    assert decided["fundamentals"] == ["known_year"]
    assert decided["predictions"] == ["model", "year"]
    assert decided["backtest_equity"] == [], "a run may be written again in another month"


def test_factor_table_is_named_by_set_and_digest() -> None:
    made = factor_table("alpha158", "0123456789abcdef", ("KMID", "KLEN"))
    assert (made.name, made.view) == ("factors/alpha158-01234567", "factors_alpha158_01234567")
    assert made.schema.names[-2:] == ["KMID", "KLEN"]
    assert made.key == ("instrument", "session")


def test_unknown_table_lists_close_names() -> None:
    assert table("bars") is TABLES["bars"]
    with pytest.raises(UnknownNameError, match="did you mean 'instruments'"):
        table("instrument")
