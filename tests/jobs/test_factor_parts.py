"""A factor set computed in blocks by several workers: one commit, the same rows, nothing left behind."""

import os
import signal
import time
from typing import Any

import polars as pl
import psutil
import pytest

import jobs
from lake import open_lake
from lake.records import open_records
from lake.records.models import JobRow
from lake.storage import Storage
from qbrain_core.specs import FactorsSpec

pytestmark = pytest.mark.soak  # the same in one process: test_task_factors_parts.py

PARTS = 4


def parts_of(stack: Any, parent: str) -> list[Any]:
    return [j for j in jobs.jobs(kind="factor_block", settings=stack.settings) if j.parent == parent]


def orphans(stack: Any, table: str) -> set[str]:
    named = {file.path for file in open_lake(stack.settings).snapshot(table).files}
    return set(Storage(stack.settings).stored_files(table)) - named


@pytest.fixture(scope="module")
def market(stack: Any, cn_bars: pl.DataFrame) -> Any:
    """Give a stack of two workers and a scheduler whose lake has real bars of 24 names."""
    stack.valkey()
    for _ in range(2):
        stack.worker()
    stack.schedule()
    started = time.monotonic()
    while len(jobs.workers(settings=stack.settings)) < 2:
        assert time.monotonic() - started < 300
        time.sleep(0.2)
    names = cn_bars["instrument"].unique().sort().to_list()[:24]
    listed = pl.DataFrame({"instrument": names}).with_columns(
        ticker=pl.col("instrument").str.head(6), kind=pl.lit("stock"), currency=pl.lit("CNY"), lot=100
    )
    with open_lake(stack.settings).commit("seed", 1) as transaction:
        transaction.upsert("instruments", listed)
        transaction.upsert("bars", cn_bars.filter(pl.col("instrument").is_in(names)))
    return stack


def test_parts_are_computed_by_several_workers_and_committed_once(market: Any) -> None:
    spec = FactorsSpec(market="CN", parts=PARTS)
    whole = jobs.submit(spec, settings=market.settings)
    done = jobs.wait(whole.id, timeout_s=600, settings=market.settings)
    assert done.status == "succeeded", done.error
    parts = parts_of(market, whole.id)
    assert len(parts) >= PARTS
    assert {p.status for p in parts} == {"succeeded"}
    assert len({p.worker for p in parts}) > 1
    lake = open_lake(market.settings)
    table = done.result["table"]
    assert done.result["version"] == lake.versions()[table] == 1
    assert done.result["rows"] == done.result["rows_written"] == lake.snapshot(table).rows
    alone = jobs.run(FactorsSpec(market="CN", rebuild=True), settings=market.settings)
    assert (alone.result["rows_written"], alone.result["rows_deleted"]) == (0, 0)
    assert orphans(market, table) == set()


def test_killed_part_is_tried_again_and_the_job_succeeds(market: Any, until: Any) -> None:
    whole = jobs.submit(FactorsSpec(market="CN", factor_set="alpha360", parts=PARTS), settings=market.settings)

    def elsewhere() -> Any:
        running = [p for p in parts_of(market, whole.id) if p.status == "running"]
        return next((p for p in running if not p.worker.startswith("within-")), None)

    part = until(elsewhere, 300)
    worker = psutil.Process(int(part.worker.split("-")[-2]))
    (horse,) = until(worker.children)
    os.kill(horse.pid, signal.SIGKILL)
    done = jobs.wait(whole.id, timeout_s=600, settings=market.settings)
    assert done.status == "succeeded", done.error
    assert jobs.job(part.id, settings=market.settings).attempt == 2
    assert done.result["rows"] == open_lake(market.settings).snapshot(done.result["table"]).rows
    assert orphans(market, done.result["table"]) == set()


def test_cancelled_job_stops_its_parts_and_leaves_no_file(market: Any, until: Any) -> None:
    spec = FactorsSpec(market="CN", factor_set="alpha360", rebuild=True, parts=12)
    whole = jobs.submit(spec, settings=market.settings)
    until(lambda: len(parts_of(market, whole.id)) >= 12, 300)
    jobs.cancel(whole.id, settings=market.settings)
    assert jobs.wait(whole.id, timeout_s=600, settings=market.settings).status == "cancelled"
    until(lambda: all(p.is_final for p in parts_of(market, whole.id)), 120)
    assert "cancelled" in {p.status for p in parts_of(market, whole.id)}
    table = next(t for t in open_lake(market.settings).factor_sets() if "alpha360" in t)
    until(lambda: orphans(market, table) == set())
    with open_records(market.settings).read() as session:
        assert session.query(JobRow).filter(JobRow.kind == "factor_block", JobRow.status == "running").count() == 0
