"""Make a frame of expressions with Qlib's `D.features` over its `.bin` files, in a process of its own.

    python qlib_dataset.py FOLDER OUT.npz KERNELS ROUNDS EXPRESSIONS.json [PORT]

With the port of a Redis server the dataset cache is on: the first round fills it, the others read it. Prints for each
round the seconds by the clock and by the processor, as JSON; OUT gets the frame of the last one. Forking after polars
has run can hang, so nothing here imports it.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import qlib
from qlib.data import D


def main(folder: str, out: str, kernels: str, rounds: str, expressions: str, port: str = "") -> None:
    cache = {"dataset_cache": "DiskDatasetCache", "redis_host": "127.0.0.1", "redis_port": int(port)} if port else {}
    qlib.init(provider_uri=folder, kernels=int(kernels), logging_level=40, **cache)
    texts = json.loads(Path(expressions).read_text())
    seconds = []
    for _ in range(int(rounds)):
        start, worked = time.perf_counter(), time.process_time()
        frame = D.features(D.instruments("all"), texts, freq="day", disk_cache=int(bool(port)))
        seconds.append((time.perf_counter() - start, time.process_time() - worked))
    names, days = frame.index.codes
    np.savez(
        out, values=frame.to_numpy(np.float32), names=names, days=days,
        instruments=frame.index.levels[0].to_numpy(str), sessions=frame.index.levels[1].to_numpy("datetime64[D]"),
    )  # fmt: skip
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
