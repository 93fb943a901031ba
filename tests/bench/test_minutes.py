"""The claim about minutes: a sample of it always, all of it as a soak."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from lake import Lake

BENCH = Path(__file__).resolve().parents[2] / "bench" / "minutes.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_minutes", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_sample_is_ingested_compacted_downsampled_and_adds_up(bench: ModuleType, lake: Lake) -> None:
    result = {step: run(lake, 3, 22) for step, run in bench.STEPS.items()}
    bench.compare(result["ingest"], result["check"])
    assert result["ingest"]["rows"] > 3 * 22 * 380
    assert result["downsample"]["rows_made"] == 3 * 22 * (78 + 26 + 13 + 7)
    assert result["compact"]["files"] > result["compact"]["files_after"]


@pytest.mark.soak
def test_ten_times_the_rows_cost_the_same_each_and_fit_into_memory(bench: ModuleType, tmp_path: Path) -> None:
    results = {names: bench.measure(names, bench.SESSIONS, tmp_path / str(names)) for names in bench.SIZES}
    small, large = results.values()
    assert large["ingest"]["rows"] > 115_000_000
    for step in ("ingest", "compact", "downsample"):
        ratio = bench.cost(large, step, "s") / bench.cost(small, step, "s")
        assert ratio <= bench.RATIO_LIMIT, (step, ratio)
    assert bench.peak(results) < bench.RSS_LIMIT_GIB
