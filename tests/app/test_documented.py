"""A command that the documents do not name fails the build."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from app.cli.main import app
from qbrain_core.specs import UpkeepSpec, parse_specs
from qbrain_core.specs.job import JobSpec

ROOT = Path(__file__).resolve().parents[2]
TEXT = "\n".join(path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))


def commands(group: typer.Typer, before: str = "qbrain") -> Iterator[str]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{before} {command.name or command.callback.__name__.replace('_', '-')}"
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{before} {inner.name}")


@pytest.mark.parametrize("command", sorted(commands(app)))
def test_command_is_in_the_documents(command: str) -> None:
    named = re.search(rf"\b{command}\b(?!-)", TEXT) is not None
    assert named, f"no document says what `{command}` is for"


def test_specs_in_the_documents_are_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    specs = [spec for block in blocks if "kind:" in block for spec in parse_specs(block)]
    assert any(isinstance(spec, UpkeepSpec) for spec in specs)


def test_every_field_of_upkeep_is_in_the_documents() -> None:
    own = set(UpkeepSpec.model_fields) - set(JobSpec.model_fields) - {"kind"}
    text = (ROOT / "docs" / "lake.md").read_text()
    assert [name for name in sorted(own) if f"| `{name}` |" not in text] == []
