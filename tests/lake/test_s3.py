"""A lake in a bucket: what holds in a folder holds there."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake import Lake, open_lake
from lake.cage import SqlFailedError, run, run_query
from lake.registry import ModelFilesError, Registry
from lake.s3 import S3Access
from lake.tables import factor_table
from qbrain_core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
OPEN_GATE = [
    sys.executable, "-I", "-c",
    "import sys, lake.cage.child as child; child.check_query = lambda *_: None; sys.exit(child.main())",
]  # fmt: skip
SESSIONS = [date(2023, 12, 28) + timedelta(days=n) for n in range(10)]


@pytest.fixture(scope="module")
def settings(s3_store: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "QBRAIN_"))]:
            patch.delenv(name)
        for name, value in s3_store.items():
            patch.setenv(name, value)
        home = tmp_path_factory.mktemp("home")
        made = Settings(env="test", home=home, lake_url=f"s3://qbrain/{uuid.uuid4().hex}")
        made.make_home()
        yield made


def fill(lake: Lake) -> Lake:
    names = [f"{ticker}.{market}" for ticker in ("A", "B", "C") for market in ("US", "HK")]
    bars = pl.DataFrame({"instrument": names}).join(pl.DataFrame({"session": SESSIONS}), how="cross").with_columns(
        open=9.0, high=11.0, low=8.0, close=10.0, volume=100.0, factor=1.0, halted=False, price_basis=pl.lit("raw")
    )  # fmt: skip
    known = pl.DataFrame(
        {
            "instrument": names, "ticker": [name[0] for name in names], "kind": "equity", "currency": "USD",
            "market": [name[2:] for name in names], "name_en": [f"Company {name}" for name in names], "lot": 1,
        }
    )  # fmt: skip
    alpha = bars.select("instrument", "session", alpha=pl.int_range(pl.len()).cast(pl.Float32))
    with lake.commit("fill", 1) as tx:
        tx.upsert("instruments", known)
        tx.upsert("bars", bars)
        tx.upsert(factor_table("tiny", "0123456789ab", ("alpha",)), alpha)
    with lake.commit("restate", 1) as tx:
        tx.upsert("bars", bars.filter(pl.col("session") > date(2024, 1, 2)).with_columns(close=12.5))
        tx.replace("bars", bars.clear(), where={"instrument": "C.HK"})
    return lake


@pytest.fixture(scope="module")
def lake(settings: Settings) -> Lake:
    return fill(open_lake(settings))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return fill(open_lake(Settings(env="test", home=tmp_path_factory.mktemp("folder"))))


READS: dict[str, Callable[[Lake], object]] = {
    "versions": lambda lake: lake.versions(),
    "bars": lambda lake: lake.bars(),
    "one instrument": lambda lake: lake.bars(instruments=["B.US"], start=date(2024, 1, 1), columns=["close"]),
    "bars before": lambda lake: lake.bars(market="HK", as_of={"bars": 1}),
    "factors": lambda lake: lake.factors("tiny", market="US"),
    "factor sets": lambda lake: lake.factor_sets(),
    "search": lambda lake: lake.search("company b"),
    "instrument": lambda lake: lake.instrument("A.HK"),
    "sessions": lambda lake: lake.sessions("US"),
    "scan": lambda lake: lake.scan("bars").group_by("market", "year").len().sort("market", "year").collect(),
    "empty table": lambda lake: lake.sql("SELECT * FROM fundamentals"),
    "aggregate": lambda lake: lake.sql("SELECT year, sum(close) AS s, count(*) AS n FROM bars GROUP BY ALL ORDER BY 1"),
    "parameter": lambda lake: lake.sql("SELECT * FROM bars WHERE instrument = ? ORDER BY session", ["A.US"]),
    "join": lambda lake: lake.sql(
        "SELECT b.instrument, max(close * alpha) AS x FROM bars b JOIN factors_tiny f USING (instrument, session) "
        "JOIN instruments USING (instrument) GROUP BY 1 ORDER BY 1"
    ),
    "sql before": lambda lake: lake.sql("SELECT sum(close) FROM bars", as_of="bars=1"),
    "cage": lambda lake: run_query(lake, "SELECT market, sum(close) FROM bars GROUP BY 1 ORDER BY 1").frame,
    "cage before, little memory": lambda lake: (
        run_query(lake, "SELECT sum(close) FROM bars", as_of="bars=1", memory_mib=256).frame
    ),
}


@pytest.mark.parametrize("read", READS)
def test_reads_are_those_of_a_folder(lake: Lake, folder: Lake, read: str) -> None:
    found, expected = READS[read](lake), READS[read](folder)
    if isinstance(expected, pl.DataFrame) and isinstance(found, pl.DataFrame):
        assert found.equals(expected)
        assert found.schema == expected.schema
    else:
        assert found == expected
    if read in ("bars", "search", "factors", "cage"):
        assert found is not None
        assert len(expected) > 0  # type: ignore[arg-type]


def test_lake_of_a_moment_is_the_one_before_the_next_commit(settings: Settings, lake: Lake) -> None:
    moment = datetime.now(UTC)
    time.sleep(1 - moment.microsecond / 1e6)  # a store may keep the time of an object in whole seconds
    with lake.commit("later", 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": ["u"], "instrument": ["A.US"], "start": [SESSIONS[0]]}))
    assert open_lake(settings).universe("u").height == 1
    assert open_lake(settings).universe("u", as_of=moment).height == 0


def test_handle_sees_at_once_what_another_commits(settings: Settings, lake: Lake) -> None:
    other = open_lake(settings)
    before = other.snapshot("universes").version
    with lake.commit("another", 1) as tx:
        tx.upsert("universes", pl.DataFrame({"universe": ["v"], "instrument": ["A.US"], "start": [SESSIONS[0]]}))
        tx.upsert(
            factor_table("seen", "0" * 12, ("x",)), pl.DataFrame({"instrument": ["A.US"], "session": SESSIONS[:1]})
        )
    assert other.snapshot("universes").version == before + 1
    assert other.sql("SELECT count(*) FROM universes WHERE universe = 'v'").item() == 1
    assert other.factors("seen").height == 1


def test_retry_of_a_finished_block_is_skipped(settings: Settings, lake: Lake) -> None:
    before = lake.versions()["instruments"]
    with open_lake(settings).commit("fill", 2) as tx:
        tx.upsert("instruments", lake.instruments().with_columns(currency=pl.lit("EUR")))
        tx.upsert(factor_table("tiny", "0123456789ab", ("alpha",)), lake.factors("tiny"))
    assert lake.versions()["instruments"] == before


WRITER = """
import sys, polars as pl
from datetime import date, timedelta
from pathlib import Path
from lake import open_lake
from qbrain_core.settings import Settings
writer, rounds = int(sys.argv[1]), int(sys.argv[2])
lake = open_lake(Settings())
print("ready", flush=True)
sys.stdin.readline()
for n in range(rounds):
    frame = pl.DataFrame({"universe": [f"w{writer}n{n}"] * 5 + ["shared"] * 2,
        "instrument": ["A.US", "B.US", "C.US", "D.US", "E.US", "A.US", "B.US"], "start": [date(2024, 1, 1)] * 7,
        "end": [date(2024, 1, 1) + timedelta(days=writer * 1000 + n)] * 7})
    with lake.commit(f"{writer}-{n}", 1) as tx:
        tx.upsert("universes", frame)
    print(tx.versions["universes"], flush=True)
