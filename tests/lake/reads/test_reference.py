"""Typed reads of instruments and universes: the right rows, in the stated order, typed also when empty."""

from datetime import date

import polars as pl

from lake import Lake
from lake.tables import TABLES


def test_instrument_is_a_dict_or_none(lake: Lake) -> None:
    row = {"instrument": "A.US", "ticker": "A", "kind": "stock", "currency": "USD", "lot": 1, "name_en": "Agilent"}
    with lake.commit("a", 1) as tx:
        tx.upsert("instruments", pl.DataFrame([row]))
    found = lake.instrument("A.US")
    assert found is not None
    assert list(found) == TABLES["instruments"].schema.names
    assert found["name_en"] == "Agilent"
    assert lake.instrument("B.US") is None
    assert lake.instruments(market="US", kind="stock").height == 1
    assert lake.instruments(kind="index").is_empty()


def test_members_follow_spells_inclusive(lake: Lake) -> None:
    spells = [("u", "A.US", date(2024, 1, 1), date(2024, 1, 31)), ("u", "A.US", date(2024, 3, 1), None),
              ("u", "B.US", date(2024, 2, 1), None), ("v", "C.US", date(2024, 1, 1), None)]  # fmt: skip
    schema = ["universe", "instrument", "start", "end"]
    with lake.commit("a", 1) as tx:
        tx.upsert("universes", pl.DataFrame(spells, schema=schema, orient="row"))
    assert lake.universe("u").height == 3
    assert lake.members("u", date(2024, 1, 31)) == ["A.US"]
    assert lake.members("u", date(2024, 2, 1)) == ["B.US"]
    assert lake.members("u", date(2024, 3, 1)) == ["A.US", "B.US"]
    assert lake.members("none", date(2024, 3, 1)) == []


def test_universe_is_remembered_until_a_spell_changes(lake: Lake) -> None:
    def join(job: str, name: str) -> None:
        with lake.commit(job, 1) as tx:
            tx.upsert("universes", pl.DataFrame({"universe": ["u"], "instrument": [name], "start": [date(2024, 1, 1)]}))

    join("a", "A.US")
    assert lake.members("u", date(2024, 2, 1)) == ["A.US"]
    join("b", "B.US")
    assert lake.members("u", date(2024, 2, 1)) == ["A.US", "B.US"]
    assert lake.members("u", date(2024, 2, 1), as_of={"universes": 1}) == ["A.US"]
    assert lake.universes() == ["u"]
