import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl
import psutil
import pytest

from lake import Lake
from lake.cage import (
    SqlCancelledError,
    SqlFailedError,
    SqlRefusedError,
    SqlTimeoutError,
    request,
    run,
    run_query,
    start_query,
)

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b, range(1000) c WHERE a.range + b.range = c.range"
SLOW_MACHINE_S = 60

OPEN_GATE = """
import sys
from lake.cage import child
child.check_query = lambda query, relations: None
sys.exit(child.main())
"""
UNLOCKED_ENGINE = """
import sys
import duckdb
from lake.cage import child
child.check_query = lambda query, relations: None

def connect(request):
    engine = duckdb.connect(":memory:")
    if request["access"]:
        from lake.door import Door
        from lake.s3 import S3Access

        door = Door(S3Access(**request["access"]), root=request["root"], files=request["files"])
        engine.register_filesystem(door)
    return engine

child._connect = connect
sys.exit(child.main())
"""
TELL_ENVIRONMENT = """
import json, os, sys
sys.stdin.read()
sys.stderr.write(json.dumps({"kind": "failed", "message": " ".join(sorted(os.environ)), "place": None}))
"""
SEND_TOO_MUCH = """
import sys
sys.stdin.read()
while True:
    sys.stdout.write("x" * 65536)
"""
BOMBS = [
    "SELECT length(repeat('x', 4000000000))",
    "SELECT list(range) FROM range(10000000000)",
    "SELECT length(lpad('x', 2000000000, 'y')) + length(rpad('x', 2000000000, 'y'))",
    "SELECT string_agg(repeat('x', 1000000), '') FROM range(1000000)",
    "SELECT length(format('{:>2000000000}', 'x'))",
    "WITH RECURSIVE t(s) AS (SELECT 'xxxxxxxx' UNION ALL SELECT s || s FROM t) SELECT max(length(s)) FROM t",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
    "SELECT * FROM range(10000000000) ORDER BY hash(range) LIMIT 1",
    "SELECT sum(a.range) OVER (ORDER BY b.range) FROM range(1000000) a, range(1000000) b ORDER BY 1 DESC LIMIT 1",
    "SELECT list_reduce(range(1000000000), lambda a, b: a + b)",
    "SELECT count(*) FROM generate_series(TIMESTAMP '1-1-1', TIMESTAMP '9999-1-1', INTERVAL 1 MICROSECOND)",
    "SELECT regexp_replace(repeat('a', 100000000), '(a|b)*?c', 'x', 'g')",
    "SELECT len(to_json(list_transform(range(100000000), lambda x: {'a': [x]})))",
]


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


