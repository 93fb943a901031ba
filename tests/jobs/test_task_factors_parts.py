"""The same in one process: blocks as parts of a job, run by the job itself where nobody else does."""

from typing import Any

import polars as pl
import pytest

import jobs
from jobs.tasks.factors import blocks
from lake import Lake
from lake.records import open_records
from lake.records.factor_sets import save_set
from lake.storage import Storage
from qbrain_core.errors import InvalidInputError
from qbrain_core.factors import FactorSet
from qbrain_core.settings import Settings
from qbrain_core.specs import FactorsSpec

SETS = {
    "windows": {"MA": "Mean($close, 5)/$close", "RANK": "Rank($volume, 10)"},
    "across": {"RANK": "CSRank($close/Ref($close, 5))", "OWN": "$open/$close"},
}


@pytest.fixture
def market(valkey: str, settings: Settings, lake: Lake, cn_bars: pl.DataFrame) -> Lake:
    """Eight real names over three years, and two sets of somebody's own."""
    names = cn_bars["instrument"].unique().sort().to_list()[:8]
    listed = pl.DataFrame({"instrument": names}).with_columns(
        ticker=pl.col("instrument").str.head(6), kind=pl.lit("stock"), currency=pl.lit("CNY"), lot=100
    )
    rows = cn_bars.filter(pl.col("instrument").is_in(names) & pl.col("session").dt.year().is_between(2020, 2022))
    with lake.commit("seed", 1) as transaction:
        transaction.upsert("instruments", listed)
        transaction.upsert("bars", rows)
    for name, expressions in SETS.items():
        save_set(open_records(settings), FactorSet(name, expressions, owner=settings.owner, visibility="private"))
    return lake


def parts_of(settings: Settings, parent: str) -> list[Any]:
    return [j for j in jobs.jobs(kind="factor_block", settings=settings) if j.parent == parent]


@pytest.mark.parametrize("name", [pytest.param("windows", marks=pytest.mark.soak), "across"])
def test_parts_give_what_one_job_gives(market: Lake, settings: Settings, name: str) -> None:
    done = jobs.run(FactorsSpec(market="CN", factor_set=name, parts=3), settings=settings)
    assert done.status == "succeeded", done.error
    assert done.spec["factor_set"] == f"{name}@1"
    table = done.result["table"]
    assert [p.status for p in parts_of(settings, done.id)] == ["succeeded"] * 3
    assert done.result["version"] == market.versions()[table] == 1
    alone = jobs.run(FactorsSpec(market="CN", factor_set=name, rebuild=True), settings=settings)
    assert alone.result["rows"] == done.result["rows"] == done.result["rows_written"] == market.snapshot(table).rows
    assert (alone.result["rows_written"], alone.result["rows_deleted"]) == (0, 0)
    assert set(Storage(settings).stored_files(table)) == {f.path for f in market.snapshot(table).files}


def test_failed_part_fails_the_job_stops_the_others_and_leaves_no_file(
    market: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    write = blocks.Staging.write

    def broken(self: Any, frame: pl.DataFrame) -> None:
        made.append(frame.height)
        if len(made) == 5:
            raise InvalidInputError("disk", "", "it is full")
        write(self, frame)

    monkeypatch.setattr(blocks.Staging, "write", broken)
    done = jobs.run(FactorsSpec(market="CN", factor_set="windows", parts=4), settings=settings)
    assert done.status == "failed"
    assert "it is full" in done.error
    assert sorted(p.status for p in parts_of(settings, done.id)) == ["cancelled", "cancelled", "failed", "succeeded"]
    assert market.factor_sets() == []
    assert list((settings.home / "lake" / "factors").rglob("*.parquet")) == []
    monkeypatch.undo()
    again = jobs.retry(done.id, settings=settings)  # files of the part that had succeeded are gone: it runs anew
    assert again.status == "queued"
    done = jobs.run(FactorsSpec(market="CN", factor_set="windows", parts=4), settings=settings)
    assert done.status == "succeeded", done.error
    assert done.result["rows"] == market.snapshot(done.result["table"]).rows
