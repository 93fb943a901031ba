"""A store that is slow, drops connections or loses answers: commits happen once, and what fails says why."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest
from s3_faults import Faults, faulty

from lake import Lake, open_lake
from lake.compaction import compact
from lake.s3 import S3Access
from lake.tables import factor_table
from qbrain_core.errors import InvalidInputError, TransientError
from qbrain_core.settings import Settings

LOG = {"method": "PUT", "contains": "universes/_delta_log/0"}
FILE = {"method": "PUT", "contains": "universes/part-"}
LISTING = {"method": "GET", "contains": "list-type=2"}
LOOK = {"method": "HEAD", "contains": "universes"}
EVERYTHING = [{"method": method, "contains": "", "does": "refuse"} for method in ("GET", "HEAD", "PUT")]


@pytest.fixture(scope="module")
def faults(s3_store: dict[str, str]) -> Iterator[Faults]:
    with faulty(s3_store) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def lake(faults: Faults, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "QBRAIN_"))]:
            patch.delenv(name)
        for name, value in faults.variables.items():
            patch.setenv(name, value)
        made = Settings(env="test", home=tmp_path_factory.mktemp("home"), lake_url=f"s3://qbrain/{uuid.uuid4().hex}")
        yield open_lake(made)


@pytest.fixture(autouse=True)
def whole_again(faults: Faults) -> Iterator[None]:
    yield
    faults.set()


def members(lake: Lake) -> list[str]:
    return lake.universe("u")["instrument"].to_list()


def upsert(lake: Lake, instrument: str) -> dict[str, int]:
    frame = pl.DataFrame({"universe": ["u"], "instrument": [instrument], "start": [date(2024, 1, 1)]})
    with lake.commit(uuid.uuid4().hex, 1) as tx:
        tx.upsert("universes", frame)
    return tx.changed


def delete(lake: Lake, instrument: str) -> dict[str, int]:
    with lake.commit(uuid.uuid4().hex, 1) as tx:
        tx.delete("universes", where={"instrument": instrument})
    return tx.deleted


CASES = [
    pytest.param(write, where, does, marks=[] if where is LOG and does != "slow_down" else [pytest.mark.soak])
    for write in (upsert, delete)
    for where in (LOG, FILE, LISTING, LOOK)
    for does in ("slow_down", "reset", "lose_answer")
]


@pytest.mark.parametrize(("write", "where", "does"), CASES)
def test_commit_through_a_fault_happens_exactly_once(
    lake: Lake, faults: Faults, write: Callable[[Lake, str], dict[str, int]], where: dict[str, str], does: str
) -> None:
    name = f"{uuid.uuid4().hex[:8]}.US"
    upsert(lake, name.replace(".US", ".HK"))
    if write is delete:
        upsert(lake, name)
    before = lake.snapshot("universes").version
    faults.set({**where, "does": does, "times": 2})
    assert write(lake, name) == {"universes": 1}
    if where is LOG:
        assert faults.happened()[0] > 0
    assert Lake(lake.settings).snapshot("universes").version == before + 1
    assert members(lake).count(name) == (1 if write is upsert else 0)
    assert name.replace(".US", ".HK") in members(lake)


def test_answer_lost_and_another_writer_meanwhile_is_not_undone(
    lake: Lake, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the commit got through; before its writer looks again, another rewrites the file it had added
    import lake.commit as module

    raced: list[int] = []

    def pause(attempt: int) -> None:
        if not raced:
            faults.set()
            raced.append(attempt)
            rival(lake)

    def rival(lake: Lake) -> None:
        row = {"universe": "u", "instrument": "LATE.US", "start": date(2024, 1, 1), "end": date(2025, 1, 1)}
        with Lake(lake.settings).commit("rival", 1) as tx:
            tx.upsert("universes", pl.DataFrame([row]))

    monkeypatch.setattr(module, "pause", pause)
    faults.set({**LOG, "does": "lose_answer", "times": 1})
    upsert(lake, "LATE.US")
    assert raced
    row = lake.universe("u").filter(instrument="LATE.US")
    assert row["end"].to_list() == [date(2025, 1, 1)], "the newer write stays"


@pytest.mark.parametrize("does", ["reset", "lose_answer"])
@pytest.mark.soak
def test_widening_and_compaction_through_a_fault(lake: Lake, faults: Faults, does: str) -> None:
    table = factor_table("fault", uuid.uuid4().hex[:12], ("a",))
    wider = factor_table("fault", table.name[-8:], ("a", "b"))
    for day in range(1, 6):
        rows = pl.DataFrame({"instrument": ["A.US"], "session": [date(2020, 1, day)], "a": [1.0]})
        with lake.commit(f"{table.name}-{day}", 1) as tx:
            tx.upsert(table, rows)
    faults.set({"method": "PUT", "contains": "_delta_log/0", "does": does, "times": 1})
    with lake.commit(f"{table.name}-wide", 1) as tx:
        tx.upsert(wider, rows.with_columns(session=pl.lit(date(2020, 1, 9)), b=2.0))
    again = Lake(lake.settings)
    assert again.factors(table.name)["b"].to_list() == [None] * 5 + [2.0]
    faults.set({"method": "PUT", "contains": "_delta_log/0", "does": does, "times": 1})
    assert [done.outcome for done in compact(again, [table.name])] == ["rewritten"]
    assert len(again.snapshot(table.name).files) == 1
    assert again.factors(table.name).height == 6


def refused(ask: Callable[[], Any]) -> str:
    began = time.monotonic()
    with pytest.raises((TransientError, OSError)) as caught:
        ask()
    assert time.monotonic() - began < 60
    told = str(caught.value)
    assert "\x1b" not in told
    assert "Traceback" not in told
    return told


@pytest.mark.soak
def test_store_that_serves_nobody_is_named(lake: Lake, faults: Faults) -> None:
    upsert(lake, "A.US")
    faults.set(*EVERYTHING)
    address = faults.variables["AWS_ENDPOINT_URL"]
    for ask in (lambda: members(lake), lambda: lake.sql("SELECT 1 FROM universes"), lambda: open_lake(lake.settings)):
        told = refused(ask)
        assert f"the object store at {address} does not answer" in told
    assert "does not answer" in refused(lambda: upsert(lake, "B.US"))
    faults.set()
    assert "A.US" in members(lake)
    assert "B.US" not in members(lake)


def test_files_that_cannot_be_read_are_no_fault_of_the_query(lake: Lake, faults: Faults) -> None:
    upsert(lake, "C.US")
    faults.set({"method": "GET", "contains": "part-", "does": "refuse"})
    fresh = Lake(lake.settings)
    assert "does not answer" in refused(lambda: fresh.sql("SELECT max(start) FROM universes"))
    assert "503" in refused(lambda: fresh.universe("u"))


@pytest.mark.soak
def test_log_that_cannot_be_written_leaves_the_table_alone(lake: Lake, faults: Faults) -> None:
    before = lake.versions()["universes"]
    faults.set({**LOG, "does": "refuse"})
    assert "does not answer" in refused(lambda: upsert(lake, "D.US"))
    faults.set()
    assert lake.versions()["universes"] == before
    assert "D.US" not in members(lake)


@pytest.mark.soak
def test_wrong_bucket_and_wrong_address_say_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match="bucket does not exist"):
        open_lake(lake.settings.model_copy(update={"lake_url": "s3://no-such-bucket/lake"}))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:9 does not answer"):
        open_lake(lake.settings)
    assert S3Access.from_environment().endpoint == "http://127.0.0.1:9"


@pytest.mark.soak
def test_store_that_hangs_is_given_up_and_asked_again(lake: Lake, faults: Faults) -> None:
    began = time.monotonic()
    faults.set({**LOG, "does": "hang", "seconds": 45, "times": 1})
    upsert(lake, "E.US")
    assert 25 < time.monotonic() - began < 60
    assert "E.US" in members(lake)
