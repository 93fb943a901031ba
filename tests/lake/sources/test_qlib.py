"""Qlib's own layout: floats from an index on, prices times their factor."""

import tarfile
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lake.sources import Layout, read_rows
from lake.sources.qlib import is_qlib, read_qlib
from qbrain_core.errors import InvalidInputError

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "dump"
    fields = {"open": [20.0, np.nan, 30.3], "factor": [2.0, 2.0, 3.0], "volume": [100.0, np.nan, 50.0]}
    fields |= dict.fromkeys(("high", "low", "close"), fields["open"])
    for name, values in fields.items():
        path = root / "features" / "sh600000" / f"{name}.day.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.array([1, *values], dtype="<f4").tofile(path)
    (root / "calendars").mkdir()
    (root / "calendars" / "day.txt").write_text("\n".join(DAYS))
    return root


def test_prices_are_taken_back_to_what_was_traded(folder: Path) -> None:
    assert is_qlib(folder)
    bars = read_qlib(folder)
    assert bars["instrument"].unique().to_list() == ["SH600000"]
    assert bars["session"].to_list() == [date(2024, 1, 3), date(2024, 1, 5)]  # the first value is where it begins
    assert bars["close"].to_list() == [10.0, 10.1]
    assert bars["volume"].to_list() == [200.0, 150.0]
    assert bars["volume_as_stored"].to_list() == [100.0, 50.0]
    assert bars["factor"].to_list() == [2.0, 3.0]


def test_an_archive_is_read_like_its_folder(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "dump.tar.xz", "w:xz") as archive:
        for part in ("calendars", "features"):
            archive.add(folder / part, part)
    read = read_rows(tmp_path / "dump.tar.xz", "bars", Layout({"volume": "volume_as_stored"}))
    assert read.rows["volume"].to_list() == [100.0, 50.0]
    assert read.rows["row"].to_list() == [1, 2]


def test_values_beyond_the_calendar_are_refused(folder: Path) -> None:
    np.array([3, 1.0, 2.0], dtype="<f4").tofile(folder / "features" / "sh600000" / "open.day.bin")
    with pytest.raises(InvalidInputError, match="open of SH600000 lies outside its calendar"):
        read_qlib(folder)


def test_other_archives_are_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    assert not is_qlib(tmp_path / "a.tar.gz")
    assert not is_qlib(tmp_path)


@pytest.mark.real
def test_prices_agree_with_another_source(real_data: Path) -> None:
    # an independent source has the prices as they were traded
    ours = read_qlib(real_data / "cn_qlib_native" / "qlib_20_symbols.tar.xz")
    theirs = pl.read_parquet(real_data / "cn_daily" / "csi300_daily_raw.parquet")
    symbol = pl.col("code").str.replace(".", "", literal=True).str.to_uppercase()
    both = ours.join(
        theirs.select(symbol.alias("instrument"), "date", raw="close", shares="volume"),
        left_on=["instrument", "session"], right_on=["instrument", "date"],
    )  # fmt: skip
    assert both.height > 20_000
    assert (both["close"] == both["raw"]).mean() > 0.999
    traded = both.filter(pl.col("shares") > 0)
    assert (traded["volume_as_stored"] / traded["shares"] - 1).abs().max() < 1e-6
