"""Turns: others wait for one who commits alone, but not for ever, and a dead holder holds nobody."""

import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import lake.turn
from lake import Lake, open_lake
from lake.turn import Turn
from qbrain_core.settings import Settings

HOLDER = """
import sys, time
from pathlib import Path
from lake.turn import Turn
with Turn(Path(sys.argv[1]), "root").taken("bars", alone=True) as alone:
    print(alone, flush=True)
    time.sleep(60)
"""


def test_alone_means_alone_and_beside_means_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake.turn, "LONGEST_WAIT_S", 0.05)
    turn = Turn(tmp_path, "root")
    with turn.taken("bars", alone=False) as first, turn.taken("bars", alone=False) as second:
        assert first
        assert second
        with turn.taken("bars", alone=True) as third:
            assert not third
    with turn.taken("bars", alone=True) as alone, turn.taken("universes", alone=True) as elsewhere:
        assert alone
        assert elsewhere
        with turn.taken("bars", alone=False) as late:
            assert not late
    with turn.taken("bars", alone=True) as again:
        assert again


def test_dead_holder_holds_nobody(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    env = {"PYTHONPATH": str(Path(lake.turn.__file__).parents[1])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    process.kill()
    process.communicate()
    began = time.monotonic()
    with Turn(tmp_path, "root").taken("bars", alone=True) as alone:
        assert alone
    assert time.monotonic() - began < 1


def test_writer_that_lost_holds_the_others_back(lake: Lake, settings: Settings) -> None:
    rival, seen = open_lake(settings), []

    def write(to: Lake, job: str) -> None:
        row = pl.DataFrame({"universe": ["u"], "instrument": [f"{job}.US"], "start": [date(2024, 1, 1)]})
        with to.commit(job, 1, fence=fence if to is lake else lambda: None) as tx:
            tx.upsert("universes", row)

    def fence() -> None:  # between planning and committing
        with rival.catalog.storage.turn.taken("universes", alone=False) as free:
            seen.append(free)
        if free:
            write(rival, f"R{len(seen)}")

    write(lake, "slow")
    assert seen == [True] * 3 + [False]
    assert lake.universe("u").height == 4
