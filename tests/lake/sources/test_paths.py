"""Paths that stand for several files, and files inside others."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from lake.sources.paths import is_pattern, matching_files, read_member
from qbrain_core.errors import InvalidInputError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_a_plain_path_is_itself(tmp_path: Path) -> None:
    make(tmp_path, "a.csv")
    (found,) = matching_files(str(tmp_path / "a.csv"))
    assert (found.path, found.constants) == (tmp_path / "a.csv", {})
    with pytest.raises(InvalidInputError, match="no such file"):
        matching_files(str(tmp_path / "b.csv"))


def test_names_say_what_their_rows_have(tmp_path: Path) -> None:
    make(tmp_path, "aapl/20140605_trade.zip", "aapl/20140605_quote.zip", "spy/20131004_trade.zip", "spy/readme.txt")
    found = matching_files(str(tmp_path / "{instrument}" / "{session}_trade.zip"))
    assert [f.constants for f in found] == [
        {"instrument": "aapl", "session": "20140605"}, {"instrument": "spy", "session": "20131004"},
    ]  # fmt: skip


def test_a_star_stands_for_anything_in_one_name(tmp_path: Path) -> None:
    make(tmp_path, "2024/a.csv", "2025/b.csv", "2025/deep/c.csv", "2025/b.txt")
    found = matching_files(str(tmp_path / "*" / "*.csv"))
    assert [f.path.name for f in found] == ["a.csv", "b.csv"]
    assert is_pattern("prices/*.csv")
    assert not is_pattern("prices/a.csv")


def test_one_field_twice_must_agree(tmp_path: Path) -> None:
    make(tmp_path, "c/x_x.csv", "c/x_y.csv")
    assert [f.path.name for f in matching_files(str(tmp_path / "c" / "{instrument}_{instrument}.csv"))] == ["x_x.csv"]


def test_a_dot_in_a_pattern_is_a_dot(tmp_path: Path) -> None:
    make(tmp_path, "a.csv", "axcsv")
    assert [f.path.name for f in matching_files(str(tmp_path / "{instrument}.csv"))] == ["a.csv"]


def test_nothing_that_matches_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no file matches"):
        matching_files(str(tmp_path / "{instrument}.csv"))
    with pytest.raises(InvalidInputError, match=r"\$\{DATA\} stands for"):
        matching_files("${DATA}/a.csv")


def test_members_of_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("a.csv", "x")
    assert read_member(tmp_path / "one.zip") == ("a.csv", b"x")
    with tarfile.open(tmp_path / "two.tar.gz", "w:gz") as archive_:
        for name in ("prices.csv", "reports.csv"):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive_.addfile(info, io.BytesIO(b"y"))
    assert read_member(tmp_path / "two.tar.gz", "reports.csv") == ("reports.csv", b"y")
    with pytest.raises(InvalidInputError, match="several files: name one"):
        read_member(tmp_path / "two.tar.gz")
    with pytest.raises(InvalidInputError, match="no such file"):
        read_member(tmp_path / "two.tar.gz", "names.csv")


def test_compression_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"z"))
    assert read_member(tmp_path / "a.csv.gz") == ("a.csv", b"z")


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip", "a.tar.gz"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not what it says")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_member(tmp_path / name)