def put_in_place(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-I", "-c", code])


def queries_alive() -> list[psutil.Process]:
    # the children of this process that run queries; test servers may be others
    return [child for child in psutil.Process().children() if "lake.cage" in " ".join(child.cmdline())]


def test_query_reads_the_lakes_views(filled: Lake) -> None:
    result = run_query(filled, 'SELECT instrument FROM universes WHERE "end" IS NULL ORDER BY 1')
    assert result.frame.get_column("instrument").to_list() == ["A.DEMO", "C.DEMO"]
    assert not result.truncated
    assert result.seconds > 0
    assert result.versions == {"universes": 1}


def test_query_as_of_an_older_version_sees_the_older_rows(filled: Lake) -> None:
    result = run_query(filled, "SELECT count(*) AS n FROM universes", as_of="universes=0")
    assert result.frame.item() == 0
    assert result.versions == {"universes": 0}


def test_more_rows_than_asked_for_are_cut_and_said(filled: Lake) -> None:
    result = run_query(filled, "SELECT * FROM range(100000000000)", max_rows=10)
    assert (result.rows, result.cut, result.truncated) == (10, "rows", True)
    result = run_query(filled, "SELECT * FROM range(20000)", max_rows=20_000)
    assert (result.rows, result.cut) == (20_000, "")
    assert result.frame.get_column("range").to_list() == list(range(20_000))
    assert result.page(19_990, 100).height == 10
    assert result.select("range").height == 20_000


def test_more_bytes_than_a_result_may_hold_are_cut_and_said(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "MAX_RESULT_BYTES", 5_000_000)
    result = run_query(filled, "SELECT repeat('x', 1000000) AS x FROM range(1000)")
    assert result.cut == "bytes"
    assert 1 <= result.rows <= 5
    assert result.table.nbytes <= 5_000_000


def test_what_the_process_sends_beyond_its_limit_is_refused(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "MAX_RESULT_BYTES", 5_000_000)
    put_in_place(monkeypatch, SEND_TOO_MUCH)
    with pytest.raises(SqlFailedError, match="more than it may"):
        run_query(filled, "SELECT 1")


def test_columns_that_both_sides_of_a_join_have_are_named_apart(filled: Lake) -> None:
    frame = run_query(
        filled, 'SELECT a.instrument, b.instrument, b."end", 1 AS instrument_1 FROM universes a, universes b'
    ).frame
    assert frame.columns == ["instrument", "instrument_1", "end", "instrument_1_1"]


def test_types_that_no_frame_has_arrive_as_text_and_sums_as_numbers(filled: Lake) -> None:
    query = "SELECT INTERVAL 3 DAY AS i, '101'::BIT AS b, [INTERVAL 1 DAY] AS l, sum(1) AS s FROM universes"
    assert run_query(filled, query).frame.rows() == [("3 days", "101", "[1 day]", 3)]


def test_results_leave_no_file_behind_not_even_those_of_a_killed_server(filled: Lake) -> None:
    cache = filled.settings.home / "cache"
    old, young = cache / "query-old", cache / "query-young"
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    result = run_query(filled, "SELECT range AS n FROM range(100000)", max_rows=100_000)
    assert [path.name for path in cache.glob("query-*")] == ["query-young"]
    assert result.frame["n"].sum() == 4_999_950_000  # from a file that has no name


def test_refused_query_is_not_run(filled: Lake) -> None:
    with pytest.raises(SqlRefusedError, match="read_text") as caught:
        run_query(filled, "SELECT * FROM read_text('/etc/passwd')")
    assert caught.value.place is not None
    assert caught.value.place.start == len("SELECT * FROM ")


def test_engines_own_message_reaches_the_reader_with_the_place(filled: Lake) -> None:
    query = "SELECT universe,\n  instrumnt FROM universes"
    with pytest.raises(SqlFailedError, match="instrumnt") as caught:
        run_query(filled, query)
    place = caught.value.place
    assert place is not None
    assert (query[place.start : place.end], place.line, place.column) == ("instrumnt", 2, 3)


def test_unclosed_parentheses_that_keep_the_parser_busy_are_ended(filled: Lake) -> None:
    # parsing them takes minutes, and takes them in the query's process
    with pytest.raises((SqlTimeoutError, SqlFailedError)):
        run_query(filled, "SELECT " + "(" * 60_000, timeout_s=2)


def test_bombs_are_ended_and_leave_the_server_as_it_was(filled: Lake) -> None:
    run_query(filled, "SELECT 1")
    before = psutil.Process().memory_info().rss
    for n in range(0, len(BOMBS), 2):
        started = [start_query(filled, query, timeout_s=2, memory_mib=256) for query in BOMBS[n : n + 2]]
        for query, bomb in zip(BOMBS[n:], started, strict=False):
            assert bomb.wait(SLOW_MACHINE_S), query
            with pytest.raises((SqlFailedError, SqlTimeoutError)):
                bomb.result()
    assert psutil.Process().memory_info().rss - before < 100 * 2**20
    assert not queries_alive()
    assert run_query(filled, "SELECT count(*) AS n FROM universes").frame.item() == 3


def test_four_gigabyte_repeat_is_ended(filled: Lake) -> None:
    with pytest.raises(SqlFailedError, match="512 MiB"):
        run_query(filled, "SELECT length(repeat('x', 4000000000))", timeout_s=SLOW_MACHINE_S, memory_mib=512)


def test_endless_cross_join_is_ended_in_time(filled: Lake) -> None:
    started = time.perf_counter()
    with pytest.raises(SqlTimeoutError, match="longer than"):
        run_query(filled, ENDLESS, timeout_s=2)
    assert time.perf_counter() - started < 2 + SLOW_MACHINE_S / 4


def test_cancelled_query_ends_at_once_and_frees_its_process(filled: Lake) -> None:
    running = start_query(filled, ENDLESS, timeout_s=SLOW_MACHINE_S * 2)
    assert not running.wait(0.5)
    running.cancel()
    with pytest.raises(SqlCancelledError):
        running.result()
    assert running.seconds < SLOW_MACHINE_S
    assert not queries_alive()


def test_process_ends_with_the_server_that_started_it(filled: Lake) -> None:
    code = (
        "import sys, time\nfrom lake import open_lake\nfrom lake.cage import start_query\n"
        f"start_query(open_lake(), {ENDLESS!r}, timeout_s=600)\nprint('started', flush=True)\ntime.sleep(600)"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=dict(os.environ))
    assert server.stdout is not None
    assert server.stdout.readline() == b"started\n"
    deadline = time.monotonic() + SLOW_MACHINE_S
    while not (children := psutil.Process(server.pid).children()) or len(children[0].threads()) < 2:
        assert time.monotonic() < deadline  # two threads: it is computing
        time.sleep(0.1)
    server.kill()
    server.communicate()
    _, alive = psutil.wait_procs(children, timeout=SLOW_MACHINE_S)
    assert alive == []


def test_queries_beyond_those_that_run_at_once_wait_for_a_place(filled: Lake) -> None:
    many = [start_query(filled, f"SELECT {n} AS n FROM universes", timeout_s=SLOW_MACHINE_S * 3) for n in range(6)]
    assert [running.result().frame["n"][0] for running in many] == list(range(6))


def test_child_cannot_reach_what_the_gate_would_miss(
    filled: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with the gate taken away, the engine's own lock must still hold
    put_in_place(monkeypatch, OPEN_GATE)
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's locks are Linux's")
def test_child_cannot_reach_what_the_engine_would_let_through(
    filled: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with the gate and the engine's lock taken away, the kernel's must still hold
    put_in_place(monkeypatch, UNLOCKED_ENGINE)
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    assert run_query(filled, "SELECT count(*) AS n FROM universes").frame.item() == 3
    for hostile in (
        f"SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('/etc/hostname')",
        f"SELECT * FROM read_text('{filled.settings.home}/secret')",
        "SELECT * FROM read_text('/proc/1/environ')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"COPY (SELECT 1) TO '{secret}'",
        f"ATTACH '{tmp_path}/x.db'",
    ):
        with pytest.raises(SqlFailedError):
            run_query(filled, hostile)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "secret.csv"]
    assert secret.read_text() == "a,b\n1,2\n"


def test_child_sees_no_settings_and_no_secrets(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBRAIN_SECRET", "do-not-tell")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
    put_in_place(monkeypatch, TELL_ENVIRONMENT)
    with pytest.raises(SqlFailedError) as caught:
        run_query(filled, "SELECT 1")
    assert set(str(caught.value).split()) <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH"}
