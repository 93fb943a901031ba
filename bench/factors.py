"""Claim: Alpha158 is computed 20 times as fast as by Qlib's expression engine, Alpha360 60 times, per thread.

A made-up market with late listings, halted and missing sessions is written as Parquet and, with NumPy and apart from
the product, as Qlib's `.bin` files. Every contender goes from its files to a frame of float32, Qlib without caches and
in a process of its own. Values are compared first: |a - b| ≤ 1e-4 · (|b| + the column's standard deviation), and the
same cells NaN or infinite. Ratios of one thread are of processor time, which a busy machine hardly touches; wall time
stands beside it. Where the folder given by `--polars` holds `alpha158_polars.py`, that implementation runs, too.

python bench/factors.py [--full | --set alpha158 --names 300 --years 8] [--polars ../shared/spikes]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from made.market import bars_by_year, sessions_of
from made.timing import load

from qbrain_core.factors import alpha158, alpha360, compute, expression_fields

SETS = {"alpha158": alpha158, "alpha360": alpha360}
QLIB_TARGET = {"alpha158": 20.0, "alpha360": 60.0}
POLARS_TARGET = 3.0
VALUES_TARGET = 150e6  # a second, on two cores
FULL = (("alpha158", 300, 8.0), ("alpha360", 300, 8.0), ("alpha158", 819, 12.5))
SMALL = (("alpha158", 40, 4.0), ("alpha360", 40, 4.0))
YEAR = 261  # weekdays
PEERS = Path(__file__).parent / "peers"
FIELDS = ("open", "high", "low", "close", "volume", "vwap")


def market(names: int, sessions: int) -> pl.DataFrame:
    """Every tenth name lists later than the others; one bar in 100 is a halt, one in 500 is missing."""
    draw = np.random.default_rng(11)
    bars = pl.concat(list(bars_by_year(names, sessions)))
    days = sessions_of(sessions)
    late = [days[int(draw.integers(1, sessions // 2))] if n % 10 == 9 else days[0] for n in range(names)]
    listed = pl.DataFrame({"instrument": bars["instrument"].unique().sort(), "listed": late})
    bars = bars.join(listed, on="instrument").filter(pl.col("session") >= pl.col("listed"))
    bars = bars.filter(pl.Series(draw.random(bars.height) > 0.002) | (pl.col("session") == pl.col("listed")))
    bars = bars.with_columns(halted=pl.Series(draw.random(bars.height) < 0.01))
    return expression_fields(bars.sort("instrument", "session")).select("instrument", "session", *FIELDS)


def without_gaps(fields: pl.DataFrame) -> pl.DataFrame:
    """Add a row without values for each session missing between the first and the last of a name."""
    spells = fields.group_by("instrument").agg(a=pl.col("session").min(), b=pl.col("session").max())
    rows = spells.join(fields.select("session").unique(), how="cross")
    rows = rows.filter(pl.col("session").is_between("a", "b")).select("instrument", "session")
    return rows.sort("instrument", "session").join(fields, on=["instrument", "session"], how="left")


def dump(fields: pl.DataFrame, folder: Path) -> None:
    days = fields["session"].unique().sort()
    (folder / "calendars").mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in days))
    (folder / "instruments").mkdir()
    spells = fields.group_by("instrument", maintain_order=True).agg(
        a=pl.col("session").min(), b=pl.col("session").max()
    )
    (folder / "instruments" / "all.txt").write_text("".join(f"{n}\t{a}\t{b}\n" for n, a, b in spells.iter_rows()))
    for (name,), part in fields.group_by("instrument", maintain_order=True):
        own = folder / "features" / str(name).lower()
        own.mkdir(parents=True)
        place = days.search_sorted(part["session"]).to_numpy().astype(np.int64)
        for field in FIELDS:
            values = np.full(place[-1] - place[0] + 2, np.nan, "<f4")
            values[0] = place[0]
            values[1 + place - place[0]] = part[field].to_numpy()
            values.tofile(own / f"{field}.day.bin")


def ask(command: list[str], **environment: str) -> dict[str, float]:
    whole = [sys.executable, *command]
    done = subprocess.run(whole, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    took: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return took


def differing(ours: pl.DataFrame, out: str) -> list[str]:
    """Name the columns in which the values of a peer are others."""
    rows, theirs = np.load(out + ".npz"), np.load(out + ".npy", mmap_mode="r")
    names, days = pl.Series(rows["instruments"]), pl.Series(rows["sessions"])
    known = rows["names"].astype(np.int64) * len(days) + rows["days"]
    order = np.argsort(known)
    wanted = names.search_sorted(ours["instrument"]).cast(pl.Int64) * len(days) + days.search_sorted(ours["session"])
    place = order[np.searchsorted(known[order], wanted.to_numpy())]
    assert np.array_equal(known[place], wanted.to_numpy()), "the peer's frame lacks a row"
    wrong = []
    for number, name in enumerate(ours.columns[2:]):
        a = ours[name].fill_null(np.nan).to_numpy().astype(np.float64)
        b = theirs[:, number][place].astype(np.float64)
        finite = np.isfinite(a) & np.isfinite(b)
        close = np.abs(a - b)[finite] <= 1e-4 * (np.abs(b[finite]) + b[finite].std())
        if not close.all() or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
            wrong.append(name)
    return wrong


def measured(texts: dict[str, str], file: Path, threads: int, rounds: int) -> tuple[pl.DataFrame, dict[str, float]]:
    walls, processors = [], []
    for _ in range(rounds):
        wall, processor = time.perf_counter(), time.process_time()
        frame = compute(texts, pl.read_parquet(file), threads=threads)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return frame, {"wall_s": statistics.median(walls), "processor_s": statistics.median(processors)}


def run(name: str, names: int, years: float, folder: Path, polars: Path | None, rounds: int) -> dict[str, Any]:
    texts = SETS[name]()
    file, listed, out = folder / "bars.parquet", folder / "expressions.json", str(folder / "out")
    fields = market(names, round(years * YEAR))
    fields.write_parquet(file)
    listed.write_text(json.dumps(texts))
    dump(fields, folder / "qlib")
    compute(texts, fields.head(1000))  # compiles, or reads what was compiled
    ours, one = measured(texts, file, 1, rounds)
    line: dict[str, Any] = {"set": name, "rows": fields.height, "values": fields.height * len(texts), "ours_1": one}
    print(f"{name}, {names} names × {years:g} years: {fields.height:,} rows, {line['values'] / 1e6:,.0f} M values")
    contenders = {"qlib_1": [str(PEERS / "qlib_factors.py"), str(folder / "qlib"), str(listed), out, "1"]}
    contenders["qlib_2"] = [*contenders["qlib_1"][:-1], "2"]
    if polars:
        whole = folder / "whole.parquet"  # that implementation knows no missing sessions
        without_gaps(fields).rename({"session": "datetime"}).write_parquet(whole)
        command = [str(PEERS / "polars_factors.py"), str(polars), str(whole), name, str(listed), out]
        contenders |= dict.fromkeys(("polars_1", "polars_2"), command)
    for peer, command in contenders.items():
        line[peer] = ask(command, POLARS_MAX_THREADS=peer[-1])
        wrong = differing(ours, out)
        assert not wrong, f"{peer} has other values in {wrong}"
        print(f"  {peer:9} {told(line[peer])}; {len(texts)} columns equal")
    del ours
    line["ours_2"] = measured(texts, file, 2, rounds)[1]
    print(f"  ours_1    {told(one)}\n  ours_2    {told(line['ours_2'])}")
    return line | verdict(line, QLIB_TARGET[name])


def told(took: dict[str, float]) -> str:
    return f"{took['wall_s']:7.2f} s wall, {took['processor_s']:7.2f} s of processor"


def verdict(line: dict[str, Any], target: float) -> dict[str, Any]:
    ratios = {
        "of_qlib": line["qlib_1"]["processor_s"] / line["ours_1"]["processor_s"],
        "of_qlib_2_wall": line["qlib_2"]["wall_s"] / line["ours_2"]["wall_s"],
        "values_per_s_1": line["values"] / line["ours_1"]["processor_s"],
        "values_per_s_2": 2 * line["values"] / line["ours_2"]["processor_s"],
    }
    if "polars_1" in line:
        ratios["of_polars"] = line["polars_1"]["processor_s"] / line["ours_1"]["processor_s"]
        ratios["of_polars_2_wall"] = line["polars_2"]["wall_s"] / line["ours_2"]["wall_s"]
    held = ratios["of_qlib"] >= target and ratios.get("of_polars", POLARS_TARGET) >= POLARS_TARGET
    return {k: round(v, 1) for k, v in ratios.items()} | {
        "target": target, "reached_150M": ratios["values_per_s_2"] >= VALUES_TARGET, "held": held, "load": load()
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the three sizes of the claim")
    parser.add_argument("--set", choices=SETS, default="alpha158")
    parser.add_argument("--names", type=int)
    parser.add_argument("--years", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--polars", type=Path, default=Path(__file__).parents[2] / "shared" / "spikes")
    given = parser.parse_args()
    polars = given.polars.resolve() if (given.polars / "alpha158_polars.py").is_file() else None
    sizes = FULL if given.full else ((given.set, given.names, given.years),) if given.names else SMALL
    held = True
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            line = run(*size, Path(folder), polars, given.rounds)
        print(json.dumps(line))
        held &= bool(line["held"])
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
