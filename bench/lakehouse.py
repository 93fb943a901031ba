"""Claim: reading through the lake costs little over DuckDB's bare `read_parquet` on the same files.

Ten years of 500 instruments (1.25 M bars) are committed to a lake of their own. Each question is asked three ways, bare
DuckDB over the very files of the version, `lake.sql`, and the typed read; answers are compared before times are. Prints
milliseconds (best of several) and the ratio to bare DuckDB; then what writes and searches cost.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from lake import Lake, open_lake
from qbrain_core.settings import Settings

INSTRUMENTS, YEARS = 500, range(2014, 2024)
ONE, DAY = "T0042.US", date(2023, 12, 29)


def panel() -> pl.DataFrame:
    days = pl.date_range(date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31), "1d", eager=True)
    sessions = pl.DataFrame({"session": days.filter(days.dt.weekday() < 6)})
    keys = pl.DataFrame({"instrument": [f"T{n:04}.US" for n in range(INSTRUMENTS)]}).join(sessions, how="cross")
    prices = np.round(100 * np.exp(np.random.default_rng(7).normal(0, 0.3, keys.height)), 2)
    return keys.with_columns(
        open=prices, high=prices * 1.01, low=prices * 0.99, close=prices, volume=pl.lit(1e6), factor=pl.lit(1.0),
        halted=pl.lit(False), price_basis=pl.lit("raw"),
    )  # fmt: skip


def best_ms(ask: Callable[[], object], rounds: int = 7) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def compare_reads(lake: Lake) -> None:
    files = [file.uri for file in lake.snapshot("bars").files]
    types = "{'market': 'VARCHAR', 'year': 'INTEGER'}"
    bare_bars = f"read_parquet({files}, hive_partitioning=true, hive_types={types}, union_by_name=true)"
    engine = duckdb.connect(":memory:")
    columns = "instrument, session, close, factor"
    questions: dict[str, tuple[str, Callable[[], pl.DataFrame] | None]] = {
        "one instrument, ten years": (
            f"select {columns} from bars where instrument = '{ONE}' order by 1, 2",
            lambda: lake.bars(instruments=[ONE], columns=["close", "factor"]),
        ),
        "all instruments, one day": (
            f"select {columns} from bars where session = '{DAY}' and year = {DAY.year} order by 1, 2",
            lambda: lake.bars(start=DAY, end=DAY, columns=["close", "factor"]),
        ),
        "whole panel, two columns": (
            f"select {columns} from bars order by 1, 2",
            lambda: lake.bars(columns=["close", "factor"]),
        ),
        "mean close by instrument": ("select instrument, round(avg(close), 6) m from bars group by 1 order by 1", None),
        "count": ("select count(*) n from bars", None),
    }
    print(f"{'question':28}{'bare ms':>10}{'lake.sql':>10}{'ratio':>8}{'typed':>10}{'ratio':>8}")
    for name, (query, typed) in questions.items():
        bare_query = query.replace(" bars", f" {bare_bars}")
        truth = engine.sql(bare_query).pl()
        assert truth.height
        assert lake.sql(query).equals(truth), f"{name}: lake.sql answers differently"
        assert typed is None or typed().equals(truth), f"{name}: the typed read answers differently"
        bare = best_ms(lambda q=bare_query: engine.sql(q).pl())
        ours = best_ms(lambda q=query: lake.sql(q))
        line = f"{name:28}{bare:10.1f}{ours:10.1f}{ours / bare:8.2f}"
        if typed:
            took = best_ms(typed)
            line += f"{took:10.1f}{took / bare:8.2f}"
        print(line)


def write(lake: Lake, job: str, frame: pl.DataFrame) -> float:
    start = time.perf_counter()
    with lake.commit(job, 1) as tx:
        tx.upsert("bars", frame)
    return (time.perf_counter() - start) * 1000


def time_writes(lake: Lake, bars: pl.DataFrame, history: pl.DataFrame) -> None:
    before = sum(file.rows for file in lake.snapshot("bars").files)
    new_day = bars.filter(pl.col("session") == DAY)
    print(f"first load of {history.height:,} bars        {write(lake, 'load', history):10.0f} ms")
    known = {file.path for file in lake.snapshot("bars").files}
    print(f"append one day of {INSTRUMENTS} names       {write(lake, 'day', new_day):10.1f} ms")
    assert known < {file.path for file in lake.snapshot("bars").files}, "an append must not rewrite a file"
    version = lake.versions()["bars"]
    print(f"the whole history again, no change   {write(lake, 'again', bars):10.0f} ms")
    assert lake.versions()["bars"] == version, "an unchanged history must not make a version"
    restated = new_day.head(1).with_columns(close=pl.lit(1.0))
    print(f"restate one row of a year            {write(lake, 'restate', restated):10.0f} ms")
    write(lake, "restore", new_day.head(1))
    assert before == 0


def time_search(lake: Lake) -> None:
    names = pl.DataFrame({"n": range(15_000)}).select(
        instrument=pl.format("S{}.US", "n"), ticker=pl.format("S{}", "n"), kind=pl.lit("stock"), currency=pl.lit("USD"),
        name_en=pl.format("Company {}", "n"), name_zh=pl.format("公司{}", "n"), pinyin=pl.format("GS{}", "n"), lot=1,
    )  # fmt: skip
    with lake.commit("names", 1) as tx:
        tx.upsert("instruments", names)
    assert lake.search("s14999")["instrument"].to_list() == ["S14999.US"]
    print(f"search 15,000 names                  {best_ms(lambda: lake.search('pany 12')):10.1f} ms")


def main() -> None:
    bars = panel()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(env="test", home=Path(home))
        lake = open_lake(settings)
        print(f"open the lake again                  {best_ms(lambda: open_lake(settings).versions()):10.1f} ms")
        time_writes(lake, bars, bars.filter(pl.col("session") < DAY))
        time_search(lake)
        compare_reads(lake)


if __name__ == "__main__":
    main()
