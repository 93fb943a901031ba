"""Claim: reading through the lake takes at most 1.2 times what DuckDB's bare `read_parquet` takes on the same files.

20 M made-up daily bars (5,000 names) are committed to a lake year by year and compacted. Each question is asked of bare
DuckDB over the very files of the version, of `lake.sql`, and as a typed read; answers are compared first. Bare DuckDB
runs once as it comes and once with the settings the lake uses (`parquet_metadata_cache`, no validation of cached
files), which is the harder peer and the one the claim is held against. Times are medians of warm rounds, the contenders
in turns. The panel (closes as a dense array) is read three ways: bare DuckDB and NumPy, `lake.panel` with nothing kept,
and `lake.panel` once its array is on the disk.

python bench/lakehouse.py [--full | --rows 20000000] [--names 5000]
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from made.market import LAST, bars_by_year
from made.timing import load, median_ms, once_ms
from polars.testing import assert_frame_equal

from lake import Lake, open_lake
from lake.compaction import compact
from qbrain_core.settings import Settings

LIMIT = 1.2
COLUMNS = ("close", "factor")
TUNED = ("parquet_metadata_cache = true", "validate_external_file_cache = 'NO_VALIDATION'")


def fill(lake: Lake, names: int, rows: int) -> None:
    start, written = time.perf_counter(), 0
    for number, year in enumerate(bars_by_year(names, rows // names)):
        with lake.commit(f"year-{number}", 1) as transaction:
            transaction.upsert("bars", year)
        written += year.height
    seconds = time.perf_counter() - start
    compacted = compact(lake, ["bars"], include_open=True)
    files = lake.snapshot("bars").files
    assert sum(file.rows for file in files) == written
    print(f"{written:,} bars of {names:,} names made and committed in {seconds:.0f} s; "
          f"{len(compacted)} partitions needed compaction, {len(files)} files")  # fmt: skip


class Bare:
    """DuckDB over the files of a version, without the lake."""

    def __init__(self, lake: Lake, settings: tuple[str, ...] = ()) -> None:
        types = "{'market': 'VARCHAR', 'year': 'INTEGER'}"
        files = [file.uri for file in lake.snapshot("bars").files]
        self.bars = f"read_parquet({files}, hive_partitioning=true, hive_types={types}, union_by_name=true)"
        self.engine = duckdb.connect(":memory:")
        for setting in settings:
            self.engine.execute(f"SET GLOBAL {setting}")

    def ask(self, query: str) -> pl.DataFrame:
        """Run a query that says `bars`."""
        return pl.DataFrame(self.engine.sql(query.replace(" bars", f" {self.bars}")).pl())

    def panel(self) -> np.ndarray:
        """Give the closes, sessions × instruments."""
        rows = self.ask("select instrument, session, close from bars")
        names = rows["instrument"].unique().sort()
        days = rows["session"].unique().sort()
        column = rows["instrument"].cast(pl.Enum(names)).to_physical().to_numpy()
        row = np.searchsorted(days.to_physical().to_numpy(), rows["session"].to_physical().to_numpy())
        values = np.full((len(days), len(names)), np.nan)
        values[row, column] = rows["close"].to_numpy()
        return values


def compare(
    name: str, query: str, typed: Callable[[], pl.DataFrame] | None, lake: Lake, rounds: int
) -> dict[str, float]:
    plain, tuned = Bare(lake), Bare(lake, TUNED)
    truth = plain.ask(query)
    assert truth.height, f"{name}: no rows"
    # threads add in any order: sums may differ in the last bits, everything else is exact
    assert_frame_equal(lake.sql(query), truth, check_exact=name != "aggregate", rel_tol=1e-12, abs_tol=0)
    assert typed is None or typed().equals(truth), f"{name}: the typed read answers differently"
    asks: dict[str, Callable[[], object]] = {
        "bare": lambda: plain.ask(query), "tuned": lambda: tuned.ask(query), "sql": lambda: lake.sql(query),
    }  # fmt: skip
    return median_ms(asks | ({"typed": typed} if typed else {}), rounds)


def compare_panel(lake: Lake, home: Path, rounds: int) -> dict[str, float]:
    tuned, plain = Bare(lake, TUNED), Bare(lake)
    names = sorted(set(tuned.ask("select distinct instrument from bars")["instrument"]))

    def empty() -> np.ndarray:
        shutil.rmtree(home / "cache", ignore_errors=True)
        return open_lake(lake.settings).panel("close", market="US").values

    panel = lake.panel("close", market="US")
    assert panel.instruments == names
    assert np.array_equal(panel.values, plain.panel(), equal_nan=True), "panel: lake.panel answers differently"
    took = median_ms({"bare": plain.panel, "tuned": tuned.panel, "typed": empty}, max(3, rounds // 3))
    kept = median_ms({"kept": lambda: open_lake(lake.settings).panel("close", market="US").values.sum()}, rounds)
    return took | kept


def compare_reads(lake: Lake, home: Path, rounds: int) -> dict[str, dict[str, float]]:
    one, columns = "T00042.US", ", ".join(COLUMNS)
    keys = "instrument, session"
    questions: dict[str, tuple[str, Callable[[], pl.DataFrame] | None]] = {
        "one symbol": (
            f"select {keys}, {columns} from bars where instrument = '{one}' order by 1, 2",
            lambda: lake.bars(instruments=[one], columns=COLUMNS),
        ),
        "cross-section": (
            f"select {keys}, {columns} from bars where session = '{LAST}' and year = {LAST.year} order by 1, 2",
            lambda: lake.bars(start=LAST, end=LAST, columns=COLUMNS),
        ),
        "aggregate": ("select instrument, avg(close) m, max(high) h from bars group by 1 order by 1", None),
    }
    took = {name: compare(name, query, typed, lake, rounds) for name, (query, typed) in questions.items()}
    return took | {"panel": compare_panel(lake, home, rounds)}


def time_writes(lake: Lake) -> dict[str, float]:
    session = LAST + timedelta(days=3)
    day = lake.bars(start=LAST, end=LAST).drop("market", "year").with_columns(session=pl.lit(session))

    def write(job: str, frame: pl.DataFrame) -> None:
        with lake.commit(job, 1) as transaction:
            transaction.upsert("bars", frame)

    known, version = {file.path for file in lake.snapshot("bars").files}, lake.versions()["bars"]
    took = {"append one day": once_ms(lambda: write("day", day))}
    assert known < {file.path for file in lake.snapshot("bars").files}, "an append rewrites no file"
    took["the same day again"] = once_ms(lambda: write("again", day))
    assert lake.versions()["bars"] == version + 1, "rows that are so already make no version"
    took["resolve the new version"] = once_ms(lambda: open_lake(lake.settings).snapshot("bars"))
    return {name: round(ms, 1) for name, ms in took.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="20 M rows, as claimed, and not 4 M")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--names", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    rows = given.rows or (20_000_000 if given.full else 4_000_000)
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake(Settings(env="test", home=Path(folder)))
        fill(lake, given.names, rows)
        took = compare_reads(lake, Path(folder), given.rounds)
        heads = ("DuckDB", "tuned", "lake.sql", "ratio", "typed", "ratio", "kept")
        print("median ms       " + "".join(f"{head:>{8 if head == 'ratio' else 10}}" for head in heads))
        ratios: dict[str, dict[str, float]] = {}
        for name, ms in took.items():
            ratios[name] = {way: round(ms[way] / ms["tuned"], 2) for way in ("sql", "typed", "kept") if way in ms}
            shown = [f"{ms[key]:10.1f}" if key in ms else f"{'':10}" for key in ("bare", "tuned", "sql", "typed")]
            sql, typed = (f"{ratios[name].get(way, ''):>8}" for way in ("sql", "typed"))
            print(f"{name:16}{shown[0]}{shown[1]}{shown[2]}{sql}{shown[3]}{typed}{ms.get('kept', ''):>10.6}")
        writes = time_writes(lake)
        print("; ".join(f"{name} {ms} ms" for name, ms in writes.items()))
    held = all(ratio <= LIMIT for found in ratios.values() for ratio in found.values())
    line = {"rows": rows, "names": given.names, "limit": LIMIT, "ratios": ratios,
            "ms": {name: {k: round(v, 1) for k, v in ms.items()} for name, ms in took.items()},
            "writes_ms": writes, "load": load(), "held": held}  # fmt: skip
    print(json.dumps(line))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
