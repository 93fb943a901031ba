"""The level in Redis: small frames as Arrow, for an hour, in bounded room; and nothing lost where Redis is away."""

import time
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from redis import Redis

from lake import Lake, open_lake
from lake.cache import Key, LakeCache
from lake.cache.shared import MAX_BYTES, PREFIX, TTL_S, SharedCache
from qbrain_core.settings import Settings


def key(n: int, state: str = "1-a") -> Key:
    return Key.of("lake.test", {"bars": state}, n=n)


def noise(size: int, seed: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"x": np.random.default_rng(seed).random(size // 8)})


@pytest.fixture
def shared(settings: Settings, valkey: str, monkeypatch: pytest.MonkeyPatch) -> SharedCache:
    monkeypatch.setattr("lake.cache.shared._ANSWER_S", 2.0)  # a busy machine is not what is tested
    return SharedCache(settings)


@pytest.fixture
def redis(valkey: str) -> Redis:
    return Redis.from_url(valkey)


def test_frame_comes_back_with_its_types(shared: SharedCache) -> None:
    frame = pl.DataFrame(
        {"s": ["中", None], "d": [date(2024, 1, 2), None], "f": [1.5, float("nan")], "b": [True, None],
         "l": [[1.0, 2.0], None], "c": ["x", None], "e": ["y", "x"], "t": [datetime(2024, 1, 2, tzinfo=UTC), None]},
        schema_overrides={"f": pl.Float32, "c": pl.Categorical, "e": pl.Enum(["x", "y"])},
    )  # fmt: skip
    assert shared.put(key(1), frame)
    found = shared.get(key(1))
    assert found is not None
    assert found.schema == frame.schema
    assert found.equals(frame)
    assert shared.get(key(2)) is None
    assert shared.get(key(1, "2-b")) is None


def test_empty_frame_is_a_value(shared: SharedCache) -> None:
    empty = pl.DataFrame(schema={"x": pl.Int64})
    assert shared.put(key(1), empty)
    found = shared.get(key(1))
    assert found is not None
    assert found.schema == empty.schema


def test_frame_is_kept_for_an_hour(shared: SharedCache, redis: Redis) -> None:
    shared.put(key(1), noise(80))
    (name,) = redis.keys(f"{PREFIX}*|*")
    assert TTL_S - 60 < redis.ttl(name) <= TTL_S


def test_big_frame_is_not_kept(shared: SharedCache) -> None:
    assert not shared.put(key(1), noise(MAX_BYTES + 100_000))
    assert shared.put(key(2), noise(MAX_BYTES - 100_000))
    assert shared.get(key(2)) is not None


def test_frame_of_python_objects_is_not_kept(shared: SharedCache) -> None:
    assert not shared.put(key(1), pl.DataFrame({"x": [object()]}))


def test_room_is_bounded_and_the_oldest_goes_first(
    settings: Settings, valkey: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.cache.shared._ANSWER_S", 2.0)
    shared = SharedCache(settings.model_copy(update={"cache_redis_mib": 1}))
    for n in range(6):
        assert shared.put(key(n), noise(300_000, n))
    assert [shared.get(key(n)) is not None for n in range(6)] == [False, False, False, True, True, True]
    figures = shared.figures()
    assert (figures.entries, figures.evicted) == (3, 3)
    assert 800_000 < figures.size_bytes <= figures.bound_bytes
    assert sum(redis.strlen(name) for name in redis.keys(f"{PREFIX}*|*")) == figures.size_bytes


def test_frames_that_expired_leave_no_trace(shared: SharedCache, redis: Redis) -> None:
    shared.put(key(1), noise(80))
    (name,) = redis.keys(f"{PREFIX}*|*")
    redis.delete(name)
    redis.zadd(f"{PREFIX}order", {name: time.time() - TTL_S - 1})
    shared.put(key(2), noise(80))
    assert shared.figures().entries == 1


def test_drop_forgets_what_was_made_of_that_state(shared: SharedCache) -> None:
    for state in ("1-a", "2-b"):
        shared.put(key(1, state), noise(80))
    shared.drop("bars", "1-a")
    assert shared.get(key(1, "1-a")) is None
    assert shared.get(key(1, "2-b")) is not None
    assert shared.figures().entries == 1


@pytest.mark.parametrize("content", [b"", b"\x80\x04garbage", b"ARROW1\0\0" + b"\xff" * 64])
def test_foreign_bytes_are_no_frame(shared: SharedCache, redis: Redis, content: bytes) -> None:
    shared.put(key(1), noise(80))
    (name,) = redis.keys(f"{PREFIX}*|*")
    redis.set(name, content)
    assert shared.get(key(1)) is None
    redis.delete(name)
    redis.lpush(name, "a list")
    assert shared.get(key(1)) is None


def test_redis_away_costs_neither_an_error_nor_time(settings: Settings) -> None:
    # an address that swallows connections: nothing answers, and nothing refuses
    silent = settings.model_copy(update={"redis_url": "redis://10.255.255.1:6379/0"})
    shared = SharedCache(silent)
    started = time.perf_counter()
    for n in range(20):
        assert shared.get(key(n)) is None
        assert not shared.put(key(n), noise(80))
    shared.drop("bars", "1-a")
    assert shared.figures().entries is None
    assert time.perf_counter() - started < 1.0  # one question of 40 ms, then silence


def test_two_processes_share_small_frames_but_not_what_a_commit_replaced(
    settings: Settings, valkey: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.cache.shared._ANSWER_S", 2.0)

    def write(job: str, day: date) -> None:
        row = {"instrument": "A.US", "session": day, "close": 1.0, "factor": 1.0, "halted": False, "price_basis": "raw"}
        with lake.commit(job, 1) as tx:
            tx.upsert("bars", pl.DataFrame([row]))

    write("a", date(2024, 1, 2))
    assert lake.sessions("US") == [date(2024, 1, 2)]
    other = open_lake(settings)
    monkeypatch.setattr("lake.reads.market.scan_rows", lambda *_: pytest.fail("Redis knew it"))
    assert other.sessions("US") == [date(2024, 1, 2)]
    monkeypatch.undo()
    write("b", date(2024, 1, 3))
    assert other.sessions("US") == [date(2024, 1, 2), date(2024, 1, 3)]


def test_redis_back_again_is_used_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.valkey import start_valkey

    monkeypatch.setattr("lake.cache.shared._ANSWER_S", 2.0)
    monkeypatch.setattr("lake.cache.shared._SILENCE_S", 0.0)
    cache = LakeCache(settings)
    assert not cache.shared.put(key(1), noise(80))
    with start_valkey(settings):
        assert cache.shared.put(key(1), noise(80))
    assert cache.shared.get(key(1)) is None
    assert cache.remember(key(1), lambda: noise(80), shared=True).height == 10
    with start_valkey(settings):
        assert cache.shared.put(key(2), noise(80))
