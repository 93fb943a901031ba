"""`python -m jobs.schedule`: submit what is due, and look after what got lost. Started by exec; it never forks."""

import logging
import signal
import sys
import threading
import time

from sqlalchemy.exc import DBAPIError

from jobs.janitor import clean_up
from jobs.logs import log_to_stderr
from jobs.timetable import Schedule, claim_due, note_outcome
from lake.records import open_records
from qbrain_core.errors import QBrainError
from qbrain_core.settings import Settings

__all__ = ["main", "run_due"]

_TICK_S = 1.0

_log = logging.getLogger("qbrain.schedule")


def run_due(settings: Settings) -> list[Schedule]:
    """Submit the specs of every schedule that is due.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    list of Schedule
        Those this call took; why one was refused is kept in its `last_error`.
    """
    from jobs.submission import submit

    due = claim_due(settings)
    for schedule in due:
        error = None
        try:
            submit(schedule.specs, settings=settings, owner=schedule.owner)
            _log.info("schedule %s: submitted", schedule.name)
        except QBrainError as refused:
            error = str(refused)
            _log.error("schedule %s: %s", schedule.name, error)
        note_outcome(settings, schedule, error)
    return due


def _begin(settings: Settings) -> None:
    from jobs.default_schedules import add_default_schedules
    from lake import open_lake

    for schedule in add_default_schedules(settings, open_lake(settings)):
        _log.info("schedule %s: added, next at %s", schedule.name, schedule.next_at)


def main() -> int:
    """Run until told to stop.

    Returns
    -------
    int
        Exit status.
    """
    settings = Settings()
    log_to_stderr(settings)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    settings.make_home()
    try:
        open_records(settings)
    except QBrainError as error:
        sys.stderr.write(f"qbrain schedule: {error}\n")
        return 2
    _log.info("scheduler and janitor: ready")
    cleaned = 0.0
    begun = settings.env == "test"  # a test's schedules are its own
    while not stop.is_set():
        try:
            if not begun:
                _begin(settings)
                begun = True
            if time.monotonic() - cleaned >= settings.janitor_interval_s:
                cleaned = time.monotonic()
                clean_up(settings)
            run_due(settings)
        except DBAPIError as error:
            _log.error("the records cannot be reached: %s", error.orig)
        except Exception:  # one bad round must not leave the installation without janitor and schedules
            _log.exception("this round was not finished")
        stop.wait(min(_TICK_S, settings.janitor_interval_s))
    return 0


if __name__ == "__main__":
    sys.exit(main())
