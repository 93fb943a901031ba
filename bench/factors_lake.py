"""Factors kept in the lake: one session added to Alpha158 of 5,000 names, and the memory Alpha360 of ten years takes.

python bench/factors_lake.py [--instruments 5000] [--session-years 2] [--memory-years 10] [--threads 2]

The session is added to a table that is there already, and what is stored is compared with a computation from nothing.
The memory is that of one process and its children, taken 20 times a second; the process does nothing but the job.
"""

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import psutil
from made.market import bars_by_year, names_of, sessions_of
from made.timing import load

from jobs.context import TaskContext
from jobs.tasks.factors import run
from lake import open_lake
from qbrain_core.reporting import NULL_REPORTER
from qbrain_core.settings import Settings
from qbrain_core.specs import FactorsSpec

SESSIONS_A_YEAR = 252
MIB = 2**20


def settings_in(folder: Path) -> Settings:
    made = Settings(env="test", home=folder)
    made.make_home()
    return made


def fill(folder: Path, instruments: int, years: int) -> pl.DataFrame:
    """Write a market without its last session; gives the bars of that one."""
    lake, sessions = open_lake(settings_in(folder)), years * SESSIONS_A_YEAR
    last = sessions_of(sessions)[-1]
    listed = pl.DataFrame({"instrument": names_of(instruments)}).with_columns(
        ticker=pl.col("instrument").str.head(6), kind=pl.lit("stock"), currency=pl.lit("USD"), lot=1
    )
    with lake.commit("names", 1) as transaction:
        transaction.upsert("instruments", listed)
    for number, bars in enumerate(bars_by_year(instruments, sessions)):
        with lake.commit(f"bars{number}", 1) as transaction:
            transaction.upsert("bars", bars.filter(pl.col("session") < last))
    return bars.filter(pl.col("session") == last)


def job(folder: Path, name: str, factor_set: str, **fields: Any) -> dict[str, Any]:
    settings = settings_in(folder)
    lake = open_lake(settings)
    context = TaskContext(settings, lake, NULL_REPORTER, name, 1, lake.versions(), {}, "bench", lambda: None)
    return run(FactorsSpec(market="US", factor_set=factor_set, **fields), context)


def add_session(folder: Path, instruments: int, years: int, rounds: int) -> None:
    last = fill(folder, instruments, years)
    print(f"{instruments:,} names, {years} years; load {load()}")
    first = job(folder, "first", "alpha158")
    print(f"  Alpha158 of all: {first['rows']:,} rows")
    walls = []
    lake = open_lake(settings_in(folder))
    table = first["table"]
    before = {"bars": lake.versions()["bars"], table: lake.versions()[table]}
    for turn in range(rounds):
        with lake.commit(f"new{turn}", 1) as transaction:
            transaction.upsert("bars", last)
        wall, processor = time.perf_counter(), time.process_time()
        result = job(folder, f"add{turn}", "alpha158")
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        walls.append((wall, processor))
        print(f"  one session added: {result['mode']}, {result['rows_written']:,} rows, {wall:.2f} s, "
              f"processor {processor:.2f} s")  # fmt: skip
        if turn < rounds - 1:
            lake.rollback("bars", before["bars"], f"bars-back{turn}")
            job(folder, f"back{turn}", "alpha158")
    stored = lake.factors(table, start=last["session"][0])
    anew = job(folder, "anew", "alpha158", rebuild=True)
    fresh = lake.factors(table, start=last["session"][0])
    print(f"  values unlike those of a computation from nothing: {unlike(stored, fresh)} of {fresh.height * 158:,}; "
          f"rows of it that differ in a bit: {anew['rows_written']}")  # fmt: skip
    wall, processor = sorted(walls)[len(walls) // 2]
    print(f"  median: {wall:.2f} s, processor {processor:.2f} s; load {load()}")


def unlike(ours: pl.DataFrame, theirs: pl.DataFrame) -> int:
    """Count values that are apart by more than the rounding of float32, or missing on one side."""
    count = 0
    for name in ours.columns[4:]:
        a, b = ours[name].cast(pl.Float64), theirs[name].cast(pl.Float64)
        near = (a - b).abs() <= 1e-6 * (b.abs() + (b.std() or 0.0))
        count += int((~(near.fill_null(False) | a.eq_missing(b))).sum())
    return count


def peak_mib(work: Callable[[], None]) -> float:
    """Greatest memory of a process that does the work, children included, shared pages counted once a process."""
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    peak, watched = 0.0, psutil.Process(process.pid)
    while process.is_alive():
        try:
            family = [watched, *watched.children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in family) / MIB)
        except psutil.Error:
            pass
        time.sleep(0.05)
    process.join()
    if process.exitcode:
        raise SystemExit(f"the work ended with status {process.exitcode}")
    return peak


class Memory:
    """The job in a process of its own, picklable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> None:
        """Run it."""
        wall, processor = time.perf_counter(), time.process_time()
        result = job(self.folder, "memory", "alpha360")
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        values = result["rows"] * result["columns"]
        print(f"  Alpha360: {result['rows']:,} rows, {wall:.0f} s, processor {processor:.0f} s, "
              f"{values / wall / 1e6:.0f} M values/s, own peak {most:,.0f} MiB")  # fmt: skip


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--instruments", type=int, default=5000)
    arguments.add_argument("--session-years", type=int, default=2)
    arguments.add_argument("--memory-years", type=int, default=10)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--folder", type=Path, default=None, help="where the lakes are made; a temporary one")
    given = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        if given.session_years:
            add_session(folder / "session", given.instruments, given.session_years, given.rounds)
        if given.memory_years:
            fill(folder / "memory", given.instruments, given.memory_years)
            print(f"{given.instruments:,} names, {given.memory_years} years; load {load()}")
            print(f"  peak with children: {peak_mib(Memory(folder / 'memory')):,.0f} MiB")
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
