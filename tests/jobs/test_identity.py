"""What an ingest reads and writes: the files behind a pattern, and the tables beside its own."""

from pathlib import Path
from typing import Any

import pytest

from jobs.identity import Inputs, job_id, resolve_inputs, writes
from lake import Lake
from lake.registry import Registry
from lake.tables import TABLES
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings
from qbrain_core.specs import IngestSpec


def inputs(path: Path, settings: Settings, lake: Lake, **fields: Any) -> Inputs:
    spec = IngestSpec(path=str(path), market="US", **fields)
    return resolve_inputs(spec, [], lake=lake, registry=Registry(settings))


def test_every_file_of_a_pattern_counts(tmp_path: Path, settings: Settings, lake: Lake) -> None:
    for name in ("AAPL", "MSFT"):
        (tmp_path / f"{name}.csv").write_text(name)
    spec = IngestSpec(path=str(tmp_path / "{instrument}.csv"), market="US")
    found = inputs(tmp_path / "{instrument}.csv", settings, lake)
    assert [Path(p).name for p in found.files] == ["AAPL.csv", "MSFT.csv"]
    (tmp_path / "MSFT.csv").write_text("restated")
    assert job_id(spec, inputs(tmp_path / "{instrument}.csv", settings, lake)) != job_id(spec, found)


def test_every_file_of_a_folder_counts(tmp_path: Path, settings: Settings, lake: Lake) -> None:
    (tmp_path / "dump" / "features").mkdir(parents=True)
    (tmp_path / "dump" / "features" / "close.day.bin").write_bytes(b"1")
    assert len(inputs(tmp_path / "dump", settings, lake).files) == 1


def test_files_that_are_not_there_are_told_before_anything_runs(tmp_path: Path, settings: Settings, lake: Lake) -> None:
    with pytest.raises(InvalidInputError, match=r"path is .* no file matches"):
        inputs(tmp_path / "{instrument}.csv", settings, lake)
    (tmp_path / "a.csv").write_text("a")
    with pytest.raises(InvalidInputError, match=r"adjustments\.path is .* no such file"):
        inputs(tmp_path / "a.csv", settings, lake, adjustments={"path": str(tmp_path / "f.csv")})
    with pytest.raises(InvalidInputError, match="stands for"):
        inputs(Path("${DATA}/a.csv"), settings, lake)


def test_bars_write_more_than_bars() -> None:
    bars = IngestSpec(path="a.csv", market="US")
    assert {t for t in TABLES if writes(bars, t)} == {
        "bars", "instruments", "corporate_actions", "valuation", "instrument_status",
    }  # fmt: skip
    rates = IngestSpec(path="a.csv", market="US", table="interest_rates")
    assert {t for t in TABLES if writes(rates, t)} == {"interest_rates"}
