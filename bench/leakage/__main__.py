"""Print docs/leakage.md: `python -m bench.leakage ../shared/data > docs/leakage.md`."""

import sys
from pathlib import Path

from bench.leakage.page import page

sys.stdout.write(page(Path(sys.argv[1])))
