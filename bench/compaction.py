"""Claim: compaction makes one instrument of a year of daily appends several times quicker to read, and changes no row.

A year of 1,000 instruments is appended day by day, so that the partition has a file per session; the same questions are
asked before and after `compact`, and the answers compared. Prints milliseconds (best of several) and ratios, what the
rewrite took, and what `vacuum` frees once the retention has passed.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from lake import Lake, open_lake
from lake.compaction import compact
from lake.vacuum import vacuum
from qbrain_core.settings import Settings

INSTRUMENTS, YEAR = 1_000, 2023
ONE, DAY = "T0042.US", date(2023, 12, 29)


def append_days(lake: Lake) -> int:
    days = pl.date_range(date(YEAR, 1, 1), date(YEAR, 12, 31), "1d", eager=True)
    sessions = days.filter(days.dt.weekday() < 6)
    names = pl.DataFrame({"instrument": [f"T{n:04}.US" for n in range(INSTRUMENTS)]})
    draw = np.random.default_rng(7)
    for session in sessions:
        prices = np.round(100 * np.exp(draw.normal(0, 0.3, INSTRUMENTS)), 2)
        bars = names.with_columns(
            session=pl.lit(session), open=prices, high=prices * 1.01, low=prices * 0.99, close=prices,
            volume=pl.lit(1e6), factor=pl.lit(1.0), halted=pl.lit(False), price_basis=pl.lit("raw"),
        )  # fmt: skip
        with lake.commit(f"day-{session}", 1) as transaction:
            transaction.upsert("bars", bars)
    return len(sessions)


def best_ms(ask: Callable[[], object], rounds: int = 7) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(env="test", home=Path(folder))
        lake = open_lake(settings)
        start = time.perf_counter()
        n_days = append_days(lake)
        each_ms = (time.perf_counter() - start) / n_days * 1000
        print(f"{n_days} appends of {INSTRUMENTS:,} bars, each {each_ms:.0f} ms")
        questions: dict[str, Callable[[], pl.DataFrame]] = {
            "one instrument, typed": lambda: lake.bars(instruments=[ONE]),
            "one instrument, SQL": lambda: lake.sql(f"select * from bars where instrument = '{ONE}' order by session"),
            "one session, typed": lambda: lake.bars(start=DAY, end=DAY),
            "average close, SQL": lambda: lake.sql("select session, avg(close) a from bars group by 1 order by 1"),
        }
        answers = {name: ask() for name, ask in questions.items()}
        before = {name: best_ms(ask) for name, ask in questions.items()}
        data = lake.data_versions()
        start = time.perf_counter()
        done = compact(lake, ["bars"])
        print(f"compact: {done[0].files_before} files -> {done[0].files_after}, {time.perf_counter() - start:.2f} s")
        assert lake.data_versions() == data, "compaction changes no data"
        print(f"\n{'':28}{'before ms':>12}{'after ms':>12}{'ratio':>9}")
        for name, ask in questions.items():
            after = ask()
            same = after.equals(answers[name]) if "average" not in name else after["session"].equals(
                answers[name]["session"]) and np.allclose(after["a"], answers[name]["a"])  # fmt: skip
            assert same, name
            took = best_ms(ask)
            print(f"{name:28}{before[name]:12.1f}{took:12.1f}{before[name] / took:8.1f}x")
        later = datetime.now(UTC) + timedelta(days=60)
        freed = vacuum(lake, ["bars"], keep={}, now=later)[0]
        print(f"\nvacuum after the retention: {len(freed.files)} files, {freed.size_bytes / 2**20:.1f} MiB")
        assert lake.bars(instruments=[ONE]).equals(answers["one instrument, typed"])


if __name__ == "__main__":
    main()
