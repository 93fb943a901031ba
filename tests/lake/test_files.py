"""What the Delta log says about files, and what may be concluded from it."""

from datetime import date

import polars as pl

from lake import Lake
from lake.files import DataFile


def test_partition_values_with_odd_characters_survive(lake: Lake) -> None:
    frame = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "score": [1.0], "version": 1})
    for model in ("a b", "50%", "模型", "a=b/c"):
        with lake.commit(model, 1) as tx:
            tx.upsert("predictions", frame.with_columns(model=pl.lit(model)))
        assert lake.predictions(model, 1)["model"].to_list() == [model]
        assert lake.sql("select model from predictions where model = ?", [model]).item() == model
    with lake.commit("again", 1) as tx:
        tx.upsert("predictions", frame.with_columns(model=pl.lit("50%"), score=2.0))
    assert lake.scan("predictions").collect().height == 4


def test_file_may_hold_is_false_only_when_certain() -> None:
    file = DataFile("p", "u", {"year": 2024}, 1, {"session": date(2024, 2, 1)}, {"session": date(2024, 2, 9)})
    assert file.may_hold("session", date(2024, 2, 9), None)
    assert not file.may_hold("session", date(2024, 2, 10), None)
    assert not file.may_hold("session", None, date(2024, 1, 31))
    assert not file.may_hold("year", 2025, 2026)
    assert file.may_hold("close", 1.0, 2.0), "no statistics, no certainty"


def test_snapshot_counts_rows_and_knows_bounds(lake: Lake) -> None:
    frame = pl.DataFrame({"universe": "u", "instrument": ["A.US", "B.US"], "start": [date(2024, 1, 1)] * 2})
    with lake.commit("a", 1) as tx:
        tx.upsert("universes", frame)
    snapshot = lake.snapshot("universes")
    assert (snapshot.version, snapshot.rows) == (1, 2)
    assert snapshot.files[0].low == {"universe": "u", "instrument": "A.US", "start": date(2024, 1, 1), "end": None}
    assert snapshot.files[0].high["instrument"] == "B.US"
