"""Write, read and append to an ArcticDB store on LMDB, in an environment of its own: ArcticDB needs pandas before 3.

    python arctic_store.py fill STORE DATA ROUNDS     writes every layout, times warm reads of one field
    python arctic_store.py cold STORE LAYOUT          times the first read of a new process
    python arctic_store.py append STORE DATA          appends the days held back to every layout

DATA holds `<field>.npy` (sessions × instruments), `instruments.npy`, `sessions.npy` and `held_back.txt`, how many of
the last sessions are appended. Prints one JSON object; what was read is left beside the data as `read.npy`.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import arcticdb
import numpy as np
import pandas as pd
from arcticdb import Arctic, LibraryOptions, WritePayload

FIELDS = ("open", "high", "low", "close", "volume", "amount", "factor")
WIDE = {
    "wide": LibraryOptions(),
    "wide, 1,000 columns a segment": LibraryOptions(columns_per_segment=1_000),
    "wide, one segment": LibraryOptions(columns_per_segment=100_000),
    "wide, 500 rows a segment": LibraryOptions(columns_per_segment=100_000, rows_per_segment=500),
    "wide, dynamic schema": LibraryOptions(dynamic_schema=True),
}  # a symbol per field, instruments as columns
SAMPLE = 500  # symbols of the layout with one per instrument: the slowest by far; its times are scaled to all of them


def panels(data: Path) -> tuple[dict[str, pd.DataFrame], int]:
    index = pd.DatetimeIndex(np.load(data / "sessions.npy").astype("datetime64[ns]"), name="session")
    columns = np.load(data / "instruments.npy").tolist()
    frames = {field: pd.DataFrame(np.load(data / f"{field}.npy"), index, columns) for field in FIELDS}
    return frames, int((data / "held_back.txt").read_text())


def long(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    close = frames["close"]
    values = {field: frame.to_numpy().ravel() for field, frame in frames.items()}
    index = pd.DatetimeIndex(np.repeat(close.index.to_numpy(), close.shape[1]), name="session")
    return pd.DataFrame({"instrument": np.tile(np.array(close.columns, object), close.shape[0]), **values}, index)


def single(frames: dict[str, pd.DataFrame]) -> list[WritePayload]:
    frames = {field: frame.iloc[:, :SAMPLE] for field, frame in frames.items()}
    stacked = np.stack([frame.to_numpy() for frame in frames.values()], axis=2)
    close = frames["close"]
    return [
        WritePayload(name, pd.DataFrame(stacked[:, n], close.index, list(FIELDS)))
        for n, name in enumerate(close.columns)
    ]


def timed(ask) -> tuple[float, object]:
    start = time.perf_counter()
    result = ask()
    return (time.perf_counter() - start) * 1000, result


def fill(store: Arctic, data: Path, rounds: int) -> dict[str, object]:
    frames, held_back = panels(data)
    frames = {field: frame.iloc[:-held_back] for field, frame in frames.items()}
    layouts = {}
    for name, options in WIDE.items():
        library = store.create_library(name, options)
        write_ms, _ = timed(lambda library=library: [library.write(f, frame) for f, frame in frames.items()])
        reads = [timed(lambda library=library: library.read("close").data.to_numpy()) for _ in range(rounds + 1)]
        assert all(np.array_equal(found, frames["close"].to_numpy(), equal_nan=True) for _, found in reads)
        layouts[name] = {"write_ms": write_ms, "read_ms": median(ms for ms, _ in reads[1:])}
        np.save(data / "read.npy", reads[-1][1])
    library = store.create_library("long")
    layouts["long"] = {"write_ms": timed(lambda: library.write("bars", long(frames)))[0]}
    reads = [timed(lambda: library.read("bars", columns=["instrument", "close"]).data) for _ in range(2)]
    layouts["long"]["read_ms"] = reads[-1][0]  # still to be pivoted
    per_symbol = store.create_library("symbol")
    scale = max(1, frames["close"].shape[1] / SAMPLE)
    layouts["symbol"] = {"write_ms": scale * timed(lambda: per_symbol.write_batch(single(frames)))[0]}
    return {"arcticdb": arcticdb.__version__, "pandas": pd.__version__, "layouts": layouts}


def append(store: Arctic, data: Path) -> dict[str, object]:
    frames, held_back = panels(data)
    took: dict[str, list[float]] = {name: [] for name in (*WIDE, "long", "symbol")}
    for place in range(-held_back, 0):
        day = {field: frame.iloc[[place]] for field, frame in frames.items()}
        for name in WIDE:
            payloads = [WritePayload(field, frame) for field, frame in day.items()]
            took[name].append(timed(lambda n=name, p=payloads: store[n].append_batch(p))[0])
        rows = long(day)
        took["long"].append(timed(lambda r=rows: store["long"].append("bars", r))[0])
        if place == -1:  # one day is enough of the slowest
            last = single(day)
            scale = max(1, frames["close"].shape[1] / SAMPLE)
            took["symbol"].append(scale * timed(lambda p=last: store["symbol"].append_batch(p))[0])
    np.save(data / "read.npy", store["wide"].read("close").data.to_numpy())
    return {"append_ms": {name: median(times) for name, times in took.items()}}


def main(action: str, folder: str, *rest: str) -> None:
    start = time.perf_counter()
    store = Arctic(f"lmdb://{folder}?map_size=32GB")
    if action == "cold":
        values = store[rest[0]].read("close").data.to_numpy()
        print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "shape": values.shape, "sum": np.nansum(values)}))
    elif action == "append":
        print(json.dumps(append(store, Path(rest[0]))))
    else:
        print(json.dumps(fill(store, Path(rest[0]), int(rest[1]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
