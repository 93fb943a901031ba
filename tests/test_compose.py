"""The compose file is valid and speaks the product's own language."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from qbrain_core.settings import QUEUES, Settings

COMPOSE = Path(__file__).resolve().parents[1] / "compose.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    # as compose does: put the variables in, resolve the merge keys
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", COMPOSE.read_text())
    loaded: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+(:\?[^}]*)?\}", "given", text))
    return loaded


def test_compose_follows_the_specification(document: dict[str, Any]) -> None:
    services = PyCompose.from_yaml(json.dumps(document)).service_names()
    assert {"web", "schedule", "storage", "redis", "postgres", *(f"worker-{q}" for q in QUEUES)} <= set(services)


def test_compose_with_a_mistyped_key_is_refused(document: dict[str, Any]) -> None:
    broken = document | {"services": document["services"] | {"web": document["services"]["web"] | {"prots": []}}}
    with pytest.raises(Exception, match="prots"):
        PyCompose.from_yaml(json.dumps(broken))


def test_every_variable_is_a_setting(document: dict[str, Any]) -> None:
    names = {
        name
        for service in document["services"].values()
        for name in service.get("environment", {})
        if name.startswith("QBRAIN_")
    }
    assert names
    assert {name.removeprefix("QBRAIN_").lower() for name in names} <= set(Settings.model_fields)


def test_no_password_has_a_default(document: dict[str, Any]) -> None:
    text = COMPOSE.read_text()
    for secret in ("QBRAIN_SECRET", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "STORAGE_PASSWORD"):
        assert f"{secret}:-" not in text
        assert f"${{{secret}:?" in text


def test_every_setting_is_documented() -> None:
    settings = (COMPOSE.parent / "docs" / "settings.md").read_text()
    missing = [name for name in Settings.model_fields if f"`QBRAIN_{name.upper()}`" not in settings]
    assert not missing
