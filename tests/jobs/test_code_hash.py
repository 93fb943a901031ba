from pathlib import Path

import qbrain_core
from jobs.code_hash import code_hash, environment


def sources(folder: Path, text: str) -> Path:
    (folder / "part").mkdir(parents=True)
    (folder / "one.py").write_bytes(text.encode())
    (folder / "part" / "two.py").write_text("b = 2\n")
    (folder / "notes.txt").write_text("not code")
    return folder


def test_code_hash_names_version_and_sources(tmp_path: Path) -> None:
    first = code_hash(sources(tmp_path / "a", "a = 1\n"))
    assert first.startswith(f"{qbrain_core.__version__}+")
    assert len(first.partition("+")[2]) == 16
    assert code_hash(sources(tmp_path / "b", "a = 1\n")) == first
    assert code_hash(sources(tmp_path / "c", "a = 1\r\n")) == first
    assert code_hash(sources(tmp_path / "d", "a = 2\n")) != first


def test_code_hash_sees_a_file_move(tmp_path: Path) -> None:
    first, moved = sources(tmp_path / "a", "a = 1\n"), sources(tmp_path / "b", "a = 1\n")
    (moved / "one.py").rename(moved / "part" / "one.py")
    assert code_hash(first) != code_hash(moved)


def test_environment_names_what_computes() -> None:
    assert {"python", "platform", "lightgbm", "polars", "pyqlib"} <= set(environment())
