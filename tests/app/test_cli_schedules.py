"""`qbrain schedules` as people type it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli.main import app
from jobs.default_schedules import add_default_schedules
from lake import Lake
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings) -> Run:
    return lambda *words: CliRunner().invoke(app, ["schedules", *map(str, words)])


def test_schedule_is_added_listed_disabled_enabled_and_removed(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "upkeep.yaml"
    spec.write_text("kind: upkeep\nkeep_days: 60\nretention: {bars_intraday/1m: 400}\n")
    assert run().output.strip() == "no schedules"
    added = run("add", spec, "--name", "saturday", "--when", "0 3 * * 6", "--timezone", "Asia/Shanghai")
    assert "next at" in added.output, added.exception
    assert "19:00 UTC" in added.output
    (row,) = json.loads(run("list", "--json").output)
    assert (row["name"], row["enabled"], row["specs"][0]["keep_days"]) == ("saturday", True, 60)
    assert "0 3 * * 6 Asia/Shanghai" in run().output
    assert run("disable", "saturday").exit_code == 0
    assert "disabled" in run("list").output
    assert "19:00 UTC" in run("enable", "saturday").output
    assert run("remove", "saturday").exit_code == 0
    assert json.loads(run("list", "--json").output) == []


def test_what_the_installation_came_with_is_listed(run: Run, lake: Lake, settings: Settings) -> None:
    add_default_schedules(settings, lake)
    assert "nightly upkeep" in run().output


def test_mistake_is_a_sentence(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "upkeep.yaml"
    spec.write_text("kind: upkeep\n")
    wrong = run("add", spec, "--name", "x", "--when", "every day")
    assert isinstance(wrong.exception, InvalidInputError)
    assert "cron line" in str(wrong.exception)
    missing = run("add", tmp_path / "no.yaml", "--name", "x", "--when", "0 3 * * 6")
    assert isinstance(missing.exception, InvalidInputError)
    for command in ("remove", "enable", "disable"):
        assert isinstance(run(command, "x").exception, UnknownNameError)
