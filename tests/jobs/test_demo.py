from pathlib import Path

from jobs.demo import main_job
from qbrain_core.specs import parse_specs

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "demo" / "main.yaml"


def test_the_documented_example_is_the_job_that_the_first_start_queues() -> None:
    assert parse_specs(EXAMPLE.read_text()) == main_job()
