"""Compute a factor set with an implementation in polars, in a process of its own.

    python polars_factors.py FOLDER BARS.parquet SET EXPRESSIONS.json OUT

FOLDER holds `alpha158_polars.py`, whose functions `alpha158` and `alpha360` take a frame of its `with_gutters`. Prints
wall and processor seconds as JSON; OUT.npy gets the values, OUT.npz the rows. `POLARS_MAX_THREADS` counts.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np


def main(folder: str, bars: str, name: str, expressions: str, out: str) -> None:
    sys.path.insert(0, folder)
    import alpha158_polars as peer

    wall, processor = time.perf_counter(), time.process_time()
    frame = getattr(peer, name)(peer.with_gutters(peer.scan(bars)), label=False).collect()
    took = {"wall_s": time.perf_counter() - wall, "processor_s": time.process_time() - processor}
    instruments, names = np.unique(frame["instrument"].to_numpy(), return_inverse=True)
    sessions, days = np.unique(frame["datetime"].to_numpy(), return_inverse=True)
    np.save(out + ".npy", frame.select(list(json.loads(Path(expressions).read_text()))).to_numpy().astype(np.float32))
    np.savez(out, names=names, days=days, instruments=instruments.astype(str), sessions=sessions)
    print(json.dumps(took))


if __name__ == "__main__":
    main(*sys.argv[1:])
