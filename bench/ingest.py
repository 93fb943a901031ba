"""Claim: five years of the CSI 300 and ten of the S&P 500 are ingested, with every check, in 30 s together.

The profiles of `docs/examples/cn_daily` and `us_daily_10y` (names, industries, memberships, indices, bars with
factors and corporate actions) run through the ingest task into a new lake; then the standing checks judge what the
lake holds of both markets. What was stored is compared with the files first: every row is either in the lake, with
the file's close, or in quarantine. The bare peer reads the two bar files with polars and writes them as Parquet
again, checking nothing.

python bench/ingest.py [--data ../shared/data]
"""

import argparse
import json
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
from made.timing import load, once_ms

from jobs.context import TaskContext
from jobs.intake import read_submission
from jobs.tasks import TASKS
from lake import Lake, open_lake
from qbrain_core.reporting import NULL_REPORTER
from qbrain_core.settings import Settings
from qbrain_core.specs import CheckSpec, JobSpec

CHECKOUT = Path(__file__).resolve().parents[1]
LIMIT_S = 30.0
BARS = {
    "cn-daily-bars": ("cn_daily/csi300_daily_raw.parquet", "code", "CN"),
    "us-daily-10y": ("us_daily_10y/us_daily_10y.parquet", "symbol", "US"),
}


def run(lake: Lake, spec: JobSpec) -> tuple[dict[str, Any], float]:
    context = TaskContext(lake.settings, lake, NULL_REPORTER, spec.name or spec.kind, 1, {}, {}, "", lambda: None)
    start = time.perf_counter()
    result = import_module(TASKS[spec.kind]).run(spec, context)
    return result, time.perf_counter() - start


def compare(lake: Lake, data: Path, name: str, result: dict[str, Any]) -> int:
    path, symbol, market = BARS[name]
    file = pl.read_parquet(data / path, columns=[symbol, "date", "close"])
    assert result["rows_in"] == file.height
    assert result["rows_written"] + result["rows_quarantined"] == file.height, f"{name}: rows are missing"
    code = pl.col(symbol)
    suffix = code.str.slice(0, 2).str.to_uppercase()
    instrument = code.str.replace("-", ".") + ".US" if market == "US" else code.str.slice(3) + "." + suffix
    wanted = file.select(instrument=instrument, session=pl.col("date").cast(pl.Date), wanted=pl.col("close"))
    stored = lake.bars(market=market, columns=["close"]).join(wanted, on=["instrument", "session"])
    assert stored.height == result["rows_written"], f"{name}: {stored.height} rows of the file are in the lake"
    assert stored["close"].eq_missing(stored["wanted"]).all(), f"{name}: closes differ from the file's"
    return file.height


def bare(data: Path, folder: Path) -> None:
    for path, *_ in BARS.values():
        pl.read_parquet(data / path).write_parquet(folder / "bare.parquet", compression="zstd")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=CHECKOUT.parent / "shared" / "data")
    data = parser.parse_args().data.resolve()
    if not data.is_dir():
        print(json.dumps({"skipped": f"there is no folder {data}"}))
        return 0
    worked = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(env="test", home=Path(folder))
        lake = open_lake(settings)
        took: dict[str, float] = {}
        rows = 0
        for profile in ("cn_daily", "us_daily_10y"):
            specs, _ = read_submission(
                CHECKOUT / "docs" / "examples" / profile / "ingest.yaml", settings=settings, values={"DATA": str(data)}
            )
            for spec in specs:
                result, took[str(spec.name)] = run(lake, spec)
                print(f"{spec.name:22}{took[str(spec.name)]:8.2f} s  {result['rows_in']:>9,} rows in, "
                      f"{result['rows_quarantined']:>5} refused, {len(result['findings'])} findings")  # fmt: skip
                if spec.name in BARS:
                    rows += compare(lake, data, str(spec.name), result)
        for market in ("CN", "US"):
            result, took[f"check {market}"] = run(lake, CheckSpec(name=f"check-{market.lower()}", market=market))
            print(f"standing checks of {market} {took[f'check {market}']:8.2f} s  {len(result['findings'])} findings")
        worked = time.process_time() - worked
        bare_s = once_ms(lambda: bare(data, Path(folder))) / 1000
    ingest_s = sum(seconds for name, seconds in took.items() if not name.startswith("check "))
    total = sum(took.values())
    print(f"ingest {ingest_s:.1f} s, standing checks {total - ingest_s:.1f} s, {total / bare_s:.1f} times polars alone")
    line = {
        "bars": rows, "ingest_s": round(ingest_s, 2), "total_s": round(total, 2), "cpu_s": round(worked, 2),
        "limit_s": LIMIT_S, "ratio_to_bare": round(total / bare_s, 1), "load": load(), "held": total < LIMIT_S,
        "took_s": {name: round(s, 2) for name, s in took.items()},
    }  # fmt: skip
    print(json.dumps(line))
    return 0 if line["held"] else 1


if __name__ == "__main__":
    sys.exit(main())
