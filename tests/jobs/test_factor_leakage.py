from datetime import date

import pytest

from jobs.context import TaskContext
from jobs.tasks.factors import run
from lake import Lake
from lake.demo import demo_market
from lake.records import open_records
from lake.records.factor_sets import save_set
from lake.records.leakage_reports import find_leakage
from qbrain_core.factors import FactorSet
from qbrain_core.reporting import NullReporter
from qbrain_core.settings import Settings
from qbrain_core.specs import FactorsSpec

MINE = FactorSet("mine", {"MA": "Mean($close, 5)/$close", "R": "CSRank(Corr($close, $volume, 10))"}, owner="local")


class _Log(NullReporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str, *, level: str = "info") -> None:
        self.lines.append(message)


@pytest.fixture
def demo(lake: Lake, settings: Settings) -> Lake:
    tables = demo_market(n_instruments=40, end=date(2021, 3, 31))
    with lake.commit("demo", 1) as transaction:
        transaction.upsert("instruments", tables["instruments"])
        transaction.upsert("bars", tables["bars"])
    save_set(open_records(settings), MINE)
    return lake


def test_factors_job_probes_its_set_once_per_code_and_data(settings: Settings, demo: Lake) -> None:
    reporter = _Log()

    def job(name: str) -> dict[str, object]:
        context = TaskContext(settings, demo, reporter, name, 1, demo.versions(), {}, "code", lambda: None)
        return run(FactorsSpec(market="DEMO", factor_set="mine", owner="local"), context)

    assert job("first")["leakage"] == "pass"
    report = find_leakage(open_records(settings), MINE.digest, "DEMO")
    assert report is not None
    assert [c.name for c in report.checks] == ["static", "lake", "startup", "foresight"]
    assert (report.factors, report.instruments, len(report.cuts)) == (2, 12, 2)
    assert report.code_hash
    told = [line for line in reporter.lines if line.startswith("leakage: pass")]
    assert job("again")["leakage"] == "pass"
    assert [line for line in reporter.lines if line.startswith("leakage: pass")] == told
