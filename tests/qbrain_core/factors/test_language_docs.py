"""The language's reference says what its tables say."""

from pathlib import Path

import pytest

from qbrain_core.factors.language_docs import language_docs, main
from qbrain_core.factors.operators import OPERATORS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "factors.md"


def test_reference_is_up_to_date() -> None:
    written = "run: python -m qbrain_core.factors.language_docs > docs/factors.md"
    assert DOCS.read_text(encoding="utf-8") == language_docs(), written


def test_reference_has_a_line_for_every_operator() -> None:
    lines = language_docs().splitlines()
    for name in OPERATORS:
        assert len([line for line in lines if line.startswith(f"| `{name}(") and "$" not in line]) == 1, name


def test_main_checks_a_file_or_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "factors.md"
    other.write_text(language_docs().replace("Mean", "Mode"), encoding="utf-8")
    assert "write it anew" in main(["--check", str(other)])
    assert main([]) == ""
    other.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["--check", str(other)]) == ""
