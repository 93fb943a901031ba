"""`qbrain check`, `checks` and `clean` as people type them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from lake.quality import CHECKS
from qbrain_core.settings import Settings

HEAD = "symbol,date,open,high,low,close,volume\n"
ROWS = "".join(f"AAA,2024-01-{d:02},10,11,9,10.{d},{0 if d == 9 else 1000 + d}\n" for d in (2, 3, 4, 5, 8, 9, 10))


@pytest.fixture
def run(settings: Settings, tmp_path: Path):
    def invoke(*arguments: object):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    path = tmp_path / "prices.csv"
    path.write_text(HEAD + ROWS)
    assert invoke("ingest", path, "--market", "US", "--map", "session=date").exit_code == 0
    return invoke


def test_check_tells_what_is_wrong_and_clean_puts_it_right(run) -> None:
    told = run("check", "--market", "US")
    assert told.exit_code == 0, told.output
    assert "bars" in told.output
    assert "zero_volume" in told.output
    asked = json.loads(run("check", "--market", "US", "--check", "zero_volume", "--json").output.splitlines()[-1])
    assert [(f["check"], f["rows"]) for f in asked["findings"]] == [("zero_volume", 1)]
    shown = run("clean", "--market", "US", "--repair", "mark_halted")
    assert "would change 1 rows" in shown.output
    assert run("clean", "--market", "US", "--repair", "mark_halted", "--apply").exit_code != 0
    done = run("clean", "--market", "US", "--repair", "mark_halted", "--apply", "--reason", "no trade")
    assert "changed 1 rows" in done.output
    assert "qbrain lake rollback bars" in done.output
    assert "zero_volume" not in run("check", "--market", "US").output


def test_check_exits_1_where_an_error_is_stored(run, settings: Settings) -> None:
    from lake import open_lake

    lake = open_lake(settings)
    bars = lake.bars().head(1).with_columns(high=1.0)
    with lake.commit("old", 1) as transaction:
        transaction.upsert("bars", bars)
    assert run("check", "--market", "US", "--check", "ohlc_order").exit_code == 1


def test_checks_lists_every_check(run) -> None:
    assert {row["check"] for row in json.loads(run("checks", "--json").output)} == set(CHECKS)
    assert "zero_volume" in run("checks").output
