"""Alpha158 here against Qlib's own expression engine: same bars, values compared first, one process each.

python bench/alpha158.py [--instruments 100]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from lake.demo import demo_market
from qbrain_core.factors import alpha158, compute, expression_fields

QLIB_ENGINE = Path(__file__).resolve().parents[1] / "tests" / "support" / "qlib_engine.py"


def run_qlib(expressions: dict[str, str], fields: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    with tempfile.TemporaryDirectory() as folder:
        bars, texts, out = (Path(folder) / name for name in ("bars.parquet", "expressions.json", "out.parquet"))
        fields.write_parquet(bars)
        texts.write_text(json.dumps(expressions))
        command = [sys.executable, str(QLIB_ENGINE), str(bars), str(texts), str(out)]
        seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
        return pl.read_parquet(out), seconds


def differing(ours: pl.DataFrame, theirs: pl.DataFrame, names: list[str]) -> list[str]:
    key = ["instrument", "session"]
    aligned = ours.select(key).join(theirs, on=key, how="left", maintain_order="left")
    wrong = []
    for name in names:
        a, b = (frame[name].fill_null(np.nan).to_numpy().astype(np.float64) for frame in (ours, aligned))
        finite = np.isfinite(a) & np.isfinite(b)
        tolerance = 1e-4 * (np.abs(b[finite]) + b[finite].std())
        if (np.abs(a - b)[finite] > tolerance).any() or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
            wrong.append(name)
    return wrong


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--instruments", type=int, default=100)
    market = demo_market(n_instruments=arguments.parse_args().instruments)
    stocks = market["instruments"].filter(pl.col("kind") == "stock")["instrument"]
    fields = expression_fields(market["bars"].filter(pl.col("instrument").is_in(stocks.implode())))

    theirs, qlib_s = run_qlib(alpha158(), fields)
    began = time.perf_counter()
    ours = compute(alpha158(), fields)
    seconds = time.perf_counter() - began

    wrong = differing(ours, theirs, list(alpha158()))
    print(f"{158 - len(wrong)} of 158 columns equal on {fields.height:,} rows" + (f"; not {wrong}" if wrong else ""))
    print(f"Qlib {qlib_s:.1f} s, here {seconds:.1f} s, one thread each: {qlib_s / seconds:.1f} times as fast")
    print(
        f"{fields.height / seconds:,.0f} rows/s, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