"""


@pytest.fixture
def many(request: pytest.FixtureRequest) -> bool:
    """Tell whether this is the long run."""
    return bool(request.node.callspec.params["s3_store"] == "ceph")


def start_writer(settings: Settings, writer: int, rounds: int) -> subprocess.Popen[str]:
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "QBRAIN_HOME": str(settings.home),
        "QBRAIN_LAKE_URL": settings.lake_url,
    }
    command = [sys.executable, "-c", WRITER, str(writer), str(rounds)]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


def test_processes_on_one_table_lose_and_double_nothing(lake: Lake, settings: Settings, many: bool) -> None:
    rounds, writers = (25, range(1, 5)) if many else (8, range(1, 3))
    before = lake.versions()["universes"]
    processes = [start_writer(settings, writer, rounds) for writer in writers]
    for process in processes:
        let_go(process)
    outputs = [process.communicate(timeout=200)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(writers)
    versions = sorted(int(version) - before for output in outputs for version in output)
    assert versions == list(range(1, len(writers) * rounds + 1)), "every commit is a version of its own"
    rows = lake.scan("universes").collect()
    assert not rows.select("universe", "instrument", "start").is_duplicated().any()
    own = rows.filter(pl.col("universe").str.starts_with("w"))
    assert own.height == 5 * len(writers) * rounds
    assert own["universe"].n_unique() == len(writers) * rounds
    shared = rows.filter(pl.col("universe") == "shared")
    assert (shared.height, shared["end"].n_unique()) == (2, 1), "shared rows are all of one commit: the last"


def test_child_reaches_nothing_but_the_querys_files(
    lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with the gate taken away, the engine's own lock and the door must still hold
    monkeypatch.setattr(run, "_COMMAND", OPEN_GATE)
    files = S3Access.from_environment().file_system()
    own = lake.snapshot("bars").files[0].uri
    secret, beside = f"{settings.lake_root}/secret.parquet", f"{settings.lake_root}-of-another/bars/secret.parquet"
    for place in (secret, beside):
        files.copy(own, place)
    before = {path: files.info(path)["ETag"] for path in files.find("qbrain")}
    for hostile in (
        f"SELECT count(*) FROM read_parquet('{secret}'), bars",
        f"SELECT count(*) FROM '{beside}', bars",
        f"SELECT count(*) FROM read_parquet('{settings.lake_root}/*/*.parquet'), bars",
        f"SELECT * FROM read_text('{settings.lake_root}/bars/_delta_log/00000000000000000001.json'), bars",
        f"COPY (SELECT * FROM bars) TO '{own}'",
        f"SET allowed_paths = ['{secret}']",
        "SELECT count(*) FROM read_text('/proc/self/environ'), bars",
    ):
        with pytest.raises(SqlFailedError):
            run_query(lake, hostile)
    assert {path: files.info(path)["ETag"] for path in files.find("qbrain")} == before


def test_child_does_not_tell_the_credentials(
    lake: Lake, s3_store: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_COMMAND", OPEN_GATE)
    for query in (
        "SELECT getenv('AWS_SECRET_ACCESS_KEY') AS s, count(*) FROM bars",
        "SELECT name, value, s FROM duckdb_settings(), (SELECT s FROM duckdb_secrets() s), (SELECT count(*) FROM bars)",
    ):
        try:
            told = str(run_query(lake, query).frame.rows())
        except SqlFailedError as error:
            told = str(error)
        assert s3_store["AWS_SECRET_ACCESS_KEY"] not in told


def test_engines_own_message_reaches_the_reader_alone(lake: Lake) -> None:
    with pytest.raises(SqlFailedError) as caught:
        run_query(lake, "SELECT clse FROM bars")
    assert "clse" in str(caught.value)
    assert "nanobind" not in str(caught.value)


def test_model_files_lie_in_the_bucket_and_are_checked(settings: Settings) -> None:
    registry = Registry(settings)
    made = registry.register(
        "alpha", {"model.txt": b"honest"}, job_id="job-1", owner="local", visibility="team", metrics={}, params={},
        pins={"bars": 1}, code_hash="", environment={}, seed=1,
    )  # fmt: skip
    assert made.source.startswith(settings.lake_url)
    assert Registry(settings).load("alpha", 1) == {"model.txt": b"honest"}
    files = S3Access.from_environment().file_system()
    files.pipe_file(f"{made.source}/model.txt", b"forged")
    with pytest.raises(ModelFilesError, match="not the one that was registered"):
        registry.load("alpha", 1)
    files.rm_file(f"{made.source}/model.txt")
    with pytest.raises(ModelFilesError, match="missing"):
        registry.load_file("alpha", 1, "model.txt")
