"""`qbrain lake`: history, undoing and upkeep as people type it."""

import json
from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli.main import app
from lake import Lake
from lake.records import open_records
from lake.records.models import AuditRow
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings) -> Run:
    return lambda *words, typed="": CliRunner().invoke(app, ["lake", *map(str, words)], input=typed)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """Five members come one by one, then one of them leaves early."""
    for n in range(5):
        spell = {"universe": ["u"], "instrument": [f"N{n}.US"], "start": [date(2024, 1, 1)]}
        with lake.commit(f"day-{n}", 1) as tx:
            tx.upsert("universes", pl.DataFrame(spell))
    with lake.commit("restate", 1) as tx:
        tx.upsert("universes", pl.DataFrame(spell).with_columns(end=date(2024, 6, 30)))
    return lake


def members(lake: Lake, as_of: object = None) -> list[str]:
    return lake.universe("u", as_of=as_of)["instrument"].to_list()  # type: ignore[arg-type]


def test_tables_tell_rows_size_version_and_the_last_write(filled: Lake, run: Run) -> None:
    rows = {row["table"]: row for row in json.loads(run("tables", "--json").output)}
    found = rows["universes"]
    assert (found["rows"], found["files"], found["version"], found["job"]) == (5, 5, 6, "restate")
    assert found["size_bytes"] > 0
    assert set(rows) == set(filled.catalog.names())
    (line,) = [line for line in run("tables").output.splitlines() if line.startswith("universes")]
    assert "restate" in line


def test_versions_tell_what_each_did(filled: Lake, run: Run) -> None:
    run("compact", "universes")
    rows = json.loads(run("versions", "universes", "--json", "--limit", 3).output)
    assert [(row["version"], row["operation"], row["rows"]) for row in rows] == [
        (7, "compact", 5), (6, "upsert", 5), (5, "upsert", 5),
    ]  # fmt: skip
    assert rows[0]["owner"] == "local"
    assert "compact" in run("versions", "universes").output


def test_diff_counts_and_shows(filled: Lake, run: Run) -> None:
    found = json.loads(run("diff", "universes", 3, "--json").output)
    assert (found["old"], found["new"], found["added"], found["changed"], found["removed"]) == (3, 6, 2, 0, 0)
    text = run("diff", "universes", 5, 6).output
    assert "0 added, 1 changed, 0 removed" in text
    assert "end_before" in text
    assert "start_before" not in text, "of a changed row only what changed is shown"


def test_rollback_asks_first(filled: Lake, run: Run, settings: Settings) -> None:
    refused = run("rollback", "universes", 2, typed="n\n")
    assert (refused.exit_code, len(members(filled))) == (1, 5)
    assert "from version 6 (5 rows) back to version 2 (2 rows)" in refused.output
    assert run("rollback", "universes", 2, typed="y\n").exit_code == 0
    assert members(filled) == ["N0.US", "N1.US"]
    assert "nothing was done" in run("rollback", "universes", 2, "--yes").output
    with open_records(settings).read() as session:
        assert next((r.user, r.action) for r in session.query(AuditRow)) == ("local", "rollback")
    assert isinstance(run("rollback", "universes", 99, "--yes").exception, InvalidInputError)


def test_delete_tells_before_it_does(filled: Lake, run: Run) -> None:
    planned = run("delete", "universes", "--where", "instrument=N1.US", "--dry-run")
    assert "1 row to delete" in planned.output
    assert len(members(filled)) == 5
    assert run("delete", "universes", "--where", "universe=u", "--where", "end=", typed="n\n").exit_code == 1
    done = run("delete", "universes", "--where", "universe=u", "--where", "end=", "--yes")
    assert "4 rows deleted, 1 left" in done.output
    assert members(filled) == ["N4.US"]
    assert "nothing was done" in run("delete", "universes", "--where", "instrument=X.US", "-y").output


def test_pin_is_listed_reads_and_goes(filled: Lake, run: Run) -> None:
    assert run("pin", "may", "--as-of", "universes=2", "--note", "before the change").exit_code == 0
    assert len(members(filled, "may")) == 2
    (row,) = json.loads(run("pins", "--json").output)
    assert (row["name"], row["note"], row["versions"]["universes"]) == ("may", "before the change", 2)
    assert "before the change" in run("pins").output
    assert run("unpin", "may", typed="n\n").exit_code == 1
    assert "universes=2" in run("unpin", "may", "--yes").output
    assert run("pins").output.strip() == "no pins"


def test_upkeep_commands_are_jobs_that_tell_what_they_did(filled: Lake, run: Run) -> None:
    assert "universes: would compact 1 partition" in run("compact", "--dry-run").output
    assert filled.versions()["universes"] == 6
    assert "universes: compacted 1 partition; files 5 → 1" in run("compact").output
    assert run("compact").output.strip() == "nothing to compact"
    assert run("vacuum", "--dry-run").output.strip() == "nothing to delete"
    result = json.loads(run("vacuum", "--keep-days", 60, "--json").output)
    assert (result["tables"], result["dry_run"]) == ({}, False)


def test_retain_asks_first(filled: Lake, run: Run) -> None:
    today = date.today()
    rates = pl.DataFrame({"session": [today - timedelta(days=400), today]}).with_columns(base=pl.lit("EUR"), rate=1.1)
    with filled.commit("fx", 1) as tx:
        tx.upsert("fx_rates", rates.with_columns(quote=pl.lit("USD")))
    assert "fx_rates: would delete 1 row" in run("retain", "--keep", "fx_rates=30", "--dry-run").output
    assert run("retain", "--keep", "fx_rates=30", typed="n\n").exit_code == 1
    assert filled.scan("fx_rates").collect().height == 2
    assert "fx_rates: deleted 1 row" in run("retain", "--keep", "fx_rates=30", "--yes").output
    assert filled.scan("fx_rates").collect()["session"].to_list() == [today]
    assert "no row is past its retention" in run("retain").output


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("versions", "bards"), UnknownNameError, "did you mean 'bars'"),
        (("diff", "bars", "yesterday"), InvalidInputError, "yesterday"),
        (("delete", "bars"), InvalidInputError, "--where instrument=AAPL.US"),
        (("delete", "bars", "--where", "instrument"), InvalidInputError, "column=value"),
        (("delete", "bars", "--where", "tickr=A"), InvalidInputError, "names columns among"),
        (("retain", "--keep", "bars"), InvalidInputError, "table=days"),
        (("retain", "--keep", "instruments=30"), InvalidInputError, "no age"),
        (("unpin", "may", "--yes"), UnknownNameError, "may"),
        (("pin", "2024-01-01"), InvalidInputError, "no date or time"),
    ],
)
def test_mistake_is_a_sentence(run: Run, words: tuple[str, ...], error: type[Exception], message: str) -> None:
    done = run(*words)
    assert done.exit_code != 0
    assert isinstance(done.exception, error)
    assert message in str(done.exception)
