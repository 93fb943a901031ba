"""The first minute of a newcomer: every way it can go wrong ends in a sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    for name in ("deploy/bootstrap.py", "deploy/constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def bootstrap(checkout: Path, *arguments: str, code: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    # `code` changes the module before it runs, to stand in for a machine unlike this one
    script = f"import os, sys\nsys.path.insert(0, 'deploy')\nimport bootstrap as b\nsys.argv = ['b', *{arguments!r}]\n"
    command = [sys.executable, "-c", script + code + "\nb.main()"]
    environment = {**os.environ, **env}
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=environment, check=False)


def test_venv_that_is_no_venv_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "precious.txt").write_text("mine")
    done = bootstrap(checkout)
    assert done.returncode == 1
    assert ".venv exists and is not a virtual environment" in done.stderr
    assert (checkout / ".venv" / "precious.txt").read_text() == "mine"


@pytest.mark.soak
def test_half_made_venv_is_made_anew(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "pyvenv.cfg").write_text("home = /nowhere\n")
    (checkout / ".venv" / "leftover").write_text("x")
    done = bootstrap(checkout, code="b.install = lambda extra: None")
    assert done.returncode == 0, done.stderr
    assert "half made" in done.stdout
    assert "they are compiled when first used" in done.stdout
    assert not (checkout / ".venv" / "leftover").exists()
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_wrong_python_alone_says_which_one_is_needed(checkout: Path) -> None:
    done = bootstrap(checkout, code="b.VERSIONS = ((3, 99),)", PATH="")
    assert done.returncode == 1
    assert "Python 3.11 or 3.12 is needed" in done.stderr
    assert not (checkout / ".venv").exists()


def test_full_disk_says_how_much_is_missing(checkout: Path) -> None:
    done = bootstrap(checkout, code="b.NEEDED_GIB = 10.0**9")
    assert done.returncode == 1
    assert "GiB of free disk" in done.stderr
    assert not (checkout / ".venv").exists()


def test_failed_installation_is_not_taken_for_a_finished_one(checkout: Path) -> None:
    (checkout / "deploy" / "constraints.txt").write_text("")
    project = '[project]\nname = "x"\nversion = "0"\ndependencies = ["no-such-package-=="]\n'
    (checkout / "pyproject.toml").write_text(project)
    done = bootstrap(checkout)
    assert done.returncode == 1
    assert "could not install" in done.stderr
    again = bootstrap(checkout, code="b.install = lambda extra: print('installs again')")
    assert "installs again" in again.stdout


def test_satisfied_checkout_does_nothing(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    code = "b.make_venv = b.install = lambda *a: 1 / 0; b.probe = lambda p: (3, 11)\n"
    code += "open(b.READY, 'w').write(b.wanted('dev'))"
    for extra in ("base", "dev"):
        done = bootstrap(checkout, extra, code=code)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""


def test_changed_dependencies_are_noticed(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    code = "open(b.READY, 'w').write(b.wanted('base')); b.probe = lambda p: (3, 11); b.make_venv = lambda p: None\n"
    code += "open('deploy/constraints.txt', 'a').write('# newer\\n'); b.install = lambda extra: print('installs')"
    assert "installs" in bootstrap(checkout, code=code).stdout
