"""The command line as people type it, in a process of its own or called in this one, over a real home."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app, main
from app.cli.up import StartError, worker_counts
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings

CSV = """symbol,date,open,high,low,close,adj,volume
AAA,2024-01-02,10,11,9,10.5,5.25,1000
AAA,2024-01-03,10,11,9,10.0,10.0,1000
AAA,2024-01-04,10,9,11,10.0,10.0,1000
AAA,2024-01-05,10,11,9,,10.0,1000
BBB,2024-01-02,20,21,19,20.5,20.5,500
"""
MAPPING = ("--map", "instrument=symbol", "--map", "session=date", "--map", "adj_close=adj")


@pytest.fixture
def run(settings: Settings):
    def invoke(*arguments: str):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return invoke


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text(CSV)
    return path


def last_line(output: str) -> dict:
    return json.loads(output.strip().splitlines()[-1])


def sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["qbrain", *arguments])
    with pytest.raises(SystemExit) as exited:
        main()
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return int(exited.value.code or 0), error


def test_ingest_writes_the_good_rows_and_names_the_bad(run, prices: Path) -> None:
    done = run("ingest", prices, "--market", "US", *MAPPING, "--json")
    assert done.exit_code == 0, done.output
    result = last_line(done.output)
    assert {"table", "version", "rows_in", "rows_written", "rows_quarantined", "findings"} <= set(result)
    assert (result["rows_in"], result["rows_written"], result["rows_quarantined"]) == (5, 3, 2)
    assert {"ohlc_order", "null_price"} <= {f["check"] for f in result["findings"]}
    again = last_line(run("ingest", prices, "--market", "US", *MAPPING, "--json").output)
    assert again["version"] == result["version"]


def test_sql_answers_in_every_format(run, prices: Path) -> None:
    run("ingest", prices, "--market", "US", *MAPPING)
    query = "SELECT instrument, count(*) AS n FROM bars GROUP BY ALL ORDER BY 1"
    assert last_line(run("sql", query, "--format", "json").output) == {"instrument": "BBB.US", "n": 1}
    assert run("sql", query, "--format", "csv").output.splitlines() == ["instrument,n", "AAA.US,2", "BBB.US,1"]
    assert "AAA.US" in run("sql", query).output
    assert run("sql", query, "--as-of", "bars=0", "--format", "csv").output.splitlines() == ["instrument,n"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest", "missing.csv", "--market", "US"), "no such file"),
        (("ingest", "x.csv", "--market", "USA"), "market is 'USA'"),
        (("ingest", "x.csv", "--market", "US", "--map", "session"), "--map is 'session', but it is written"),
        (("sql", "SELECT * FROM barz"), "barz"),
        (("sql", "SELECT 1", "--format", "xml"), "--format is 'xml'"),
        (("worker", "trian"), "queue is 'trian', but no such name is known; did you mean 'train'?"),
        (("submit", "missing.yaml"), "no such file"),
        (("cancel", "ffff"), "ffff"),
        (("jobs", "--status", "done"), "done"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: tuple[str, ...], words: str, settings: Settings, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, error = sentence(capsys, monkeypatch, *arguments)
    assert code in (1, 2)
    assert words in error
    assert len(error.strip().splitlines()) <= 4  # DuckDB points at the place on lines of its own


def test_wrong_setting_names_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("QBRAIN_PORT", "eighty")
    code, error = sentence(capsys, monkeypatch, "jobs")
    assert code == 2
    assert error.startswith("qbrain: QBRAIN_PORT: ")


@pytest.mark.usefixtures("valkey")
def test_submit_lists_cancel_and_events(run, tmp_path: Path, prices: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "kind: ingest\nname: prices\nmarket: US\npath: prices.csv\ncolumns: {instrument: symbol, session: date}\n"
    )
    submitted = json.loads(run("submit", spec, "--json").output)[0]
    assert (submitted["status"], submitted["name"]) == ("queued", "prices")
    assert json.loads(run("submit", spec, "--json").output)[0]["id"] == submitted["id"]
    assert submitted["id"] in run("jobs").output
    assert "cancelled" in run("cancel", submitted["id"]).output
    assert "cancelled" in run("events", submitted["id"]).output
    assert json.loads(run("jobs", "--status", "queued", "--json").output) == []


@pytest.mark.usefixtures("valkey")
def test_submit_sets_what_a_file_leaves_open(
    run, tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("kind: ingest\nname: prices\nmarket: US\npath: ${DATA}/prices.csv\n")
    assert json.loads(run("submit", spec, "--set", f"DATA={prices.parent}", "--json").output)[0]["status"] == "queued"
    code, error = sentence(capsys, monkeypatch, "submit", str(spec))
    assert code == 2
    assert "${DATA} stands for" in error


def test_doctor_says_what_is_missing_and_what_to_do(run) -> None:
    done = run("doctor", "--json")
    assert done.exit_code == 1
    checks = {c["name"]: c for c in json.loads(done.output)["checks"]}
    assert checks["python"]["ok"]
    assert checks["records"]["ok"]
    assert not checks["redis"]["ok"]
    assert checks["redis"]["remedy"]
    assert not checks["lake"]["ok"]
    assert "make up" in checks["lake"]["remedy"]


def test_worker_counts_reads_numbers_per_queue() -> None:
    assert worker_counts("train:2, data:3") == {"data": 3, "train": 2, "backtest": 1}
    for wrong in ("trian:2", "train", "train:0", "train:x", "train:65"):
        with pytest.raises(InvalidInputError, match="QBRAIN_WORKERS"):
            worker_counts(wrong)


def test_up_on_a_taken_port_says_which_other_to_take(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli import up

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("QBRAIN_PORT", str(taken.getsockname()[1]))
        with pytest.raises(StartError, match=r"is taken .* QBRAIN_PORT=\d+ make up"):
            up.up()


def test_up_twice_from_one_home_is_refused(settings: Settings) -> None:
    from app.cli import up

    with up._only_one(settings), pytest.raises(StartError, match="already runs from"):
        up.up()
