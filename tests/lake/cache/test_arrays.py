"""The level on the disk: whole or absent, bounded, and one process at a time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lake.cache.arrays import ArrayCache

ROOT = Path(__file__).resolve().parents[3]


def array(n: int) -> np.ndarray:
    return np.full((1000, 10), float(n), order="F")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=hnp.arrays(st.sampled_from([np.float64, np.float32]), hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)),
    order=st.sampled_from("CF"),
)
def test_array_comes_back_bit_by_bit(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, order: str) -> None:
    folder = tmp_path_factory.mktemp("arrays")
    values = np.asarray(values, order=order)
    kept = ArrayCache(folder, 10_000).put("s", "1-a", values, {"names": ["é", "中"]})
    found = ArrayCache(folder, 10_000).get("s", "1-a")
    for stored in (kept, found):
        assert stored.values.tobytes("A") == values.tobytes("A")
        assert stored.values.dtype == values.dtype
        assert stored.facts == {"names": ["é", "中"]}
        assert not stored.values.flags.writeable


def test_least_recently_used_array_goes_first(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path, 250_000)
    for n, state in enumerate("abc"):
        cache.put("s", state, array(n), {})
        time.sleep(0.01)
    cache.get("s", "a")
    time.sleep(0.01)
    cache.put("s", "d", array(3), {})
    assert [cache.get("s", state) is not None for state in "abcd"] == [True, False, True, True]
    figures = cache.figures()
    assert figures.entries == 3
    assert figures.evicted == 1
    assert figures.size_bytes <= 250_000


def test_array_in_use_outlives_its_eviction(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path, 100_000)
    held = cache.put("s", "a", array(1), {}).values
    cache.put("s", "b", array(2), {})
    assert cache.get("s", "a") is None
    assert held.sum() == 10_000


def test_array_beyond_the_bound_or_on_a_sick_disk_is_not_kept(tmp_path: Path) -> None:
    assert ArrayCache(tmp_path, 1_000).put("s", "a", array(1), {}) is None
    assert ArrayCache(tmp_path, 0).put("s", "a", array(1), {}) is None
    (tmp_path / "file").write_text("")
    sick = ArrayCache(tmp_path / "file", 10**9)
    with sick.turn("s"):
        assert sick.put("s", "a", array(1), {}) is None
    assert sick.get("s", "a") is None
    assert sick.figures().entries == 0


def test_latest_state_comes_first_and_a_dropped_one_is_gone(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path, 10**6)
    for state in ("1-a", "3-c", "2-b"):
        cache.put("s", state, array(1), {})
        time.sleep(0.01)
    assert cache.states("s") == ["2-b", "3-c", "1-a"]
    assert cache.states("other") == []
    cache.drop("s", "2-b")
    assert cache.get("s", "2-b") is None
    assert not list(tmp_path.rglob("2-b.*"))


def test_what_a_dead_writer_left_is_cleared_away(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path, 10**6)
    cache.put("s", "a", array(1), {})
    (folder,) = {path.parent for path in tmp_path.rglob("*.npy")}
    for name in ("x.tmp", "y.npy"):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (0, 0))
    (folder / "z.tmp").write_bytes(b"being written")
    assert cache.figures().entries == 1
    assert {path.name for path in folder.iterdir()} == {"a.npy", "a.json", "z.tmp"}


def test_two_processes_compute_once(tmp_path: Path) -> None:
    code = f"""
import sys, time
import numpy as np
from pathlib import Path
from lake.cache.arrays import ArrayCache
cache = ArrayCache(Path({str(tmp_path / "arrays")!r}), 10**6)
Path(sys.argv[1]).touch()
while not Path({str(tmp_path / "go")!r}).exists():
    time.sleep(0.01)
with cache.turn("s"):
    found = cache.get("s", "a")
    if found is None:
        time.sleep(0.5)
        found = cache.put("s", "a", np.full((100, 2), 3.0), {{}})
        print("computed")
assert found.values.sum() == 600
"""
    started = [tmp_path / f"started{n}" for n in range(3)]
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(mark)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for mark in started
    ]
    deadline = time.monotonic() + 60
    while not all(mark.exists() for mark in started):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (tmp_path / "go").touch()
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert "".join(said).count("computed") == 1
