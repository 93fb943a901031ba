import gc
import threading
from datetime import date

import polars as pl

from app.newest import Newest
from lake import Lake
from lake.cache import Key
from lake.commit_events import CommitEvent


def write(lake: Lake, job: str, close: float) -> int:
    row = {"instrument": "A.US", "session": date(2024, 1, 2), "close": close, "factor": 1.0, "halted": False}
    with lake.commit(job, 1) as tx:
        tx.upsert("bars", pl.DataFrame([row | {"price_basis": "raw"}]))
    return tx.versions["bars"]


def test_versions_are_asked_for_once_a_second_and_after_every_commit_heard_of(lake, monkeypatch):
    monkeypatch.setattr("app.newest._OLDEST_S", 60.0)  # a write to a far store takes its time
    newest = Newest(lake)
    before = newest.versions()
    version = write(lake, "a", 1.0)
    assert newest.versions() == before
    newest.notice(CommitEvent("bars", version, version))
    assert newest.versions()["bars"] == version


def test_commit_forgets_what_it_replaced_and_nothing_else(lake):
    write(lake, "a", 1.0)
    old = {"bars": lake.catalog.state("bars", 1)}
    cache, newest = lake.cache, Newest(lake)
    cache.remember(Key.of("x", old), lambda: "old")
    cache.remember(Key.of("x", {"universes": "0-a"}), lambda: "other")
    newest.notice(CommitEvent("bars", 2, 1))  # compaction: no row changed
    assert cache.remember(Key.of("x", old), lambda: "new") == "old"
    version = write(lake, "b", 2.0)
    newest.notice(CommitEvent("bars", version, version))
    assert cache.remember(Key.of("x", old), lambda: "new") == "new"
    assert cache.remember(Key.of("x", {"universes": "0-a"}), lambda: "new") == "other"


def test_answer_older_than_a_commit_heard_of_meanwhile_does_not_count(lake, monkeypatch):
    newest, asked = Newest(lake), []
    versions = lake.versions

    def slow():
        found = versions()
        if not asked:
            asked.append(write(lake, "a", 1.0))
            newest.notice(CommitEvent("bars", asked[0], asked[0]))
        return found

    monkeypatch.setattr(lake, "versions", slow)
    assert newest.versions()["bars"] == 0
    assert newest.versions()["bars"] == asked[0]


def test_event_of_an_unknown_table_stops_nothing(lake, settings, monkeypatch):
    heard = threading.Event()
    version = write(lake, "a", 1.0)

    def events(*_, **__):
        yield CommitEvent("no_such_table", 3, 3)
        yield CommitEvent("bars", version, version)
        heard.set()

    monkeypatch.setattr("app.newest.listen", events)
    newest = Newest(lake)
    newest.versions()
    newest.follow()
    assert heard.wait(10)
    assert newest.versions()["bars"] == version


def test_thread_ends_with_what_it_serves(lake):
    newest = Newest(lake)
    thread = newest.follow()
    del newest
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
