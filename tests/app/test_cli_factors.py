"""`qbrain factors` over a real home."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from qbrain_core.errors import InvalidInputError
from qbrain_core.settings import Settings

SET = "name: momentum\nauthor: Ann\ndescription: Of five.\nexpressions:\n  M5: $close/Ref($close, 5)\n"


@pytest.fixture
def run(settings: Settings):
    def invoke(*arguments: object) -> str:
        done = CliRunner().invoke(app, ["factors", *map(str, arguments)])
        if done.exception is not None:
            raise done.exception
        return done.output

    return invoke


def test_set_is_saved_listed_shown_and_exported(run, tmp_path: Path) -> None:
    file = tmp_path / "momentum.yaml"
    file.write_text(SET)
    assert "momentum@1" in run("save", file)
    file.write_text(SET + "  M9: $close/Ref($close, 9)\n")
    (saved,) = json.loads(run("save", file, "--json"))
    assert (saved["version"], saved["factors"], saved["visibility"]) == (2, 2, "private")
    assert [line.split()[0] for line in run().splitlines()][-1] == "momentum@2"
    assert {"alpha158", "momentum"} <= {s["name"] for s in json.loads(run("list", "--json"))}
    assert [s["version"] for s in json.loads(run("versions", "momentum", "--json"))] == [2, 1]
    assert "  M5  $close/Ref($close, 5)" in run("show", "momentum@1")
    assert json.loads(run("show", "momentum", "--json"))["expressions"]["M9"] == "$close/Ref($close, 9)"
    out = tmp_path / "out.yaml"
    run("export", "momentum@1", "--to", out)
    assert out.read_text() == run("export", "momentum@1")
    assert json.loads(run("save", out, "--name", "copy", "--json"))[0]["name"] == "copy"
    with pytest.raises(InvalidInputError, match="cannot be written"):
        run("export", "momentum@1", "--to", out)


def test_set_is_shared_put_away_and_brought_back(run, tmp_path: Path) -> None:
    (tmp_path / "momentum.yaml").write_text(SET)
    run("save", tmp_path / "momentum.yaml")
    assert run("share", "momentum", "team") == "momentum is team\n"
    assert run("archive", "momentum") == "momentum is put away\n"
    assert "momentum" not in run("list")
    assert "put away" in run("list", "--archived")
    assert run("restore", "momentum") == "momentum is back\n"
    assert "momentum" in run("list")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        run("save", tmp_path / "missing.yaml")
