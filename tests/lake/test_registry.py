import json
import subprocess
import sys
from pathlib import Path

import pytest

from lake.registry import ModelFilesError, ModelVersion, Registry
from qbrain_core.errors import InvalidInputError, JobLostError, UnknownNameError
from qbrain_core.settings import Settings
from qbrain_core.specs import ModelRef

FILES = {"model.txt": b"tree\n", "model.json": b"{}"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    # one database for the module: making MLflow's tables takes a second
    made = Settings(env="test", home=tmp_path_factory.mktemp("registry"))
    made.make_home()
    return made


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry(settings)


def register(registry: Registry, name: str, job_id: str, **changes: object) -> ModelVersion:
    fields: dict[str, object] = {
        "owner": "local", "visibility": "team", "metrics": {"test": {"ic": 0.03, "rank_ic": None}},
        "params": {"family": "lightgbm", "num_leaves": 31}, "pins": {"bars": 3}, "code_hash": "0.1.0+ab",
        "environment": {"python": "3.11"}, "seed": 7,
    }  # fmt: skip
    files = changes.pop("files", FILES)
    return registry.register(name, files, job_id=job_id, **(fields | changes))  # type: ignore[arg-type]


def test_register_new_model_keeps_everything(registry: Registry) -> None:
    made = register(registry, "keeps", "job-1", history={"valid.l2": [0.9, 0.8]})
    found = Registry(registry._settings).get("keeps", 1)
    assert found == made
    assert (found.version, found.job_id, found.owner, found.visibility, found.seed) == (1, "job-1", "local", "team", 7)
    assert found.metrics == {"test": {"ic": 0.03, "rank_ic": None}}
    assert found.pins == {"bars": 3}
    assert registry.load("keeps", 1) == FILES
    assert registry.load_file("keeps", 1, "model.txt") == b"tree\n"


def test_register_same_job_twice_gives_one_version(registry: Registry) -> None:
    first = register(registry, "once", "job-1")
    again = register(registry, "once", "job-1", files={"model.txt": b"other"})
    assert again == first
    assert register(registry, "once", "job-2").version == 2
    assert [v.version for v in registry.versions("once")] == [2, 1]


def test_register_lost_fence_registers_nothing(registry: Registry) -> None:
    def lost() -> None:
        raise JobLostError("a newer attempt owns the job")

    with pytest.raises(JobLostError):
        register(registry, "fenced", "job-1", fence=lost)
    with pytest.raises(UnknownNameError):
        registry.versions("fenced")


@pytest.mark.parametrize("name", ["", "a b", "x' or name = 'once", "../up", "a" * 65])
def test_register_bad_name_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidInputError):
        register(registry, name, "job-1")
    with pytest.raises(UnknownNameError):
        registry.versions(name)


def test_resolve_version_alias_newest(registry: Registry) -> None:
    for job in ("a", "b", "c"):
        register(registry, "resolved", job)
    registry.set_alias("resolved", "champion", 1)
    assert registry.resolve(ModelRef(name="resolved")).version == 3
    assert registry.resolve(ModelRef(name="resolved", version=2)).version == 2
    assert registry.resolve(ModelRef(name="resolved", alias="champion")).version == 1
    registry.set_alias("resolved", "champion", 2)
    assert [v.aliases for v in registry.versions("resolved")] == [(), ("champion",), ()]
    with pytest.raises(InvalidInputError, match="challenger"):
        registry.resolve(ModelRef(name="resolved", alias="challenger"))
    with pytest.raises(InvalidInputError, match="newest version of resolved is 3"):
        registry.get("resolved", 4)


def test_unknown_model_names_the_close_one(registry: Registry) -> None:
    register(registry, "alpha-lgb", "job-1")
    with pytest.raises(UnknownNameError, match="did you mean 'alpha-lgb'"):
        registry.resolve(ModelRef(name="alpha-lbg"))


def test_models_lists_newest_of_each(registry: Registry) -> None:
    register(registry, "listed", "job-1")
    register(registry, "listed", "job-2")
    assert {v.name: v.version for v in registry.models()}["listed"] == 2


def test_load_changed_file_is_refused(registry: Registry) -> None:
    made = register(registry, "forged", "job-1", files={"model.txt": b"honest"})
    (Path(made.source) / "model.txt").write_bytes(b"forged")
    with pytest.raises(ModelFilesError, match="not the one that was registered"):
        registry.load("forged", 1)
    (Path(made.source) / "model.txt").unlink()
    with pytest.raises(ModelFilesError, match="missing"):
        registry.load_file("forged", 1, "model.txt")


_RACER = """
import sys
from pathlib import Path
from lake.registry import Registry
from qbrain_core.settings import Settings
registry = Registry(Settings(env="test", home=Path(sys.argv[1])))
for n in range(3):
    registry.register("raced", {"model.txt": sys.argv[2].encode()}, job_id=f"{sys.argv[2]}-{n}", owner="local",
        visibility="private", metrics={}, params={}, pins={}, code_hash="", environment={}, seed=1)
"""


def test_two_processes_on_a_new_home_register_every_version_once(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", _RACER, str(tmp_path / "home"), name], stderr=subprocess.PIPE)
        for name in ("left", "right")
    ]
    for racer in racers:
        _, errors = racer.communicate(timeout=120)
        assert racer.returncode == 0, errors.decode()
    versions = Registry(Settings(env="test", home=tmp_path / "home")).versions("raced")
    assert [v.version for v in versions] == [6, 5, 4, 3, 2, 1]
    assert {v.job_id for v in versions} == {f"{side}-{n}" for side in ("left", "right") for n in range(3)}


def test_import_does_not_bring_mlflow() -> None:
    code = "import sys, json, lake.registry; print(json.dumps('mlflow' in sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(out.stdout) is False
