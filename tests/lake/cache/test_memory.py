"""The level within a process: bounded in bytes and in time, the least recently used out first."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.cache import Key
from lake.cache.memory import MISSING, MemoryCache
from lake.cache.sizes import size_of

MIB = 2**20


def key(n: int, table: str = "bars", state: str = "1-a") -> Key:
    return Key.of("test", {table: state}, n=n)


def frame(size: int) -> pl.DataFrame:
    return pl.DataFrame({"x": np.zeros(size // 8)})


def test_value_is_kept_until_its_time_is_up() -> None:
    now = [0.0]
    cache = MemoryCache(MIB, ttl_s=300, timer=lambda: now[0])
    cache.put(key(1), "one")
    now[0] = 299.9
    assert cache.get(key(1)) == "one"
    now[0] = 300.0
    assert cache.get(key(1)) is MISSING
    assert cache.figures().evicted == 1


def test_least_recently_used_goes_first() -> None:
    cache = MemoryCache(1000_000)
    for n in range(3):
        cache.put(key(n), frame(300_000))
    cache.get(key(0))
    cache.put(key(3), frame(300_000))
    assert [cache.get(key(n)) is not MISSING for n in range(4)] == [True, False, True, True]
    figures = cache.figures()
    assert (figures.entries, figures.evicted, figures.hits, figures.misses) == (3, 1, 4, 1)
    assert figures.size_bytes <= figures.bound_bytes


def test_value_of_more_than_half_the_room_is_not_kept() -> None:
    cache = MemoryCache(1_000_000)
    assert cache.put(key(0), frame(400_000))
    assert not cache.put(key(1), frame(600_000))
    assert cache.get(key(0)) is not MISSING
    assert not MemoryCache(0).put(key(0), "x")


def test_drop_forgets_only_what_was_made_of_that_state() -> None:
    cache = MemoryCache(MIB)
    cache.put(key(1, state="1-a"), 1)
    cache.put(key(1, state="2-b"), 2)
    cache.put(key(1, table="universes", state="1-a"), 3)
    cache.put(Key.of("test", {"bars": "1-a", "universes": "9-z"}), 4)
    cache.drop("bars", "1-a")
    assert cache.get(key(1, state="1-a")) is MISSING
    assert cache.get(key(1, state="2-b")) == 2
    assert cache.get(key(1, table="universes")) == 3
    assert cache.figures().dropped == 2


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 60_000)), max_size=60))
def test_bytes_never_exceed_the_bound(puts: list[tuple[int, int]]) -> None:
    cache = MemoryCache(100_000)
    for n, size in puts:
        cache.put(key(n), b"x" * size)
        figures = cache.figures()
        assert figures.size_bytes <= 100_000
        found = cache.get(key(n))
        assert found is MISSING or len(found) == size


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        (frame(80_000), 80_000, 80_100),
        (np.zeros(1000), 8000, 8200),
        ({"a": [frame(8000), frame(8000)]}, 16_000, 17_000),
        ("x" * 1000, 1000, 1100),
        (None, 1, 100),
    ],
)
def test_size_counts_what_is_inside(value: object, least: int, most: int) -> None:
    assert least <= size_of(value) <= most


def test_size_of_a_mapped_array_is_next_to_nothing(tmp_path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(100_000))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert size_of(mapped) < 10_000
    assert size_of(mapped[10:]) < 10_000
