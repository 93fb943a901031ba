"""The levels together: one of many callers makes a value, each gets its own, and another state is another value."""

import threading

import polars as pl
import pytest

from lake.cache import Key, LakeCache
from lake.cache.keys import code_digest
from qbrain_core.settings import Settings


@pytest.fixture
def cache(settings: Settings) -> LakeCache:
    return LakeCache(settings)


def test_remember_makes_once(cache: LakeCache) -> None:
    made: list[int] = []
    for _ in range(3):
        assert cache.remember(Key.of("x", {"bars": "1"}), lambda: made.append(1) or "value") == "value"
    assert len(made) == 1


@pytest.mark.parametrize(
    "other",
    [
        Key.of("x", {"bars": "2-a"}, n=1), Key.of("x", {"bars": "1-a"}, n=2), Key.of("y", {"bars": "1-a"}, n=1),
        Key.of("x", {"bars": "1-a", "universes": "1-a"}, n=1), Key.of("x", {"universes": "1-a"}, n=1),
    ],
)  # fmt: skip
def test_other_rows_parameters_or_makers_are_other_values(cache: LakeCache, other: Key) -> None:
    first = Key.of("x", {"bars": "1-a"}, n=1)
    assert cache.remember(first, lambda: 1) == 1
    assert cache.remember(other, lambda: 2) == 2
    assert other.digest != first.digest


def test_what_a_caller_does_to_its_value_stays_with_it(cache: LakeCache) -> None:
    key, frames = Key.of("x", {}), Key.of("f", {})
    cache.remember(key, lambda: {"a": [1]})["a"].append(2)
    assert cache.remember(key, dict) == {"a": [1]}
    frame = cache.remember(frames, lambda: pl.DataFrame({"x": [1, 2]}))
    frame[0, "x"] = 9
    frame.insert_column(1, pl.Series("y", [0, 0]))
    assert cache.remember(frames, pl.DataFrame).equals(pl.DataFrame({"x": [1, 2]}))


def test_failure_is_not_remembered(cache: LakeCache) -> None:
    key = Key.of("x", {})

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.remember(key, fail)
    assert cache.remember(key, lambda: 1) == 1


def test_concurrent_misses_make_once_and_other_keys_do_not_wait(cache: LakeCache) -> None:
    made, got, go, begun, done = [], [], threading.Event(), threading.Event(), threading.Event()

    def slow() -> int:
        made.append(1)
        begun.set()
        go.wait(5)
        done.set()
        return 7

    threads = [threading.Thread(target=lambda: got.append(cache.remember(Key.of("x", {}), slow))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert begun.wait(5)
    assert cache.remember(Key.of("other", {}), lambda: 1) == 1
    assert not done.is_set()  # the other key did not wait for this one
    go.set()
    for thread in threads:
        thread.join()
    assert (len(made), got) == (1, [7] * 8)
    assert cache._turns._locks == {}


def test_code_is_part_of_a_value_outside_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Key.of("lake.x", {"bars": "1"}).digest
    assert Key.of("lake.x", {"bars": "1"}).digest == before
    code_digest.cache_clear()
    monkeypatch.setattr("lake.cache.keys._ALWAYS", ("lake",))
    assert Key.of("lake.x", {"bars": "1"}).digest != before
    code_digest.cache_clear()
