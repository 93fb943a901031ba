"""The newest version of every table, without asking the store each time; announced commits show at once."""

import logging
import threading
import time
import weakref

from lake import Lake
from lake.commit_events import CommitEvent, listen
from qbrain_core.errors import QBrainError
from qbrain_core.settings import Settings

__all__ = ["Newest"]

_OLDEST_S = 1.0


class Newest:
    """Versions of every table, at most a second old; thread-safe.

    Parameters
    ----------
    lake : Lake
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._versions: dict[str, int] = {}
        self._asked_at = float("-inf")
        self._heard = 0
        self._lock = threading.Lock()

    def versions(self) -> dict[str, int]:
        """Give the versions.

        Returns
        -------
        dict of str to int
        """
        with self._lock:
            if time.monotonic() - self._asked_at > _OLDEST_S:
                # what is committed while we ask may be missing: the answer dates from before, and does not count at all
                # if we hear of a commit meanwhile
                asked_at, heard = time.monotonic(), self._heard
                self._versions = self._lake.versions()
                self._asked_at = asked_at if heard == self._heard else float("-inf")
            return dict(self._versions)

    def notice(self, event: CommitEvent) -> None:
        """Take note of a commit: the next question asks the store, and what the commit replaced is forgotten.

        Parameters
        ----------
        event : CommitEvent

        Raises
        ------
        QBrainError
            If the lake has no such table or version.
        """
        self._heard += 1
        self._asked_at = float("-inf")
        if event.data_version == event.version and event.version > 0:  # else no row changed
            self._lake.cache.drop(event.table, self._lake.catalog.state(event.table, event.version - 1))

    def follow(self) -> threading.Thread:
        """Notice every commit that is announced from now on, in a thread of its own.

        Returns
        -------
        Thread
            Ends soon after this object is forgotten.
        """
        stop = threading.Event()
        weakref.finalize(self, stop.set)
        thread = threading.Thread(
            target=_follow, args=(weakref.ref(self), self._lake.settings, stop), name="commits", daemon=True
        )
        thread.start()
        return thread


def _follow(found: "weakref.ref[Newest]", settings: Settings, stop: threading.Event) -> None:
    for event in listen(settings, stop=stop):
        newest = found()
        if newest is None:
            return
        try:
            newest.notice(event)
        except QBrainError as error:  # not a table of this lake; what is stale is not asked for again anyway
            logging.getLogger("qbrain.app").info("a commit could not be followed: %s", error)
        del newest
