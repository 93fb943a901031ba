import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from qbrain_core.compiled import compiled

FIRST_USE = """
from datetime import date
import polars as pl
from qbrain_core.factors import compute
from qbrain_core.reporting import NullReporter

class Told(NullReporter):
    def stage(self, name, *, fraction=None, detail=""):
        print(name)

    def log(self, message, *, level="info"):
        print(message)

bars = pl.DataFrame({"instrument": ["A"], "session": [date(2024, 1, 1)], "close": [2.0]})
print(compute({"A": "WMA($close, 3)"}, bars, reporter=Told())["A"][0])
"""


def _first_use(cache: Path) -> list[str]:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", FIRST_USE]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()


def test_kernels_are_compiled_once_per_machine_and_that_is_told(tmp_path: Path) -> None:
    said = "compiling the kernels that this needs; they are kept for the next time"
    assert _first_use(tmp_path) == ["compile", said, "compute", "2.0"]
    assert _first_use(tmp_path) == ["compute", "2.0"]


def test_compiled_without_a_folder_for_the_cache_works_all_the_same() -> None:
    names: dict[str, object] = {"compiled": compiled}
    exec("@compiled\ndef divide(a, b):\n    return a / b", names)  # no source file, so no place beside it
    divide = names["divide"]
    assert divide(np.ones(1), np.zeros(1))[0] == np.inf  # type: ignore[operator]
    assert divide(1.0, 0.0) == np.inf  # type: ignore[operator]


def test_change_of_what_a_function_calls_in_another_file_is_noticed(tmp_path: Path) -> None:
    head = "from qbrain_core.compiled import compiled\n"
    calls = "from callee import step\n\n@compiled\ndef run(x):\n    return step(x)\n\n"
    tells = "print(run(1.0), sum(run.stats.cache_hits.values()))\n"
    (tmp_path / "caller.py").write_text(head + calls + tells)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    said = []
    for text in ("x + 1.0", "x + 1.0", "x + 20.0"):
        (tmp_path / "callee.py").write_text(f"{head}\n@compiled\ndef step(x):\n    return {text}\n")
        os.utime(tmp_path / "callee.py", ns=(0, len(text)))  # the time of a file changes with its text alone
        command = [sys.executable, str(tmp_path / "caller.py")]
        said.append(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split())
    assert said == [["2.0", "0"], ["2.0", "1"], ["21.0", "0"]]  # the second time it was read from the cache
