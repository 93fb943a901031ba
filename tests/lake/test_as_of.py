"""Yesterday's state tomorrow: restated bars are both, each at its time."""

import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.compaction import compact
from lake.records import open_records
from lake.retention import retain
from lake.vacuum import vacuum
from qbrain_core.settings import Settings

SESSIONS = [date(2024, 1, day) for day in (2, 3, 4)]
CLOSES = {"delivered": [10.0, 11.0, 12.0], "restated": [10.0, 10.5, 12.0], "split": [5.0, 5.25, 6.0], "deleted": [5.0]}


@dataclass
class Told:
    """A lake whose bars were told four times over, and a moment after each telling."""

    lake: Lake
    moments: dict[str, datetime] = field(default_factory=dict)

    def closes(self, as_of: object) -> list[float]:
        return self.lake.bars(columns=["close"], as_of=as_of)["close"].to_list()  # type: ignore[arg-type]


def bars(closes: list[float]) -> pl.DataFrame:
    return pl.DataFrame({"session": SESSIONS[: len(closes)], "close": closes}).with_columns(
        instrument=pl.lit("A.US"), factor=1.0, halted=False, price_basis=pl.lit("raw")
    )


@pytest.fixture
def told(anywhere: Settings) -> Told:
    made = Told(open_lake(anywhere))
    for name, closes in CLOSES.items():
        with made.lake.commit(name, 1) as tx:
            if name == "split":
                tx.replace("bars", bars(closes), where={"market": "US"})
            elif name == "deleted":
                tx.delete("bars", where={"session": SESSIONS[1]})
                tx.delete("bars", where={"session": SESSIONS[2]})
            else:
                tx.upsert("bars", bars(closes))
        time.sleep(0.02)
        made.moments[name] = datetime.now(UTC)
        time.sleep(0.02)
    return made


def check(told: Told) -> None:
    for number, (name, closes) in enumerate(CLOSES.items(), 1):
        moment = told.moments[name]
        for point in (moment, moment.isoformat(), {"bars": number}, f"bars={number}"):
            assert told.closes(point) == closes, (name, point)
        query = "select close from bars where instrument = ? order by session"
        assert told.lake.sql(query, ["A.US"], as_of=moment)["close"].to_list() == closes
    assert told.closes(None) == CLOSES["deleted"]


def test_each_moment_shows_what_was_told_by_then(told: Told) -> None:
    check(told)
    told.lake = open_lake(told.lake.settings)
    check(told)


def test_upkeep_of_the_night_changes_no_yesterday(told: Told) -> None:
    open_records(told.lake.settings).set_pin("monday", {"bars": 2}, owner="local")
    with told.lake.commit("more", 1) as tx:
        tx.upsert("bars", pl.concat([bars(CLOSES["deleted"]), bars([7.0]).with_columns(instrument=pl.lit("B.US"))]))
    compact(told.lake, min_files=2)
    retain(told.lake, {"bars": 10})
    assert told.closes(None) == []
    assert vacuum(told.lake) == [], "the youngest files are kept, whoever names them"
    for number, (name, closes) in enumerate(CLOSES.items(), 1):
        assert told.closes(told.moments[name]) == closes
        assert told.closes({"bars": number}) == closes
    assert told.closes("monday") == CLOSES["restated"]
    told.lake.rollback("bars", 3, "undo")
    assert told.closes(None) == CLOSES["split"]
    assert told.closes(told.moments["delivered"]) == CLOSES["delivered"]


@pytest.mark.parametrize("anywhere", ["folder"], indirect=True)
def test_copy_of_a_lake_has_the_same_yesterday(told: Told, tmp_path: Path) -> None:
    source = Path(told.lake.settings.lake_root)
    copied = shutil.copytree(source, tmp_path / "copy", copy_function=shutil.copyfile)  # files of today
    told.lake = open_lake(told.lake.settings.model_copy(update={"lake_url": str(copied)}))
    check(told)


@pytest.mark.parametrize("anywhere", ["folder", pytest.param("bucket", marks=pytest.mark.soak)], indirect=True)
def test_difference_between_two_days_names_the_restated_row(told: Told) -> None:
    found = told.lake.diff("bars", told.moments["delivered"], told.moments["restated"])
    row = found.changed.row(0, named=True)
    assert (found.changed.height, found.added.height, found.removed.height) == (1, 0, 0)
    assert (row["session"], row["close_before"], row["close"]) == (SESSIONS[1], 11.0, 10.5)
    assert told.lake.diff("bars", told.moments["split"]).removed["session"].to_list() == SESSIONS[1:]
