"""How much of the machine a query's process may take, and that it ends with the server."""

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path

__all__ = ["limit"]

_OVERHEAD_MIB = 1536
"""Address space of the interpreter, DuckDB's code and thread stacks, in MiB; on top of what the query may use."""

_OPEN_FILES = 4096
_DIE_WITH_PARENT = 1
_FIRST_TO_GO = "1000"  # the kernel's choice where the machine runs out of memory: this process, not the server
_NICE = 5


def limit(memory_mib: int, seconds: int, *, parent: int) -> None:
    """Limit this process, for good.

    The number of processes is not limited here: the system counts those of the user, the server's among them.
    `lake.cage.seccomp` forbids to make any.

    Parameters
    ----------
    memory_mib : int
        What the query may use.
    seconds : int
        Processor time, over all threads.
    parent : int
        Process this one ends with; where it is gone already, this ends at once.
    """
    space = (memory_mib + _OVERHEAD_MIB) * 2**20
    for what, most in (
        (resource.RLIMIT_AS, space), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):  # fmt: skip
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    os.nice(_NICE)
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        with contextlib.suppress(OSError):  # a container may keep it to itself
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    if os.getppid() != parent:
        raise SystemExit(1)
