"""Who still needs which versions."""

from datetime import date

import polars as pl
import pytest

from lake import Lake
from lake.pins import pinned_versions
from lake.records import open_records
from lake.records.models import JobRow
from lake.registry import Registry
from lake.tables import factor_table
from qbrain_core.settings import Settings


@pytest.fixture
def factors(lake: Lake) -> Lake:
    for digest in ("aaaaaaaa", "bbbbbbbb"):
        frame = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "x": [1.0]})
        with lake.commit(digest, 1) as tx:
            tx.upsert(factor_table("tiny", digest, ("x",)), frame)
    return lake


def test_new_lake_pins_nothing(lake: Lake) -> None:
    assert pinned_versions(lake) == {}


def test_pins_models_and_unfinished_jobs_are_collected(factors: Lake, settings: Settings) -> None:
    records = open_records(settings)
    records.set_pin("one", {"bars": 3, "factors/tiny-aaaaaaaa": 1}, owner="local")
    records.set_pin("two", {"bars": 4, "factors_tiny": 7, "a_table_of_the_past": 1}, owner="local")
    with records.write() as session:
        for n, status in enumerate(("waiting", "queued", "running", "succeeded", "failed", "cancelled")):
            session.add(
                JobRow(id=f"j{n}", kind="x", queue="q", status=status, spec={}, spec_hash="", code_hash="",
                       versions={"universes": n}, owner="local")
            )  # fmt: skip
    for n in (5, 6):
        Registry(settings).register(
            "model", {"weights": bytes([n])}, job_id=f"m{n}", owner="local", visibility="private", metrics={},
            params={}, pins={"bars": n}, code_hash="", environment={}, seed=1,
        )  # fmt: skip
    assert pinned_versions(factors) == {
        "bars": {3, 4, 5, 6},
        "universes": {0, 1, 2},
        "factors/tiny-aaaaaaaa": {1, 7},
        "factors/tiny-bbbbbbbb": {7},
    }
