"""Print docs/quality.md: `python -m bench.quality DATA`."""

import sys
from pathlib import Path

from bench.quality.page import page

sys.stdout.write(page(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
