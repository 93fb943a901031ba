"""Read a frame with Qlib's `D.features` over its `.bin` files, in a process of its own.

    python qlib_bin.py FOLDER OUT.npz KERNELS ROUNDS FIELD…

Prints the seconds of each round as JSON; OUT gets the frame of the last one. Forking after polars has run can hang, so
nothing here imports it.
"""

import json
import sys
import time

import numpy as np
import qlib
from qlib.data import D


def main(folder: str, out: str, kernels: str, rounds: str, *fields: str) -> None:
    qlib.init(provider_uri=folder, kernels=int(kernels), logging_level=40)
    seconds = []
    for _ in range(int(rounds)):
        start = time.perf_counter()
        frame = D.features(D.instruments("all"), list(fields), freq="day")
        seconds.append(time.perf_counter() - start)
    names, days = frame.index.codes
    np.savez(
        out, values=frame.to_numpy(np.float32), names=names, days=days,
        instruments=frame.index.levels[0].to_numpy(str), sessions=frame.index.levels[1].to_numpy("datetime64[D]"),
    )  # fmt: skip
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
