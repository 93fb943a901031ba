"""Take turns: a writer that keeps losing holds the other writers of this machine back until it has committed.

Commits are safe without it (`lake.swap` compares and swaps). It only keeps a slow writer from losing for ever: nobody
waits long, and a holder that died or sleeps is passed over.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

__all__ = ["LONGEST_WAIT_S", "Turn"]

LONGEST_WAIT_S = 5.0
"""How long anybody waits for another's turn to end, in seconds."""

_STEP_S = 0.005


class Turn:
    """The turns of one lake's writers on this machine.

    Parameters
    ----------
    folder : Path
        Where the marks of turns lie; made when first needed.
    root : str
        Root of the lake.
    """

    def __init__(self, folder: Path, root: str) -> None:
        self._folder = folder
        self._root = root

    @contextmanager
    def taken(self, name: str, *, alone: bool) -> Iterator[bool]:
        """Commit to a table beside others, or alone.

        Parameters
        ----------
        name : str
            Table.
        alone : bool
            Whether nobody else may commit meanwhile.

        Yields
        ------
        bool
            False where others did not make way in time; the block runs all the same.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = self._folder / sha256(f"{self._root}/{name}".encode()).hexdigest()[:24]
        file = os.open(mark, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            yield _lock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            os.close(file)  # gives the turn back, as death does


def _lock(file: int, kind: int) -> bool:
    ends = time.monotonic() + LONGEST_WAIT_S
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends:
                return False
            time.sleep(_STEP_S)
        else:
            return True
