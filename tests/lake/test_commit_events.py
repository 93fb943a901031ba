"""News of commits: heard by others in order, and never in the way of a commit."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date

import polars as pl
import pytest
from redis import Redis

from lake import Lake, open_lake
from lake.commit_events import COMMITS, CommitEvent, listen, publish
from lake.compaction import compact
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings

Heard = Callable[[int], list[CommitEvent]]


def upsert(lake: Lake, job: str, instrument: str, **tables: pl.DataFrame) -> None:
    with lake.commit(job, 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": [instrument], "start": date(2024, 1, 1)}))


@pytest.fixture
def heard(settings: Settings, valkey: str) -> Iterator[Heard]:
    """Listen from now on; gives a function that waits for so many events."""
    events: list[CommitEvent] = []
    stop = threading.Event()
    thread = threading.Thread(target=lambda: events.extend(iter_into(events, settings, stop)))
    thread.start()
    time.sleep(0.2)

    def wait(count: int) -> list[CommitEvent]:
        ends = time.monotonic() + 20
        while len(events) < count and time.monotonic() < ends:
            time.sleep(0.02)
        return list(events)

    yield wait
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()


def iter_into(events: list[CommitEvent], settings: Settings, stop: threading.Event) -> list[CommitEvent]:
    for event in listen(settings, stop=stop):
        events.append(event)
    return []


def test_each_table_that_a_commit_changed_is_announced(lake: Lake, heard: Heard) -> None:
    upsert(lake, "job#2", "A.US")
    upsert(lake, "again", "A.US")  # changes nothing
    with lake.commit("gone", 1) as tx:
        tx.delete("universes", where={"universe": "u"})
        tx.delete("bars", where={"market": "US"})
    assert heard(2) == [CommitEvent("universes", 1, 1, "job"), CommitEvent("universes", 2, 2, "gone")]


def test_compaction_is_announced_with_the_data_version_it_keeps(lake: Lake, heard: Heard) -> None:
    for n in range(5):
        upsert(lake, f"u{n}", f"N{n}.US")
    compact(lake, ["universes"], job_id="night")
    assert heard(6)[-1] == CommitEvent("universes", 6, 5, "night")


def test_tables_written_before_one_that_failed_are_announced(
    lake: Lake, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fence() -> None:
        if lake.versions()["universes"]:
            raise InvalidInputError("job", "x", "it is lost")

    action = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "action": ["split"], "value": [2.0]})
    with pytest.raises(InvalidInputError), lake.commit("half", 1, fence=fence) as tx:  # noqa: PT012
        tx.upsert("universes", pl.DataFrame({"universe": "u", "instrument": ["A.US"], "start": date(2024, 1, 1)}))
        tx.upsert("corporate_actions", action)
    assert heard(1) == [CommitEvent("universes", 1, 1, "half")]


def test_listener_passes_over_what_is_no_event(settings: Settings, valkey: str, heard: Heard) -> None:
    redis = Redis.from_url(valkey)
    redis.xadd(COMMITS, {"table": "bars"})
    redis.xadd(COMMITS, {b"\xff": b"\xff", "version": "many", "data_version": "1", "table": "bars"})
    assert publish(settings, [CommitEvent("bars", 3, 2)])
    assert heard(1) == [CommitEvent("bars", 3, 2)]


def test_listener_goes_on_after_redis_was_away(settings: Settings, valkey: str, heard: Heard) -> None:
    publish(settings, [CommitEvent("bars", 1, 1)])
    heard(1)
    Redis.from_url(valkey).execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert publish(settings, [CommitEvent("bars", 2, 2)]), "a dead connection is made anew at once"
    assert [event.version for event in heard(2)] == [1, 2]


def test_stream_is_capped(settings: Settings, valkey: str) -> None:
    for n in range(3):
        publish(settings, [CommitEvent("bars", n * 1000 + i, 0) for i in range(1000)])
    assert 1000 <= int(Redis.from_url(valkey).xlen(COMMITS)) < 1300


def test_commit_without_redis_goes_on(lake: Lake, settings: Settings) -> None:
    began = time.monotonic()
    assert not publish(settings, [CommitEvent("bars", 1, 1)])
    assert time.monotonic() - began < 1  # one refused connection, no retries
    upsert(lake, "a", "A.US")
    assert lake.versions()["universes"] == 1


def test_server_that_never_answers_delays_one_commit_and_no_more(settings: Settings) -> None:
    with socket.socket() as deaf:  # accepts and says nothing
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"})
        lake = open_lake(silent)
        took = []
        for n in range(3):
            began = time.monotonic()
            assert not publish(silent, [CommitEvent("bars", n, n)])
            took.append(time.monotonic() - began)
        assert took[0] < 2
        assert max(took[1:]) < 0.01
        upsert(lake, "a", "A.US")
        assert lake.versions()["universes"] == 1
