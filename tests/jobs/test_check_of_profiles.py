"""Real data sets go in through their profiles, and the standing check finds in the lake what is known to be wrong."""

from pathlib import Path

import pytest

import jobs
from jobs.intake import read_submission
from lake import Lake
from qbrain_core.settings import Settings
from qbrain_core.specs import parse_spec

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


def test_a_feed_that_went_wrong_is_known_by_its_findings(real_data: Path, settings: Settings, lake: Lake) -> None:
    specs, _ = read_submission(
        EXAMPLES / "us_dirty_feed" / "ingest.yaml", settings=settings, values={"DATA": str(real_data)}
    )
    for spec in specs:
        assert jobs.run(spec, settings=settings).status == "succeeded"
    told = lake.sql('SELECT "check", sum("rows") AS n, max(severity) AS severity FROM findings GROUP BY ALL')
    incoming = {name: (int(n), severity) for name, n, severity in told.iter_rows()}
    assert incoming["error_body"][1] == "error"
    assert incoming["error_body"][0] > 2000
    refused = lake.sql("SELECT count(*) FROM quarantine WHERE \"check\" = 'error_body'").item()
    assert refused == incoming["error_body"][0]
    assert {"unadjusted_split", "conflicting_duplicate", "null_row"} <= set(incoming)
    checked = jobs.run(parse_spec({"kind": "check", "market": "US"}), settings=settings)
    assert checked.result is not None
    found = {f["check"]: f for f in checked.result["findings"]}
    splits = {e["instrument"] for e in found["unadjusted_split"]["examples"]}
    assert {"AMZN.US", "GOOGL.US", "NVDA.US"} & splits
    assert checked.result["errors"] == 0
    assert {f["table"] for f in found.values()} == {"bars"}
    stored = lake.sql("SELECT count(*) FROM findings WHERE source = 'lake'").item()
    assert stored == len(checked.result["findings"])
