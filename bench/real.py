"""Run the whole path on real data through the real queue, and print what came out and what it cost.

    python bench/real.py --data ../shared/data --market us

A home folder of its own (.qbrain-real-us) is made anew each time; afterwards its pages can be looked at.
"""

import argparse
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SPECS = {
    "us": CHECKOUT / "docs" / "examples" / "us_sp500" / "main.yaml",
    "cn": CHECKOUT / "docs" / "examples" / "cn_csi300" / "main.yaml",
}
MARK = "made-by-bench-real"


def main() -> int:
    """Run one market.

    Returns
    -------
    int
        0 when every job succeeded.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="folder with the real data sets")
    parser.add_argument("--market", required=True, type=str.lower, choices=sorted(SPECS))
    parser.add_argument("--home", type=Path, help="home folder; made anew")
    options = parser.parse_args()
    data = options.data.expanduser().resolve()
    if not (data / "README.md").is_file():
        sys.exit(
            f"real: {data} does not hold the data sets; give their folder: make real DATA=… MARKET={options.market}"
        )
    home = (options.home or CHECKOUT / f".qbrain-real-{options.market}").resolve()
    fresh_home(home)
    os.environ["QBRAIN_HOME"] = str(home)
    return run(options.market, data, home)


def fresh_home(home: Path) -> None:
    if home.exists():
        if not (home / MARK).exists():
            sys.exit(f"real: {home} was not made by this command and is left alone; remove it or give another --home")
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARK).touch()


def specs_of(market: str, data: Path) -> list:
    from qbrain_core.specs import parse_specs

    path = SPECS[market]
    text = path.read_text(encoding="utf-8").replace("${DATA}", str(data))
    specs = parse_specs(text)
    beside = {s.name: str(path.parent / s.path) for s in specs if s.kind == "ingest" and not Path(s.path).is_absolute()}
    return [s.model_copy(update={"path": beside[s.name]}) if s.name in beside else s for s in specs]


def run(market: str, data: Path, home: Path) -> int:
    import jobs
    from app.supervisor import Part, Supervisor
    from jobs.valkey import valkey_command, wait_until_ready
    from lake import open_lake
    from lake.records import open_records
    from qbrain_core.settings import QUEUES, Settings

    settings = Settings()
    settings.make_home()
    open_records(settings)
    open_lake(settings)
    supervisor = Supervisor(settings.home / "logs", echo=False)
    peak = PeakMemory()
    try:
        supervisor.start(Part("valkey", valkey_command(settings)))
        wait_until_ready(settings)
        for queue in QUEUES:
            supervisor.start(Part(f"worker-{queue}", [sys.executable, "-m", "jobs.worker", queue]))
        supervisor.start(Part("schedule", [sys.executable, "-m", "jobs.schedule"]))
        threading.Thread(target=supervisor.watch, daemon=True).start()
        peak.start()
        started = time.monotonic()
        batch = jobs.submit(specs_of(market, data))
        finished = []
        for job in batch:
            done = jobs.wait(job.id)
            finished.append(done)
            report(done, time.monotonic() - started)
        seconds = time.monotonic() - started
    finally:
        peak.stop()
        supervisor.stop()
    return summary(finished, seconds, peak.mib, home)


def report(job, since_start: float) -> None:
    took = (job.finished_at - job.started_at).total_seconds() if job.started_at and job.finished_at else 0.0
    memory = f"{job.peak_rss_mib:.0f} MiB" if job.peak_rss_mib else "-"
    print(f"{since_start:6.1f} s  {job.name:<18} {job.status:<10} {took:6.1f} s  {memory}")
    if job.error:
        print(f"         {job.error}")
    result = job.result or {}
    for finding in result.get("findings", []):
        print(f"         {finding['severity']}: {finding['check']}, {finding['rows']} rows")


def summary(finished: list, seconds: float, peak_mib: float, home: Path) -> int:
    from qbrain_core.trust import CAVEATS

    results = {job.kind: job.result or {} for job in finished}
    metrics = results.get("backtest", {}).get("metrics", {})
    test = results.get("train", {}).get("metrics", {}).get("test", {})
    print("\nModel by segment")
    for name, values in results.get("train", {}).get("metrics", {}).items():
        shown = ", ".join(f"{k} {v:.4g}" for k, v in values.items() if isinstance(v, int | float))
        print(f"  {name:<6} {shown}")
    print("\nBacktest (decimal fractions; conventions stand in the report)")
    for name, value in metrics.items():
        print(f"  {name:<26} {value:.6g}" if isinstance(value, int | float) else f"  {name:<26} {value}")
    print("\nOrders not filled")
    for reason, count in results.get("backtest", {}).get("rejections", {}).items():
        print(f"  {reason:<12} {count}")
    print("\nWhat the data cannot support")
    for caveat in results.get("backtest", {}).get("caveats", []):
        print("  " + CAVEATS[caveat["code"]].format(**caveat["params"]))
    run_id = results.get("backtest", {}).get("run_id", "")
    print(f"\nLook at it: QBRAIN_HOME={home} make up, then http://127.0.0.1:8501/backtest?run={run_id}")
    rows = next((j.result["rows_written"] for j in finished if j.name.endswith("-bars") and j.result), 0)
    line = {
        "rows": rows, "test_rank_ic": test.get("rank_ic"), "sharpe": metrics.get("sharpe"),
        "max_drawdown": metrics.get("max_drawdown"), "seconds": round(seconds, 1), "peak_rss_mib": round(peak_mib),
    }  # fmt: skip
    print(json.dumps(line))
    return 0 if finished and all(j.status == "succeeded" for j in finished) else 1


class PeakMemory:
    """Largest resident set of any process below this one, sampled."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Sample no more."""
        self._done.set()

    def _watch(self) -> None:
        import psutil

        root = psutil.Process()
        while not self._done.wait(0.25):
            for process in [root, *root.children(recursive=True)]:
                try:
                    self.mib = max(self.mib, process.memory_info().rss / 2**20)
                except psutil.Error:  # it ended between listing and looking
                    continue


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    sys.exit(main())
