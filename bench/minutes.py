"""Claim: 120 M minute bars on two cores cost per row what 12 M cost (within 20 %), and no process needs 4 GiB.

A market of made-up minutes is delivered week by week through `Lake.commit`, compacted, downsampled to 5m, 15m, 30m and
1h, and asked questions: 100 names over 308 sessions, then ten times the names. Every step is a process of its own, so
that its peak memory is its own. Counts and sums are compared with what was generated before any ratio is printed.

    python bench/minutes.py                         both sizes
    python bench/minutes.py 10 100 --sessions 22    less
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from jobs.context import TaskContext
from jobs.tasks.downsample import run as downsample
from lake import Lake, open_lake
from lake.compaction import compact
from qbrain_core.markets import MARKETS
from qbrain_core.reporting import NULL_REPORTER
from qbrain_core.sessions import trading_hours
from qbrain_core.settings import Settings
from qbrain_core.specs import DownsampleSpec

SIZES, SESSIONS, MINUTES = (100, 1_000), 308, 390
FIRST = date(2022, 1, 3)
RSS_LIMIT_GIB, RATIO_LIMIT = 4.0, 1.2
MONTH, MINUTE = (date(2022, 1, 1), date(2022, 1, 31)), datetime(2022, 1, 5, 15, 0, tzinfo=UTC)


class Watch:
    """Measures a block: seconds on the clock, and of both processors, which other work on the machine changes less."""

    s = cpu_s = 0.0

    def __enter__(self) -> "Watch":
        self._start, self._busy = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.s, self.cpu_s = time.perf_counter() - self._start, time.process_time() - self._busy


def weeks(sessions: int) -> Iterator[pl.DataFrame]:
    hours = trading_hours(MARKETS["US"], FIRST, date(2023, 12, 31)).head(sessions)
    for _, week in hours.group_by(pl.col("session").dt.truncate("1w"), maintain_order=True):
        yield week


def delivery(hours: pl.DataFrame, names: int, seed: int) -> pl.DataFrame:
    """Make the minutes of some sessions: every name has each, but for a hundredth in which it did not trade."""
    random = np.random.default_rng(seed)
    shape = (names, hours.height * MINUTES)
    opens = hours["opens"].dt.epoch("us").to_numpy()
    ts = (opens[:, None] + 60_000_000 * np.arange(1, MINUTES + 1)).ravel()
    walk = random.normal(0, 5e-4, shape).astype(np.float32).cumsum(axis=1)
    close = np.round(20 + 10 * (np.arange(names)[:, None] % 50) + 100 * np.exp(walk), 2).astype(np.float64)
    spread = np.round(random.random(shape, dtype=np.float32), 2).astype(np.float64)
    volume = random.integers(1, 200, shape) * 100.0
    rows = pl.DataFrame(
        {
            "ts": pl.Series(np.broadcast_to(ts, shape).ravel()).cast(pl.Datetime("us", "UTC")),
            "open": np.round(close - spread / 2, 2).ravel(), "high": np.round(close + spread, 2).ravel(),
            "low": np.round(close - spread, 2).ravel(), "close": close.ravel(), "volume": volume.ravel(),
            "amount": (np.round(close, 2) * volume).ravel(),
        }
    )  # fmt: skip
    labels = pl.Series([f"N{n:04}.US" for n in range(names)]).gather(np.repeat(np.arange(names), shape[1]))
    rows = rows.with_columns(
        instrument=labels, frequency=pl.lit("1m"), price_basis=pl.lit("raw"),
        session=pl.col("ts").dt.convert_time_zone("America/New_York").dt.date(),
    )  # fmt: skip
    open_still = np.broadcast_to((ts <= np.repeat(hours["closes"].dt.epoch("us").to_numpy(), MINUTES)), shape).ravel()
    return rows.filter(open_still & (random.random(rows.height) > 0.01))


def ingest(lake: Lake, names: int, sessions: int) -> dict[str, float]:
    count, volume, took, busy = 0, 0.0, 0.0, 0.0
    for seed, hours in enumerate(weeks(sessions)):
        rows = delivery(hours, names, seed)
        count, volume = count + rows.height, volume + rows["volume"].sum()
        with Watch() as watch, lake.commit(f"week-{seed}", 1) as transaction:
            transaction.upsert("bars_intraday", rows)
        took, busy = took + watch.s, busy + watch.cpu_s
    return {"rows": count, "volume": volume, "s": took, "cpu_s": busy}


def tidy(lake: Lake, *_: int) -> dict[str, float]:
    before = lake.data_versions()
    with Watch() as watch:
        done = compact(lake, ["bars_intraday"])
    assert lake.data_versions() == before, "compaction changes no data"
    return {
        "s": watch.s,
        "cpu_s": watch.cpu_s,
        "files": sum(c.files_before for c in done),
        "files_after": sum(c.files_after for c in done),
    }


def resample(lake: Lake, *_: int) -> dict[str, float]:
    spec = DownsampleSpec(market="US")
    versions = lake.data_versions()
    context = TaskContext(lake.settings, lake, NULL_REPORTER, "resample", 1, versions, {}, "", lambda: None)
    with Watch() as watch:
        made = downsample(spec, context)
    return {"s": watch.s, "cpu_s": watch.cpu_s, "rows_made": made["rows_made"]}


def check(lake: Lake, *_: int) -> dict[str, float]:
    sums = lake.sql("SELECT frequency, count(*) AS n, sum(volume) AS volume FROM bars_intraday GROUP BY 1").rows()
    return {f"{figure}_{frequency}": value for frequency, n, v in sums for figure, value in (("n", n), ("volume", v))}


def query(lake: Lake, names: int, _: int) -> dict[str, float]:
    one = f"N{names // 2:04}.US"
    questions: dict[str, Callable[[], object]] = {
        "one_month_ms": lambda: lake.intraday("1m", instruments=[one], start=MONTH[0], end=MONTH[1]),
        "one_month_1h_ms": lambda: lake.intraday("1h", instruments=[one], start=MONTH[0], end=MONTH[1]),
        "one_minute_ms": lambda: lake.intraday("1m", market="US", start=MINUTE, end=MINUTE),
        "month_sql_ms": lambda: lake.sql(
            "SELECT * FROM bars_intraday WHERE frequency = '1m' AND month = '2022-01' AND instrument = ? ORDER BY ts",
            [one],
        ),
        "daily_s": lambda: lake.sql(
            "SELECT session, sum(volume) AS v, arg_max(close, ts) AS c FROM bars_intraday WHERE frequency = '1m'"
            " GROUP BY session, instrument"
        ),
    }  # fmt: skip
    typed, sql = questions["one_month_ms"](), questions["month_sql_ms"]()
    assert isinstance(typed, pl.DataFrame)
    assert isinstance(sql, pl.DataFrame)
    assert typed.drop("vwap").equals(sql.select(typed.drop("vwap").columns)), "typed and SQL reads agree"
    found: dict[str, float] = {}
    for name, ask in questions.items():
        rounds = 1 if name == "daily_s" else 5
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            ask()
            times.append(time.perf_counter() - start)
        found[name] = min(times) * (1 if name.endswith("_s") else 1000)
    return found


STEPS: dict[str, Callable[[Lake, int, int], dict[str, float]]] = {
    "ingest": ingest, "compact": tidy, "downsample": resample, "check": check, "query": query,
}  # fmt: skip


def measure(names: int, sessions: int, home: Path) -> dict[str, dict[str, float]]:
    """Run every step in a process of its own; gives what each tells, by step, after comparing counts and sums."""
    found: dict[str, dict[str, float]] = {}
    for step in STEPS:
        command = [sys.executable, __file__, str(names), "--sessions", str(sessions), "--step", step, str(home)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{step}: {done.stderr}")
        found[step] = json.loads(done.stdout.splitlines()[-1])
        print(f"  {step:11}{json.dumps({k: round(v, 3) for k, v in found[step].items()})}", flush=True)
    compare(found["ingest"], found["check"])
    return found


def compare(made: dict[str, float], found: dict[str, float]) -> None:
    """Hold what is in the lake against what was generated."""
    assert found["n_1m"] == made["rows"], "every row is there, once"
    for frequency in ("1m", "5m", "15m", "30m", "1h"):
        assert found[f"volume_{frequency}"] == made["volume"], f"volume of {frequency}"


def cost(result: dict[str, dict[str, float]], step: str, figure: str) -> float:
    """Microseconds per row that was ingested."""
    return result[step][figure] / result["ingest"]["rows"] * 1e6


def peak(results: dict[int, dict[str, dict[str, float]]]) -> float:
    """Memory of the process that needed most, in GiB."""
    return max(step["rss_gib"] for result in results.values() for step in result.values())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--step", nargs=2, metavar=("STEP", "HOME"))
    asked = parser.parse_args()
    if asked.step:
        step, home = asked.step
        outcome = STEPS[step](open_lake(Settings(env="test", home=Path(home))), asked.names[0], asked.sessions)
        outcome["rss_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps(outcome))
        return
    results = {}
    for names in asked.names:
        print(f"{names:,} names, {names * asked.sessions * MINUTES / 1e6:.1f} M minutes")
        with tempfile.TemporaryDirectory() as folder:
            results[names] = measure(names, asked.sessions, Path(folder))
    print(f"\n{'µs per row':16}" + "".join(f"{names:>12,}" for names in results) + "   ratio")
    for step in ("ingest", "compact", "downsample"):
        for figure, title in (("s", step), ("cpu_s", "  of processors")):
            costs = [cost(result, step, figure) for result in results.values()]
            ratio = f"{costs[-1] / costs[0]:8.2f} (at most {RATIO_LIMIT})" if len(costs) > 1 else ""
            print(f"{title:16}" + "".join(f"{c:12.3f}" for c in costs) + ratio)
    print(f"peak memory of a process: {peak(results):.2f} GiB (less than {RSS_LIMIT_GIB:g})")


if __name__ == "__main__":
    main()
