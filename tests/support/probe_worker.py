"""Start the real worker of a queue with the probe task in the place of `ingest`."""

import sys
from pathlib import Path

from jobs.tasks import TASKS
from jobs.worker import main

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    TASKS["ingest"] = "probe_task"
    sys.exit(main([sys.argv[1]]))
