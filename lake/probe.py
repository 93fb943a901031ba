"""Does a store keep two writers apart? Found out by a race, once for every store and lake.

A Delta commit on S3 is a PUT that must fail where the object exists. A store that ignores the condition, or checks it
before it writes and not while, lets two commits of one version both succeed, and one of them is lost.
"""

import json
import os
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import psutil

from lake.s3 import S3Access
from qbrain_core.errors import QBrainError

__all__ = ["CONTENDERS", "ROUNDS", "UnsafeStoreError", "allow_writing", "count_winners"]

CONTENDERS = 8
"""Writers of one race."""

ROUNDS = 3
"""Races that must have exactly one winner each."""

_SETTLE_S = 1.0  # a claim of the same moment has been written by then
_safe: set[tuple[int, str, str]] = set()
_lock = threading.Lock()


class UnsafeStoreError(QBrainError, RuntimeError):
    """A second writer came to a store that cannot keep two apart; nothing was written."""

    def __init__(self, root: str, claim: str, writer: str) -> None:
        super().__init__(
            f"{root}: its store let several conditional PUTs of one object win, so only one process may write, and "
            f"{writer} does; use a store that passes (AWS S3, Ceph RGW, MinIO), or remove {claim} when that one is gone"
        )


def allow_writing(access: S3Access, root: str) -> None:
    """Return when this process may write to a lake; the answer is kept beside the lake and by the process.

    Parameters
    ----------
    access : S3Access
    root : str
        `s3://bucket/prefix`.

    Raises
    ------
    UnsafeStoreError
        If the store failed the race and another process writes already.
    """
    writer = (os.getpid(), access.endpoint, root)  # a forked child is a writer of its own
    with _lock:
        if writer in _safe:
            return
        files = access.file_system()
        if not _has_passed(files, access, root):
            _claim(files, root)
        _safe.add(writer)


def count_winners(files: Any, path: str) -> int:
    """Let `CONTENDERS` writers create one object at the same time.

    Parameters
    ----------
    files : s3fs.S3FileSystem
    path : str
        Where there is no object yet; removed afterwards.

    Returns
    -------
    int
        How many were told that they created it; one more where another's content lies there.
    """
    start = threading.Barrier(CONTENDERS)

    def contend(number: int) -> bytes | None:
        content = str(number).encode()
        start.wait()
        try:
            files.pipe_file(path, content, mode="create")
        except OSError:  # refused
            return None
        return content

    with ThreadPoolExecutor(CONTENDERS) as pool:
        winners = [content for content in pool.map(contend, range(CONTENDERS)) if content is not None]
    kept = files.cat_file(path)
    files.rm_file(path)
    return len(winners) + (kept not in winners)


def _has_passed(files: Any, access: S3Access, root: str) -> bool:
    # the same lake behind another address may be on another store
    folder = f"{root}/_probe/{sha256(access.endpoint.encode()).hexdigest()[:16]}"
    try:
        return bool(json.loads(files.cat_file(f"{folder}.json"))["one_winner"])
    except FileNotFoundError:
        pass
    passed = all(count_winners(files, f"{folder}-{uuid.uuid4().hex}") == 1 for _ in range(ROUNDS))
    files.pipe_file(f"{folder}.json", json.dumps({"one_winner": passed, "endpoint": access.endpoint}).encode())
    return passed


def _claim(files: Any, root: str) -> None:
    me = {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}
    claim = f"{root}/_probe/writer.json"
    while True:
        try:
            found = json.loads(files.cat_file(claim))
        except FileNotFoundError:
            found = None
        if found == me:
            return
        if found is not None and _is_alive(found):
            raise UnsafeStoreError(root, claim, f"process {found['pid']} on {found['host']}")
        files.pipe_file(claim, json.dumps(me).encode())
        time.sleep(_SETTLE_S)  # the store has no lock: a rival's claim would show by now


def _is_alive(writer: dict[str, Any]) -> bool:
    if writer["host"] != socket.gethostname():
        return True  # it cannot be told from here
    try:
        return bool(psutil.Process(writer["pid"]).create_time() == writer["started"])
    except psutil.NoSuchProcess:
        return False
