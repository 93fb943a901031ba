"""The process that one attempt runs in: forked, tied to its worker's life, reaped."""

import ctypes
import logging
import os
import signal
import sys

from qbrain_core.settings import Settings

__all__ = ["end_horse", "hint_for", "how_it_died", "start_horse"]

_log = logging.getLogger("qbrain.worker")


def start_horse(settings: Settings, job_id: str, attempt: int) -> int:
    """Fork a process that runs an attempt and records how it ended.

    Parameters
    ----------
    settings : Settings
    job_id : str
    attempt : int

    Returns
    -------
    int
        Its process id, also its process group's. It is killed when this process ends, however that comes.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setpgid(0, 0)
        _end_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        from jobs.runner import perform

        perform(settings, job_id, attempt, parent=parent)
        status = 0
    except BaseException:  # this is a fork: nothing may go on up the worker's own stack
        _log.exception("job %s-%d: its end could not be recorded", job_id, attempt)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def end_horse(pid: int) -> None:
    """Kill such a process with all it started, and reap it.

    Parameters
    ----------
    pid : int
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)  # between its fork and its setpgid; a zombie takes it as well
    os.waitpid(pid, 0)


def how_it_died(status: int) -> str:
    """Word the wait status of a process that did not record an end.

    Parameters
    ----------
    status : int

    Returns
    -------
    str
    """
    if os.WIFSIGNALED(status):
        return f"its process was killed by signal {os.WTERMSIG(status)} ({signal.strsignal(os.WTERMSIG(status))})"
    return f"its process ended with status {os.WEXITSTATUS(status)} before the end was recorded"


def hint_for(status: int) -> str | None:
    """Say what may have killed it.

    Parameters
    ----------
    status : int

    Returns
    -------
    str or None
    """
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return "the system kills processes that take too much memory: see its log" if killed else None


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        # PR_SET_PDEATHSIG = 1: a job must not outlive the worker that renews its lease
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
