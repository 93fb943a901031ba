"""An older version's rows as a new version."""

from datetime import date

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.compaction import compact
from lake.storage import Storage
from qbrain_core.errors import InvalidInputError, JobLostError
from qbrain_core.settings import Settings


def upsert(lake: Lake, job: str, *names: str, start: date = date(2024, 1, 1)) -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": names, "start": start}))


def members(lake: Lake, as_of: object = None) -> list[str]:
    return lake.universe("u", as_of=as_of)["instrument"].to_list()  # type: ignore[arg-type]


@pytest.fixture
def history(lake: Lake) -> Lake:
    for name in ("A.US", "B.US", "C.US"):
        upsert(lake, name, name)
    return lake


def test_rollback_is_a_new_version_and_history_stays(history: Lake) -> None:
    assert history.rollback("universes", 1, "undo") == 4
    assert members(history) == ["A.US"]
    assert members(history, {"universes": 3}) == ["A.US", "B.US", "C.US"]
    assert history.rollback("universes", 3, "redo") == 5
    assert members(history) == ["A.US", "B.US", "C.US"]
    diff = history.diff("universes", 3, 5)
    assert (diff.added.height, diff.changed.height, diff.removed.height) == (0, 0, 0)
    assert history.sql("select count(*) from universes where instrument >= 'B'").item() == 2


def test_rollback_runs_once_per_job(history: Lake, settings: Settings) -> None:
    history.rollback("universes", 1, "undo")
    upsert(history, "after", "D.US")
    assert open_lake(settings).rollback("universes", 1, "undo", attempt=2) == 5
    assert members(history) == ["A.US", "D.US"]


def test_rollback_to_the_rows_there_are_makes_no_version(history: Lake) -> None:
    assert history.rollback("universes", 3, "a") == 3
    compact(history, ["universes"], min_files=2)
    assert history.rollback("universes", 3, "b") == 4 == history.versions()["universes"]


def test_rollback_to_the_empty_table(history: Lake) -> None:
    with history.commit("undo", 1) as tx:
        tx.rollback("universes", 0)
    assert (tx.changed, tx.deleted) == ({"universes": 0}, {"universes": 3})
    assert members(history) == []


def test_rollback_brings_copies_so_that_no_path_serves_two_lives(history: Lake) -> None:
    gone = {file.path for file in history.snapshot("universes", as_of={"universes": 3}).files}
    history.rollback("universes", 0, "undo")
    with history.commit("redo", 1) as tx:
        tx.rollback("universes", 3)
    assert tx.changed == {"universes": 3}
    assert not gone & {file.path for file in history.snapshot("universes").files}


def test_rollback_that_lost_the_race_is_planned_again(history: Lake, settings: Settings) -> None:
    raced = []

    def fence() -> None:
        if not raced:
            raced.append(upsert(open_lake(settings), "rival", "R.US"))

    assert history.rollback("universes", 2, "undo", fence=fence) == 5
    assert members(history) == ["A.US", "B.US"], "the rival's row came after the version gone back to"
    assert members(history, {"universes": 4}) == ["A.US", "B.US", "C.US", "R.US"]


def test_rollback_of_a_lost_job_leaves_nothing(history: Lake, settings: Settings) -> None:
    history.rollback("universes", 0, "empty")
    before = set(Storage(settings).stored_files("universes"))

    def fence() -> None:
        raise JobLostError("a newer attempt owns it")

    with pytest.raises(JobLostError):
        history.rollback("universes", 2, "undo", fence=fence)
    assert set(Storage(settings).stored_files("universes")) == before


@pytest.mark.parametrize("version", [-1, 9])
def test_rollback_to_no_version_is_refused(history: Lake, version: int) -> None:
    with pytest.raises(InvalidInputError, match="versions 0 to 3"):
        history.rollback("universes", version, "undo")


def test_rollback_to_a_version_whose_files_are_gone_is_refused(history: Lake, settings: Settings) -> None:
    history.rollback("universes", 0, "empty")
    storage = Storage(settings)
    storage.discard("universes", list(storage.stored_files("universes"))[:1])
    with pytest.raises(InvalidInputError, match="cleaned up"):
        history.rollback("universes", 3, "undo")
    assert history.versions()["universes"] == 4


def test_rollback_besides_another_write_is_refused(history: Lake) -> None:
    with pytest.raises(InvalidInputError, match="only write"), history.commit("x", 1) as tx:  # noqa: PT012
        tx.delete("universes", where={"universe": "u"})
        tx.rollback("universes", 1)
    assert history.versions()["universes"] == 3
