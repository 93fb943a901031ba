"""Numeric loops compiled to machine code, once per machine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import event

from qbrain_core.reporting import Reporter

__all__ = ["compiled", "telling"]


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function over arrays and numbers when it is first called with arguments of some type.

    The code is kept beside the source, or where `NUMBA_CACHE_DIR` says, or in the user's cache folder, whichever can be
    written; where none can, every process compiles anew. It runs without the interpreter's lock, divides by zero as
    numpy does, and starts no threads of its own: those would not live on in a process that forks. Kept code is used as
    long as no file of the function's folder changes: what it calls stands there.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable
        Numba's dispatcher for it.
    """
    try:
        dispatcher = numba.njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # numba: no folder for the cache can be written
        return numba.njit(function, nogil=True, error_model="numpy")
    # numba looks at the function's own file alone, and would go on with the old code of what it calls in another
    kept = dispatcher._cache._cache_file
    kept._source_stamp = (kept._source_stamp, _state(Path(function.__code__.co_filename).parent))
    return dispatcher


@cache
def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    return tuple(sorted((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in folder.glob("*.py")))


class _Listener(event.Listener):
    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._lock = threading.Lock()
        self._told = False

    def on_start(self, event: event.Event) -> None:
        with self._lock:
            first, self._told = not self._told, True
        if first:
            self._reporter.stage("compile")
            self._reporter.log("compiling the kernels that this needs; they are kept for the next time")

    def on_end(self, event: event.Event) -> None:
        pass


@contextmanager
def telling(reporter: Reporter) -> Iterator[None]:
    """Tell that something is being compiled, once, if that happens meanwhile: it takes seconds.

    Parameters
    ----------
    reporter : Reporter
        Gets the stage `compile` and a line for the log; in a thread, too.
    """
    with event.install_listener("numba:compile", _Listener(reporter)):
        yield
