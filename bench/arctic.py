"""Claim: a panel is read as fast as ArcticDB reads it warm, in twice its time cold; a day is appended 50 times as fast.

Ten years of 5,000 made-up names (12.6 M bars) lie in a lake and in ArcticDB on LMDB. The question is the closes as a
dense array, sessions × instruments. ArcticDB's best layout for it is a symbol per field with the instruments as
columns; of several segment sizes the quickest to read is the peer.

Warm: medians in one process. ArcticDB hands over an array of one's own, so ours is copied, too (mapped alone it costs
next to nothing). Cold: a new process, with the files dropped from the system's memory, from opening the store to the
array, imports excluded; here once with the array that an earlier process left on the disk, and once with nothing
kept, from Parquet. Append: one session of every name, all fields, here as a transaction. For ArcticDB all layouts are
timed: the one that reads panels best (the claim is held against it), others of that kind, a symbol per instrument
(500 of them, scaled), and one long symbol, which appends quickly but has to be read whole and pivoted for a panel.
Values are compared first.

ArcticDB needs pandas before 3, so it gets an environment of its own, in a temporary folder, or the one given. It is
not a dependency of the product (Business Source License).

python bench/arctic.py [--names 5000] [--full | --sessions 2520] [--python ENV/bin/python]
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from made.market import bars_by_year, names_of, sessions_of
from made.timing import forget, load, median_ms

from lake import Lake, open_lake
from qbrain_core.settings import Settings

ARCTICDB = ("arcticdb==6.28.2", "pandas<3")
FIELDS = ("open", "high", "low", "close", "volume", "amount", "factor")
HELD_BACK = 5  # sessions appended one by one
WARM, COLD, APPEND = 1.0, 2.0, 50.0
PEER = Path(__file__).parent / "peers" / "arctic_store.py"


def environment(folder: Path) -> str:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    done = subprocess.run([python, "-m", "pip", "install", "-q", *ARCTICDB], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"ArcticDB could not be installed; give an environment that has it by --python:\n{done.stderr}")
    return str(python)


def make(lake: Lake, data: Path, names: int, sessions: int) -> pl.DataFrame:
    """Fill the lake, but for the last sessions, and write what ArcticDB is to hold; return the bars held back."""
    data.mkdir()
    days = sessions_of(sessions)
    held = days[-HELD_BACK]
    parts: dict[str, list[np.ndarray]] = {field: [] for field in FIELDS}
    for number, year in enumerate(bars_by_year(names, sessions)):
        for field in FIELDS:
            parts[field].append(year[field].to_numpy().reshape(names, -1).T)
        with lake.commit(f"year-{number}", 1) as transaction:
            transaction.upsert("bars", year.filter(pl.col("session") < held))
        last = year.filter(pl.col("session") >= held)
    for field in FIELDS:
        np.save(data / f"{field}.npy", np.concatenate(parts.pop(field)))
    np.save(data / "instruments.npy", np.array(names_of(names)))
    np.save(data / "sessions.npy", days.to_numpy())
    (data / "held_back.txt").write_text(str(HELD_BACK))
    return last


def ask_arctic(python: str, *arguments: object) -> dict:
    command = [python, str(PEER), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def ask_lake_cold(home: Path) -> dict:
    done = subprocess.run([sys.executable, __file__, "--cold", home], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def cold_here(home: str) -> None:
    settings = Settings(env="test", home=Path(home))
    start = time.perf_counter()
    values = open_lake(settings).panel("close", market="US").values.copy("K")
    print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "shape": values.shape, "sum": np.nansum(values)}))


def cold_ms(lake: Lake, store: Path, python: str, layout: str, rounds: int) -> dict[str, float]:
    home = lake.settings.home
    took: dict[str, list[dict]] = {"arctic": [], "kept": [], "parquet": []}
    for _ in range(rounds):
        forget(store)
        took["arctic"].append(ask_arctic(python, "cold", store, layout))
        lake.panel("close", market="US")  # leaves its array on the disk
        forget(home)
        took["kept"].append(ask_lake_cold(home))
        shutil.rmtree(home / "cache")
        forget(home)
        took["parquet"].append(ask_lake_cold(home))
    assert len({(tuple(t["shape"]), round(t["sum"], 2)) for times in took.values() for t in times}) == 1, "cold: values"
    return {name: median(t["ms"] for t in times) for name, times in took.items()}


def append_ms(lake: Lake, held: pl.DataFrame) -> float:
    times = []
    for number, (_, day) in enumerate(held.group_by("session", maintain_order=True)):
        start = time.perf_counter()
        with lake.commit(f"day-{number}", 1) as transaction:
            transaction.upsert("bars", day)
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def measure(lake: Lake, folder: Path, python: str, given: argparse.Namespace) -> dict:
    data, store = folder / "data", folder / "store"
    held = make(lake, data, given.names, given.sessions)
    truth = np.load(data / "close.npy")
    filled = ask_arctic(python, "fill", store, data, given.rounds)
    layouts = filled["layouts"]
    panel = lake.panel("close", market="US")
    assert np.array_equal(np.load(data / "read.npy"), truth[:-HELD_BACK], equal_nan=True), "ArcticDB: other values"
    assert np.array_equal(panel.values, truth[:-HELD_BACK], equal_nan=True), "the lake: other values"
    best = min((name for name in layouts if name.startswith("wide")), key=lambda name: layouts[name]["read_ms"])
    warm = median_ms({
        "mapped": lambda: lake.panel("close", market="US").values,
        "copied": lambda: lake.panel("close", market="US").values.copy("K"),
    }, given.rounds)  # fmt: skip
    cold = cold_ms(lake, store, python, best, max(3, given.rounds // 3))
    ours_append = append_ms(lake, held)
    appended = ask_arctic(python, "append", store, data)["append_ms"]
    assert np.array_equal(np.load(data / "read.npy"), truth, equal_nan=True), "ArcticDB: other values after appending"
    assert np.array_equal(lake.panel("close", market="US").values, truth, equal_nan=True), "the lake: other values"
    print(f"ArcticDB {filled['arcticdb']}, pandas {filled['pandas']}; panel {truth.shape[0]} × {truth.shape[1]}")
    print(f"{'layout':34}{'write ms':>10}{'read ms':>10}{'append ms':>11}")
    for name, ms in layouts.items():
        read = f"{ms['read_ms']:10.1f}" if "read_ms" in ms else f"{'-':>10}"
        print(f"{name:34}{ms['write_ms']:10.0f}{read}{appended[name]:11.1f}" + ("  <- peer" if name == best else ""))
    ours = {"warm mapped": warm["mapped"], "warm copied": warm["copied"], "cold, array kept": cold["kept"],
            "cold, from Parquet": cold["parquet"], "append": ours_append}  # fmt: skip
    theirs = [layouts[best]["read_ms"]] * 2 + [cold["arctic"]] * 2 + [appended[best]]
    for (name, ms), peer in zip(ours.items(), theirs, strict=True):
        print(f"{name:20} ArcticDB {peer:9.1f} ms, the lake {ms:9.2f} ms: {peer / ms:.2f} times as fast")
    return {
        "shape": truth.shape, "layout": best,
        "warm_ratio": round(layouts[best]["read_ms"] / warm["copied"], 2),
        "cold_ratio_kept": round(cold["arctic"] / cold["kept"], 2),
        "cold_ratio_parquet": round(cold["arctic"] / cold["parquet"], 2),
        "append_ratio": {name: round(ms / ours_append, 1) for name, ms in appended.items()},
        "ours_ms": {name: round(ms, 1) for name, ms in ours.items()},
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=5_000)
    parser.add_argument("--full", action="store_true", help="2,520 sessions, as claimed, and not 750")
    parser.add_argument("--sessions", type=int)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--python", help="of an environment with ArcticDB; one is made when left out")
    parser.add_argument("--cold", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.sessions = given.sessions or (2_520 if given.full else 750)
    if given.cold:
        cold_here(given.cold)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = given.python or environment(folder / "arcticdb")
        lake = open_lake(Settings(env="test", home=folder / "home"))
        result = measure(lake, folder, python, given)
    held = {
        "warm": result["warm_ratio"] >= WARM,
        "cold": result["cold_ratio_kept"] * COLD >= 1 and result["cold_ratio_parquet"] * COLD >= 1,
        "append": result["append_ratio"][result["layout"]] >= APPEND,
    }
    print(json.dumps(result | {"load": load(), "held": held}))
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
