"""Compute expressions with Qlib over its `.bin` files, without a cache, in a process of its own.

    python qlib_factors.py FOLDER EXPRESSIONS.json OUT PROCESSES

Prints wall and processor seconds as JSON; OUT.npy gets the values, OUT.npz the rows. Nothing here imports polars:
forking after it has run can hang.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import qlib
from qlib.data import D


def processor_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def main(folder: str, expressions: str, out: str, processes: str) -> None:
    qlib.init(provider_uri=folder, kernels=int(processes), expression_cache=None, dataset_cache=None, logging_level=40)
    texts = json.loads(Path(expressions).read_text())
    wall, processor = time.perf_counter(), processor_s()
    frame = D.features(D.instruments("all"), list(texts.values()), freq="day")
    took = {"wall_s": time.perf_counter() - wall, "processor_s": processor_s() - processor}
    names, days = frame.index.codes
    np.save(out + ".npy", frame.to_numpy(np.float32))
    np.savez(
        out, names=names, days=days, instruments=frame.index.levels[0].to_numpy(str),
        sessions=frame.index.levels[1].to_numpy("datetime64[D]"),
    )  # fmt: skip
    print(json.dumps(took))


if __name__ == "__main__":
    main(*sys.argv[1:])
