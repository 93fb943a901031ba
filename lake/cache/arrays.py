"""The third level: dense arrays on the local disk, mapped into memory, one per series and state of the data.

A series is one question (the closes of one market), a state the rows it was answered from. An array is written to a
name of its own and renamed; its description follows the same way and makes it visible. What is damaged is absent.
"""

import contextlib
import hashlib
import json
import os
import re
import threading
import time
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from lake.cache.counts import Counts, LevelFigures

__all__ = ["ArrayCache", "StoredArray"]

_PATIENCE_S = 600.0  # another process computes the same; beyond this we compute it, too
_LEFTOVER_S = 3600.0  # a file without description is being written, or its writer died


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array and what was stored beside it.

    Attributes
    ----------
    state : str
        State of the data it was made from.
    values : array
        Mapped from the file and read-only.
    facts : mapping
        JSON values.
    """

    state: str
    values: NDArray[Any]
    facts: Mapping[str, Any]


class ArrayCache:
    """Arrays below one folder, bounded by their size in bytes; safe between threads and processes.

    Parameters
    ----------
    folder : Path
        Made when first needed.
    bound_bytes : int
        0: nothing is kept.
    """

    def __init__(self, folder: Path, bound_bytes: int) -> None:
        self._folder = folder
        self._bound = bound_bytes
        self._counts = Counts()
        self._sound: set[tuple[str, int, int]] = set()
        self._lock = threading.Lock()

    def get(self, series: str, state: str, *, counted: bool = True) -> StoredArray | None:
        """Look an array up.

        Parameters
        ----------
        series, state : str
        counted : bool
            Whether the question counts for the hit rate.

        Returns
        -------
        StoredArray or None
            None also where the file is damaged; it is removed then.
        """
        description = self._path(series, state)
        try:
            found = self._open(description, state)
        except FileNotFoundError:
            found = None
        except (OSError, ValueError, KeyError, TypeError):
            self._remove(description)
            self._counts.add("dropped")
            found = None
        if counted:
            self._counts.add("misses" if found is None else "hits")
        return found

    def states(self, series: str) -> list[str]:
        """List the states of a series that are stored.

        Parameters
        ----------
        series : str

        Returns
        -------
        list of str
            The latest written first.
        """
        found = []
        for path in (self._folder / _slug(series)).glob("*.json"):
            with contextlib.suppress(FileNotFoundError):  # just dropped by another
                found.append((path.with_suffix(".npy").stat().st_mtime_ns, path.stem))
        return [state for _, state in sorted(found, reverse=True)]

    def put(self, series: str, state: str, values: NDArray[Any], facts: Mapping[str, Any]) -> StoredArray | None:
        """Keep an array, and make room for it.

        Parameters
        ----------
        series, state : str
        values : array
        facts : mapping
            JSON values.

        Returns
        -------
        StoredArray or None
            The array as mapped from the file; None where it is too big or the disk refuses it.
        """
        if values.nbytes > self._bound:
            return None
        description = self._path(series, state)
        fresh = description.with_name(f"{uuid.uuid4().hex}.tmp")
        try:
            description.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                np.save(file, values)
            stored = description.with_suffix(".npy")
            fresh.replace(stored)
            self._sound.add(_mark(stored))
            content = json.dumps({"sum": _sum(values), "bytes": values.nbytes, "facts": dict(facts)})
            fresh.write_text(json.dumps({"crc": zlib.crc32(content.encode()), "content": content}), encoding="utf-8")
            fresh.replace(description)
            self._counts.add("stored")
            self._make_room(keep=description)
            return self.get(series, state, counted=False)
        except OSError:  # a full or read-only disk costs the cache, not the answer
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            return None

    @contextmanager
    def turn(self, series: str) -> Iterator[None]:
        """Hold the lock of a series, against other processes, for the length of a block.

        Parameters
        ----------
        series : str

        Yields
        ------
        None
            Also where the lock cannot be had: then the work is merely done twice.
        """
        path = self._folder / f"{_slug(series)}.lock"
        lock = FileLock(path, timeout=_PATIENCE_S, thread_local=False)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
        except (OSError, Timeout):
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def drop(self, series: str, state: str) -> None:
        """Forget one array.

        Parameters
        ----------
        series, state : str
        """
        if self._remove(self._path(series, state)):
            self._counts.add("dropped")

    def figures(self) -> LevelFigures:
        """Count hits and misses of this process, and the bytes all processes keep.

        Returns
        -------
        LevelFigures
        """
        sizes = [size for _, size, _ in self._stored()]
        return self._counts.figures("disk", len(sizes), sum(sizes), self._bound)

    def _open(self, description: Path, state: str) -> StoredArray:
        told = json.loads(description.read_text(encoding="utf-8"))
        if zlib.crc32(told["content"].encode()) != told["crc"]:
            raise ValueError("the description is damaged")
        content = json.loads(told["content"])
        path = description.with_suffix(".npy")
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        mark = _mark(path)
        if mark not in self._sound:
            # one pass over the pages, once in this process: a torn or rotten file must not become prices
            if values.nbytes != content["bytes"] or _sum(values) != content["sum"]:
                raise ValueError("the array is damaged")
            self._sound.add(mark)
        with contextlib.suppress(OSError):  # when it was last used, where that can be written
            os.utime(description)
        return StoredArray(state, values, content["facts"])

    def _make_room(self, keep: Path) -> None:
        with self._lock:
            stored = self._stored()
            total = sum(size for _, size, _ in stored)
            for _, size, description in sorted(stored):
                if total <= self._bound:
                    break
                if description != keep and self._remove(description):
                    total -= size
                    self._counts.add("evicted")

    def _stored(self) -> list[tuple[float, int, Path]]:
        # when last used, bytes, description; what a dead writer left is cleared away in passing
        found: list[tuple[float, int, Path]] = []
        for path in self._folder.glob("*/*"):
            try:
                used = path.stat().st_mtime
                if path.suffix == ".json":
                    found.append((used, path.with_suffix(".npy").stat().st_size, path))
                elif time.time() - used > _LEFTOVER_S and not path.with_suffix(".json").exists():
                    path.unlink()
            except FileNotFoundError:
                continue
        return found

    def _path(self, series: str, state: str) -> Path:
        return self._folder / _slug(series) / f"{state}.json"

    def _remove(self, description: Path) -> bool:
        try:
            description.unlink()
            description.with_suffix(".npy").unlink(missing_ok=True)
        except OSError:
            return False
        return True


def _slug(series: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", series)[:60].strip("-")
    return f"{readable}-{hashlib.sha256(series.encode()).hexdigest()[:12]}"


def _mark(path: Path) -> tuple[str, int, int]:
    facts = path.stat()
    return str(path), facts.st_ino, facts.st_mtime_ns


def _sum(values: NDArray[Any]) -> int:
    # 64-bit words added with wrap-around: as fast as memory, and any torn or zeroed page shows
    flat = values.reshape(-1, order="A").view(np.uint8)
    words, rest = np.split(flat, [flat.size // 8 * 8])
    return int(words.view(np.uint64).sum(dtype=np.uint64)) ^ int(rest.astype(np.uint64).sum())
