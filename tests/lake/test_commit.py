"""Writes: idempotent, atomic, fenced, and safe against other processes and sudden death."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.storage import Storage
from lake.tables import factor_table
from qbrain_core.errors import InvalidInputError, JobLostError, UnknownNameError
from qbrain_core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def make_bars(instruments: list[str], sessions: list[date], *, close: float = 10.0) -> pl.DataFrame:
    names = pl.DataFrame({"instrument": instruments})
    return names.join(pl.DataFrame({"session": sessions}), how="cross").with_columns(
        open=9.0, high=11.0, low=8.0, close=close, volume=100.0, factor=1.0, halted=False, price_basis=pl.lit("raw")
    )


def days(count: int, start: date = date(2024, 1, 1)) -> list[date]:
    return [start + timedelta(days=i) for i in range(count)]


def write(lake: Lake, job: str, table: str, frame: pl.DataFrame, attempt: int = 1) -> tuple[int, int]:
    with lake.commit(job, attempt) as tx:
        tx.upsert(table, frame)
    return tx.versions[table], tx.changed[table]


def stored_files(settings: Settings, table: str) -> set[str]:
    return set(Storage(settings).stored_files(table))


def test_upsert_new_rows_makes_one_version(lake: Lake) -> None:
    assert write(lake, "a", "bars", make_bars(["A.US", "B.US"], days(3))) == (1, 6)
    assert lake.bars().height == 6


def test_upsert_same_rows_again_changes_nothing(lake: Lake) -> None:
    bars = make_bars(["A.US", "B.US"], days(3)).with_columns(amount=float("nan"))
    write(lake, "a", "bars", bars)
    assert write(lake, "b", "bars", bars) == (1, 0)
    assert write(lake, "c", "bars", bars.head(2)) == (1, 0)


def test_upsert_changed_row_replaces_only_it(lake: Lake) -> None:
    write(lake, "a", "bars", make_bars(["A.US", "B.US"], days(3)))
    restated = make_bars(["A.US", "B.US"], days(3)).with_columns(
        close=pl.when((pl.col("instrument") == "B.US") & (pl.col("session") == date(2024, 1, 2)))
        .then(7.0)
        .otherwise(10)
    )
    assert write(lake, "b", "bars", restated) == (2, 1)
    assert lake.bars(columns=["close"])["close"].to_list() == [10, 10, 10, 10, 7, 10]


def test_upsert_of_a_new_day_leaves_the_partition_files_alone(lake: Lake, settings: Settings) -> None:
    write(lake, "a", "bars", make_bars(["A.US", "B.US"], days(30)))
    before = {file.path for file in lake.snapshot("bars").files}
    write(lake, "b", "bars", make_bars(["A.US", "B.US"], days(1, date(2024, 1, 31))))
    after = {file.path for file in lake.snapshot("bars").files}
    assert before < after
    assert len(after - before) == 1
    assert len(stored_files(settings, "bars")) == 2


def test_upsert_of_an_old_day_that_is_missing_does_not_rewrite_either(lake: Lake) -> None:
    sessions = days(30)
    write(lake, "a", "bars", make_bars(["A.US"], sessions[:10] + sessions[11:]))
    before = {file.path for file in lake.snapshot("bars").files}
    assert write(lake, "b", "bars", make_bars(["A.US"], [sessions[10]])) == (2, 1)
    assert before < {file.path for file in lake.snapshot("bars").files}


def test_upsert_moves_a_row_whose_partition_changed(lake: Lake) -> None:
    run = {
        "run_id": "r", "session": date(2024, 1, 2), "equity": 1.0, "cash": 1.0, "positions_value": 0.0,
        "n_positions": 0, "fees": 0.0, "slippage": 0.0, "turnover": 0.0, "net_return": 0.0, "gross_return": 0.0,
    }  # fmt: skip
    write(lake, "a", "backtest_equity", pl.DataFrame([run | {"month": "2024-01"}]))
    write(lake, "b", "backtest_equity", pl.DataFrame([run | {"month": "2024-02"}]))
    assert lake.run_table("backtest_equity", "r")["month"].to_list() == ["2024-02"]


def test_replace_makes_the_frame_the_only_matching_rows(lake: Lake) -> None:
    write(lake, "a", "bars", make_bars(["A.US", "B.US"], days(3)))
    with lake.commit("b", 1) as tx:
        tx.replace("bars", make_bars(["A.US"], days(2), close=5.0), where={"instrument": "A.US"})
    assert tx.changed["bars"] == 2
    assert lake.bars(columns=["close"]).rows() == [
        ("A.US", date(2024, 1, 1), 5.0),
        ("A.US", date(2024, 1, 2), 5.0),
        *[("B.US", day, 10.0) for day in days(3)],
    ]


def test_replace_with_nothing_deletes_across_partitions(lake: Lake) -> None:
    write(lake, "a", "bars", make_bars(["A.US", "B.US"], [date(2023, 1, 3), date(2024, 1, 2)]))
    with lake.commit("b", 1) as tx:
        tx.replace("bars", make_bars([], []).cast({"instrument": pl.String}), where={"instrument": "A.US"})
    assert tx.versions["bars"] == 2
    assert set(lake.bars()["instrument"]) == {"B.US"}
    with lake.commit("c", 1) as tx:
        tx.replace("bars", make_bars([], []).cast({"instrument": pl.String}), where={"instrument": "A.US"})
    assert tx.versions["bars"] == 2


def test_delete_takes_the_rows_that_match(lake: Lake) -> None:
    write(lake, "a", "bars", make_bars(["A.US", "B.US"], [date(2023, 1, 3), date(2024, 1, 2)]))
    with lake.commit("b", 1) as tx:
        tx.delete("bars", where={"instrument": "A.US"})
        tx.delete("bars", where={"session": date(2023, 1, 3), "instrument": "B.US"})
    assert (tx.versions, tx.changed, tx.deleted) == ({"bars": 2}, {"bars": 0}, {"bars": 3})
    assert lake.bars().select("instrument", "session").rows() == [("B.US", date(2024, 1, 2))]
    with lake.commit("c", 1) as tx:
        tx.delete("bars", where={"instrument": "A.US"})
    assert (tx.versions, tx.deleted) == ({"bars": 2}, {"bars": 0})


def test_delete_beside_an_upsert_keeps_what_the_block_writes(lake: Lake) -> None:
    write(lake, "a", "bars", make_bars(["A.US", "B.US"], days(3)))
    with lake.commit("b", 1) as tx:
        tx.upsert("bars", make_bars(["A.US"], days(1), close=5.0))
        tx.delete("bars", where={"instrument": "A.US"})
    assert (tx.changed, tx.deleted) == ({"bars": 1}, {"bars": 2})
    assert lake.bars(instruments=["A.US"], columns=["close"])["close"].to_list() == [5.0]


def test_delete_of_null_and_from_a_factor_table_by_name(lake: Lake) -> None:
    frame = pl.DataFrame({"instrument": ["A.US", "B.US"], "session": [date(2024, 1, 2)] * 2, "x": [None, 1.0]})
    with lake.commit("a", 1) as tx:
        tx.upsert(factor_table("tiny", "0123456789", ("x",)), frame)
    with lake.commit("b", 1) as tx:
        tx.delete("factors/tiny", where={"x": None})
    assert tx.deleted == {"factors/tiny-01234567": 1}
    assert lake.factors("tiny")["instrument"].to_list() == ["B.US"]


@pytest.mark.parametrize("where", [{}, {"isntrument": "A.US"}, {"year": "soon"}])
def test_delete_with_a_where_that_cannot_be_is_refused(lake: Lake, where: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match="where"), lake.commit("a", 1) as tx:
        tx.delete("bars", where=where)


def test_replace_with_rows_outside_where_is_refused(lake: Lake) -> None:
    with pytest.raises(InvalidInputError, match="3 rows of the frame do not match"), lake.commit("a", 1) as tx:
        tx.replace("bars", make_bars(["B.US"], days(3)), where={"instrument": "A.US"})


@pytest.mark.parametrize("where", [{}, {"isntrument": "A.US"}, {"year": "soon"}])
def test_replace_with_a_where_that_cannot_be_is_refused(lake: Lake, where: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match="where"), lake.commit("a", 1) as tx:
        tx.replace("bars", make_bars(["A.US"], days(1)), where=where)


def test_two_writes_to_one_table_are_one_version(lake: Lake) -> None:
    with lake.commit("a", 1) as tx:
        tx.upsert("bars", make_bars(["A.US"], days(2)))
        tx.upsert("bars", make_bars(["B.US"], days(2)))
    assert (tx.versions, tx.changed) == ({"bars": 1}, {"bars": 4})


def test_one_key_in_two_writes_is_refused_and_writes_nothing(lake: Lake) -> None:
    with pytest.raises(InvalidInputError, match="share a key"), lake.commit("a", 1) as tx:  # noqa: PT012
        tx.upsert("bars", make_bars(["A.US"], days(2)))
        tx.upsert("bars", make_bars(["A.US"], days(1)))
    assert lake.versions()["bars"] == 0


def test_block_that_raises_writes_nothing(lake: Lake, settings: Settings) -> None:
    with pytest.raises(RuntimeError, match="changed my mind"), lake.commit("a", 1) as tx:  # noqa: PT012
        tx.upsert("bars", make_bars(["A.US"], days(2)))
        raise RuntimeError("changed my mind")
    assert lake.versions()["bars"] == 0
    assert not stored_files(settings, "bars")


def test_factor_table_is_created_by_its_first_write(lake: Lake) -> None:
    table = factor_table("tiny", "0123456789ab", ("alpha", "beta"))
    frame = pl.DataFrame({"instrument": ["A.US"], "session": [date(2024, 1, 2)], "alpha": [1.5], "beta": [None]})
    with lake.commit("a", 1) as tx:
        tx.upsert(table, frame)
    assert tx.versions == {"factors/tiny-01234567": 1}
    row = lake.factors("tiny").row(0, named=True)
    assert row == {
        "instrument": "A.US", "session": date(2024, 1, 2), "market": "US", "year": 2024, "alpha": 1.5, "beta": None,
    }  # fmt: skip


def test_unknown_table_is_refused(lake: Lake) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'bars'"), lake.commit("a", 1) as tx:
        tx.upsert("barz", make_bars(["A.US"], days(1)))


def test_retry_of_a_finished_block_is_skipped(lake: Lake, settings: Settings) -> None:
    write(lake, "job", "bars", make_bars(["A.US"], days(1)))
    write(lake, "other", "bars", make_bars(["A.US"], days(1), close=99.0))
    again = open_lake(settings)
    assert write(again, "job", "bars", make_bars(["A.US"], days(1)), attempt=2) == (2, 0)
    assert again.bars()["close"].to_list() == [99.0], "a late retry must not undo a newer write"


def test_second_block_of_a_job_is_not_taken_for_the_first(lake: Lake) -> None:
    write(lake, "job", "bars", make_bars(["A.US"], days(1)))
    assert write(lake, "job", "bars", make_bars(["B.US"], days(1))) == (2, 1)


def test_retry_after_a_stop_between_tables_completes_the_rest(lake: Lake, settings: Settings) -> None:
    calls = iter([None, JobLostError("a newer attempt owns it")])

    def fence() -> None:
        outcome = next(calls)
        if outcome:
            raise outcome

    universe = pl.DataFrame({"universe": ["u"], "instrument": ["A.US"], "start": [date(2024, 1, 1)]})
    with pytest.raises(JobLostError), lake.commit("job", 1, fence=fence) as tx:  # noqa: PT012
        tx.upsert("bars", make_bars(["A.US"], days(1)))
        tx.upsert("universes", universe)
    assert (lake.versions()["bars"], lake.versions()["universes"]) == (1, 0)
    assert not stored_files(settings, "universes"), "what was written for a refused commit is removed"
    with lake.commit("job", 2) as tx:
        tx.upsert("bars", make_bars(["A.US"], days(1)))
        tx.upsert("universes", universe)
    assert (tx.versions, tx.changed) == ({"bars": 1, "universes": 1}, {"bars": 0, "universes": 1})


def test_commit_carries_job_and_attempt(lake: Lake, settings: Settings) -> None:
    write(lake, "job-7", "bars", make_bars(["A.US"], days(1)), attempt=3)
    assert Storage(settings).open("bars").transaction_version("job-7") == 3


def test_lost_race_on_the_same_keys_is_planned_again(lake: Lake, settings: Settings) -> None:
    rival, raced = open_lake(settings), []

    def fence() -> None:  # runs between planning and committing: the rival wins exactly there
        if not raced:
            raced.append(write(rival, "rival", "bars", make_bars(["A.US", "B.US"], days(2), close=1.0)))

    with lake.commit("job", 1, fence=fence) as tx:
        tx.upsert("bars", make_bars(["A.US"], days(2), close=2.0))
    assert tx.versions["bars"] == 2
    assert lake.bars(columns=["close"])["close"].to_list() == [2.0, 2.0, 1.0, 1.0]
    assert lake.sql("select count(*) - count(distinct (instrument, session)) from bars").item() == 0
    assert len(stored_files(settings, "bars")) == 2, "the file of the plan that lost is removed"


def test_lost_race_on_another_partition_commits_the_same_plan(lake: Lake, settings: Settings) -> None:
    rival, seen = open_lake(settings), []

    def fence() -> None:
        seen.append(stored_files(settings, "bars"))
        if len(seen) == 1:
            write(rival, "rival", "bars", make_bars(["A.US"], [date(2020, 1, 2)]))

    with lake.commit("job", 1, fence=fence) as tx:
        tx.upsert("bars", make_bars(["A.US"], days(2)))
    assert tx.versions["bars"] == 2
    assert len(seen) == 2
    assert seen[0] < stored_files(settings, "bars")
    assert lake.bars().height == 3


WRITER = """
import sys, polars as pl
from datetime import date, timedelta
from pathlib import Path
from lake import open_lake
from qbrain_core.settings import Settings
home, writer, mode, rounds = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
lake = open_lake(Settings(env="test", home=home))
print("ready", flush=True)
sys.stdin.readline()
for n in range(rounds):
    sessions = [date(2024, 1, 1) + timedelta(days=d) for d in range(5)]
    own = [f"W{writer}N{n}.US"]
    names = own if mode == "disjoint" else own + ["SHARED0.US", "SHARED1.US"]
    frame = pl.DataFrame({"instrument": names}).join(pl.DataFrame({"session": sessions}), how="cross").with_columns(
        open=1.0, high=1.0, low=1.0, close=float(writer * 1000 + n), volume=1.0, factor=1.0, halted=False,
        price_basis=pl.lit("raw"))
    with lake.commit(f"{mode}-{writer}-{n}", 1) as tx:
        tx.upsert("bars", frame)
    print(tx.versions["bars"], flush=True)
"""


def start_writer(settings: Settings, writer: int, mode: str, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(settings.home), str(writer), mode, str(rounds)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("mode", [pytest.param("disjoint", marks=pytest.mark.soak), "overlapping"])
def test_two_processes_on_one_partition_lose_and_double_nothing(lake: Lake, settings: Settings, mode: str) -> None:
    rounds, writers = 12, (1, 2)
    processes = [start_writer(settings, writer, mode, rounds) for writer in writers]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    versions = sorted(int(version) for output in outputs for version in output)
    assert versions == list(range(1, 2 * rounds + 1)), "every commit is a version of its own"

    bars = lake.bars()
    assert not bars.select("instrument", "session").is_duplicated().any()
    own = bars.filter(pl.col("instrument").str.starts_with("W"))
    expected = {(f"W{w}N{n}.US", float(w * 1000 + n)) for w in writers for n in range(rounds)}
    assert own.height == 5 * len(expected)
    assert set(own.select("instrument", "close").iter_rows()) == expected
    shared = bars.filter(pl.col("instrument").str.starts_with("SHARED"))
    assert shared.height == (0 if mode == "disjoint" else 10)
    assert shared["close"].n_unique() <= 1, "shared rows are all of one commit: the last"
