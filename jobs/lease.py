"""Hold a job for as long as its worker is alive, and find out when it is ours no longer."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from sqlalchemy.exc import DBAPIError

from jobs import transitions
from lake.records import Records

__all__ = ["Lease", "LeaseState", "keep_in_background"]

_log = logging.getLogger("qbrain.worker")


class LeaseState(Enum):
    """What the last renewal said."""

    HELD = "held"
    CANCEL = "cancel"
    """Held, and the owner of the job wants it to stop."""
    LOST = "lost"


class Lease:
    """The hold of one attempt on its job, just claimed.

    Parameters
    ----------
    records : Records
    job_id : str
    attempt : int
    lease_s, renew_s : float
        How long a renewal lasts, and how often it is renewed, in seconds.
    """

    def __init__(self, records: Records, job_id: str, attempt: int, *, lease_s: float, renew_s: float) -> None:
        self.records = records
        self.job_id = job_id
        self.attempt = attempt
        self._lease_s = lease_s
        self._renew_s = renew_s
        self._renewed = self._tried = time.monotonic()
        self._state = LeaseState.HELD

    def keep(self) -> LeaseState:
        """Renew when it is time.

        Returns
        -------
        LeaseState
            LOST when another took the job over, or the records could not be reached until the lease ran out: then
            somebody else may have it already.
        """
        now = time.monotonic()
        if now - self._tried < self._renew_s:
            return self._state
        self._tried = now
        try:
            asked = transitions.renew(self.records, self.job_id, self.attempt, lease_s=self._lease_s)
        except DBAPIError as error:
            _log.warning("job %s: the lease could not be renewed: %s", self.job_id, error.orig)
            if time.monotonic() - self._renewed > self._lease_s:
                self._state = LeaseState.LOST
            return self._state
        self._renewed = now
        self._state = LeaseState.LOST if asked is None else LeaseState.CANCEL if asked else LeaseState.HELD
        return self._state


@contextmanager
def keep_in_background(lease: Lease, *, renew_s: float) -> Iterator[None]:
    """Keep a lease from a thread for the length of a block, for a job that runs in this process.

    Parameters
    ----------
    lease : Lease
    renew_s : float

    Yields
    ------
    None
    """
    done = threading.Event()

    def keep() -> None:
        while not done.wait(renew_s / 2):
            if lease.keep() is LeaseState.LOST:
                return

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)
