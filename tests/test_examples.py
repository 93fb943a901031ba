"""The example specs: they parse, hang together, and name files and columns that exist."""

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import pytest

from jobs.intake import read_submission
from jobs.tasks.ingest import layout_of
from lake.sources import read_rows
from qbrain_core.settings import Settings
from qbrain_core.specs import IngestSpec, JobSpec

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def real() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_real", CHECKOUT / "bench" / "real.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("market", ["us", "cn"])
def test_the_chain_runs_from_files_to_a_backtest(real: ModuleType, market: str, tmp_path: Path) -> None:
    specs: list[JobSpec] = real.specs_of(market, tmp_path)
    kinds = [s.kind for s in specs]
    assert kinds[-4:] == ["factors", "train", "predict", "backtest"]
    assert set(kinds[:-4]) == {"ingest"}
    for before, after in itertools.pairwise(specs):
        assert after.after == (before.name,)
    for spec in specs:
        if isinstance(spec, IngestSpec):
            assert "$" not in spec.path
            assert Path(spec.path).is_absolute()
            assert spec.adjustments is None or spec.adjustments.path.startswith(str(tmp_path))


@pytest.mark.real
@pytest.mark.parametrize("market", ["us", "cn"])
def test_files_and_columns_exist(real: ModuleType, market: str, real_data: Path) -> None:
    for spec in real.specs_of(market, real_data):
        if isinstance(spec, IngestSpec):
            read = read_rows(spec.path, spec.table, layout_of(spec))
            assert read.rows.height > 0
            assert read.unreadable.is_empty()


PROFILES = sorted((CHECKOUT / "docs" / "examples").glob("*/ingest.yaml"))


@pytest.mark.parametrize("path", PROFILES, ids=[p.parent.name for p in PROFILES])
def test_profiles_parse_and_hang_together(path: Path, tmp_path: Path, settings: Settings) -> None:
    specs, _ = read_submission(path, settings=settings, values={"DATA": str(tmp_path)})
    names = [spec.name for spec in specs]
    assert len(set(names)) == len(names)
    for spec in specs:
        assert isinstance(spec, IngestSpec)
        assert set(spec.after) <= set(names)
        assert "$" not in spec.path
        assert spec.path.startswith(str(tmp_path)) or Path(spec.path).is_file()


def test_every_profile_is_in_the_documentation() -> None:
    text = (CHECKOUT / "docs" / "sources.md").read_text(encoding="utf-8")
    assert len(PROFILES) == 12
    for path in PROFILES:
        assert f"examples/{path.parent.name}/ingest.yaml" in text
    for field in IngestSpec.model_fields.keys() - JobSpec.model_fields.keys() - {"kind"}:
        assert f"`{field}`" in text, field


def test_a_home_it_did_not_make_is_left_alone(real: ModuleType, tmp_path: Path) -> None:
    home = tmp_path / "home"
    real.fresh_home(home)
    (home / "old").touch()
    real.fresh_home(home)
    assert not (home / "old").exists()
    (home / real.MARK).unlink()
    with pytest.raises(SystemExit, match="left alone"):
        real.fresh_home(home)
    assert home.exists()
