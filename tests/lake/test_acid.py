"""Every way to write, in a folder and in a bucket: whole or not at all, once per job, beside others, kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from deltalake.exceptions import CommitFailedError

import lake.commit
from lake import Lake
from lake.commit import Transaction
from lake.expiry import Expiry
from lake.swap import swap
from lake.tables import TABLES
from qbrain_core.errors import JobLostError
from qbrain_core.settings import Settings

BARS = TABLES["bars"]
OLDER = replace(BARS, columns=tuple(c for c in BARS.columns if c.name != "turnover"))
JANUARY = [date(2024, 1, 1) + timedelta(days=n) for n in range(4)]


def bars(instrument: str, sessions: list[date], close: float, **more: Any) -> pl.DataFrame:
    return pl.DataFrame({"session": sessions}).with_columns(
        instrument=pl.lit(instrument), close=close, factor=1.0, halted=False, price_basis=pl.lit("raw"),
        **{name: pl.lit(value) for name, value in more.items()},
    )  # fmt: skip


Write = Callable[[Transaction], None]
Rows = list[tuple[str, int, float]]
A, B = [("A.US", n, 1.0) for n in range(4)], [("B.US", n, 1.0) for n in range(4)]

WRITES: dict[str, tuple[Write, Rows]] = {
    "append": (
        lambda tx: tx.upsert("bars", bars("C.US", JANUARY[:2], 2.0)), [*A, *B, ("C.US", 0, 2.0), ("C.US", 1, 2.0)],
    ),
    "upsert": (lambda tx: tx.upsert("bars", bars("A.US", JANUARY[1:2], 2.0)), [A[0], ("A.US", 1, 2.0), *A[2:], *B]),
    "replace": (
        lambda tx: tx.replace("bars", bars("A.US", JANUARY[:1], 2.0), where={"market": "US", "year": 2024}),
        [("A.US", 0, 2.0)],
    ),
    "delete": (lambda tx: tx.delete("bars", where={"instrument": "A.US"}), B),
    "schema change": (
        lambda tx: tx.upsert("bars", bars("A.US", JANUARY[:1], 3.0, turnover=0.5)), [("A.US", 0, 3.0), *A[1:], *B],
    ),
    "retain": (lambda tx: tx.expire("bars", Expiry("session", JANUARY[2])), [*A[2:], *B[2:]]),
    "rollback": (lambda tx: tx.rollback("bars", 1), A),
}  # fmt: skip


@pytest.fixture
def old(anywhere: Settings) -> Lake:
    """Version 1 has A, version 2 has B too; the table was made before it gained a column."""
    made = Lake(anywhere)
    made.catalog.storage.create(OLDER)
    for name in ("A.US", "B.US"):
        with made.commit(name, 1) as tx:
            tx.upsert(OLDER, bars(name, JANUARY, 1.0))
    return made


def rows(of: Lake, as_of: object = None) -> Rows:
    found = of.bars(columns=["close"], as_of=as_of)  # type: ignore[arg-type]
    return [
        (name, JANUARY.index(day), close) for name, day, close in found.select("instrument", "session", "close").rows()
    ]


def stored(of: Lake) -> set[str]:
    return set(of.catalog.storage.stored_files("bars"))


@pytest.mark.parametrize("kind", WRITES)
def test_write_is_whole_durable_and_done_once(old: Lake, kind: str) -> None:
    write, after = WRITES[kind]
    reader = Lake(old.settings)
    before, held = rows(reader), reader.scan("bars")
    with old.commit("job", 1) as tx:
        write(tx)
        assert rows(reader) == before, "nothing is seen before the block has ended"
    newest = tx.versions["bars"]
    assert rows(reader) == rows(Lake(old.settings)) == after
    assert held.collect().height == len(before), "a scan that began before goes on over what it began with"
    assert rows(reader, {"bars": 2}) == before
    for attempt in (1, 2):  # another process does the same job again: the answer of the first got lost
        again = Lake(old.settings)
        with again.commit("job", attempt) as tx:
            write(tx)
        assert (tx.versions["bars"], tx.written) == (newest, {})
    assert rows(Lake(old.settings)) == after


@pytest.mark.parametrize("kind", WRITES)
def test_write_of_a_lost_attempt_leaves_neither_rows_nor_files(old: Lake, kind: str) -> None:
    before, files = rows(old), stored(old)

    def fence() -> None:
        raise JobLostError("a newer attempt owns the job")

    with pytest.raises(JobLostError), old.commit("job", 1, fence=fence) as tx:
        WRITES[kind][0](tx)
    assert (rows(Lake(old.settings)), stored(old)) == (before, files)
    with Lake(old.settings).commit("job", 2) as tx:
        WRITES[kind][0](tx)
    assert rows(old) == WRITES[kind][1]


@pytest.mark.parametrize("anywhere", ["folder", pytest.param("bucket", marks=pytest.mark.soak)], indirect=True)
@pytest.mark.parametrize("kind", WRITES)
def test_write_whose_answer_got_lost_is_not_done_twice(old: Lake, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []

    def unanswered(*arguments: Any, **more: Any) -> None:
        swap(*arguments, **more)
        calls.append(None)
        if len(calls) == 1:
            raise CommitFailedError("the connection was reset after the store had written")

    monkeypatch.setattr(lake.commit, "swap", unanswered)
    with old.commit("job", 1) as tx:
        WRITES[kind][0](tx)
    assert len(calls) == 1
    assert rows(Lake(old.settings)) == WRITES[kind][1]
    assert tx.versions["bars"] == old.catalog.latest("bars") == 4, "3 gave the table its column"


@pytest.mark.parametrize("anywhere", ["folder", pytest.param("bucket", marks=pytest.mark.soak)], indirect=True)
@pytest.mark.parametrize("kind", WRITES)
def test_write_beside_another_keeps_both(old: Lake, kind: str) -> None:
    raced: list[None] = []

    def fence() -> None:  # between planning and committing: the rival is faster exactly then
        if not raced:
            raced.append(None)
            with Lake(old.settings).commit("rival", 1) as rival:
                rival.upsert("bars", bars("D.HK", JANUARY[3:], 9.0))

    with old.commit("job", 1, fence=fence) as tx:
        WRITES[kind][0](tx)
    rival = [] if kind == "rollback" else [("D.HK", 3, 9.0)]  # a rollback means the whole table
    assert rows(old) == sorted([*WRITES[kind][1], *rival])
