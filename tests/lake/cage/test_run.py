import os
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake import Lake
from lake.cage import SqlFailedError, SqlRefusedError, SqlTimeoutError, run_query


@pytest.fixture
def filled(lake: Lake) -> Lake:
    frame = pl.DataFrame(
        {
            "universe": ["demo"] * 3, "instrument": ["A.DEMO", "B.DEMO", "C.DEMO"],
            "start": [date(2024, 1, 2)] * 3, "end": [None, date(2024, 6, 28), None],
        }
    )  # fmt: skip
    with lake.commit("fill", 1) as transaction:
        transaction.upsert("universes", frame)
    return lake


def test_query_reads_the_lakes_views(filled: Lake) -> None:
    result = run_query(filled, 'SELECT instrument FROM universes WHERE "end" IS NULL ORDER BY 1')
    assert result.frame.get_column("instrument").to_list() == ["A.DEMO", "C.DEMO"]
    assert not result.truncated
    assert result.seconds > 0


def test_query_as_of_an_older_version_sees_the_older_rows(filled: Lake) -> None:
    assert run_query(filled, "SELECT count(*) AS n FROM universes", as_of="universes=0").frame.item() == 0


def test_more_rows_than_asked_for_are_cut_and_said(filled: Lake) -> None:
    result = run_query(filled, "SELECT * FROM range(100000)", max_rows=10)
    assert (result.rows, result.truncated) == (10, True)


def test_columns_that_both_sides_of_a_join_have_are_named_apart(filled: Lake) -> None:
    frame = run_query(
        filled, 'SELECT a.instrument, b.instrument, b."end", 1 AS instrument_1 FROM universes a, universes b'
    ).frame
    assert frame.columns == ["instrument", "instrument_1", "end", "instrument_1_1"]


def test_refused_query_starts_no_process(filled: Lake) -> None:
    with pytest.raises(SqlRefusedError, match="read_text"):
        run_query(filled, "SELECT * FROM read_text('/etc/passwd')")


def test_engines_own_message_reaches_the_reader(filled: Lake) -> None:
    with pytest.raises(SqlFailedError, match="instrumnt"):
        run_query(filled, "SELECT instrumnt FROM universes")


def test_four_gigabyte_repeat_is_ended(filled: Lake) -> None:
    started = time.perf_counter()
    with pytest.raises((SqlFailedError, SqlTimeoutError)):
        run_query(filled, "SELECT length(repeat('x', 4000000000))", timeout_s=3, memory_mib=512)
    assert time.perf_counter() - started < 10


def test_endless_cross_join_is_ended(filled: Lake) -> None:
    query = "SELECT count(*) FROM range(10000000) a, range(10000000) b, range(1000) c WHERE a.range + b.range = c.range"
    with pytest.raises(SqlTimeoutError, match="longer than"):
        run_query(filled, query, timeout_s=1.5)


def test_recursion_without_end_is_ended(filled: Lake) -> None:
    query = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"
    with pytest.raises((SqlFailedError, SqlTimeoutError)):
        run_query(filled, query, timeout_s=1.5, memory_mib=256)


def test_child_cannot_reach_what_the_gate_would_miss(
    filled: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with the gate taken away, the engine's own lock must still hold
    import lake.cage.run as run

    monkeypatch.setattr(run, "check_query", lambda query, relations: None)
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    for hostile in (
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT * FROM '{secret}'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/x.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(SqlFailedError):
            run_query(filled, hostile)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "secret.csv"]


def test_child_sees_no_secrets(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    import lake.cage.run as run

    monkeypatch.setattr(run, "check_query", lambda query, relations: None)
    monkeypatch.setitem(os.environ, "QBRAIN_SECRET", "do-not-tell")
    try:
        answer = run_query(filled, "SELECT getenv('QBRAIN_SECRET') AS s").frame.item()
    except SqlFailedError:
        answer = None
    assert answer in (None, "")
