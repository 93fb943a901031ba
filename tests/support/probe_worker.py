"""Start the real worker of a queue with the probe task in the place of `ingest`.

Arguments: queue; then, if wanted, how long a job may take and how long it may ignore that it was cancelled, in seconds.
"""

import sys
from pathlib import Path

from jobs import worker
from jobs.tasks import TASKS
from qbrain_core.specs import IngestSpec

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    TASKS["ingest"] = "probe_task"
    if len(sys.argv) > 2:
        IngestSpec.timeout_s, worker._CANCEL_GRACE_S = int(sys.argv[2]), float(sys.argv[3])
    sys.exit(worker.main([sys.argv[1]]))
