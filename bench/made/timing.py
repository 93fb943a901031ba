"""Time taken in turns, so that a busy moment of the machine hits every contender alike."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def median_ms(asks: Mapping[str, Callable[[], object]], rounds: int = 9) -> dict[str, float]:
    """Median milliseconds of each, asked in turns after a first round that does not count."""
    took: dict[str, list[float]] = {name: [] for name in asks}
    for turn in range(rounds + 1):
        for name, ask in asks.items():
            start = time.perf_counter()
            ask()
            if turn:
                took[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(times) for name, times in took.items()}


def once_ms(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return (time.perf_counter() - start) * 1000


def load() -> float:
    """How busy the machine is: processes that ran or waited, on average over the last minute."""
    return round(os.getloadavg()[0], 1)


def forget(folder: Path) -> None:
    """Drop what the system remembers of the files below a folder, so that the next read is from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
