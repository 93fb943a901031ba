"""`python -m jobs.worker QUEUE`: take jobs of one queue, run each in a process of its own, watch over it.

RQ gives the loop and the blocking pop that survives a crash. It carries a job's id and nothing else: whatever else
stands in Redis is never read. What is to be done comes from the records.

The parent imports what its tasks use, so that a fork has it at once, and uses none of it: polars, lightgbm and torch
hang in a child that was forked after their threads had started.
"""

import importlib
import logging
import os
import socket
import sys
import time
import uuid
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import psutil
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from jobs import transitions
from jobs.announce import announce
from jobs.chain import Change
from jobs.connection import REDIS_DOWN, new_connection
from jobs.horse import end_horse, hint_for, how_it_died, start_horse
from jobs.id_queue import IdQueue, QueuedId
from jobs.lease import Lease, LeaseState
from jobs.logs import log_to_stderr
from jobs.presence import note_presence
from jobs.tasks import TASKS
from lake.records import open_records
from lake.records.models import JobRow
from qbrain_core.errors import QBrainError, UnknownNameError
from qbrain_core.settings import QUEUES, Settings
from qbrain_core.specs import SPEC_KINDS

__all__ = ["JobWorker", "main"]

PRELOAD: dict[str, tuple[str, ...]] = {
    "data": ("polars", "pyarrow", "deltalake", "duckdb"),
    "train": ("polars", "deltalake", "qbrain_core.models.training"),
    "backtest": ("polars", "deltalake", "vectorbt"),
}
"""What a worker imports before it forks, besides the task modules of its queue."""

_POLL_S = 0.05
_CANCEL_GRACE_S = 15.0
"""How long a job asked to stop may take to notice before its process is killed, in seconds."""

_LOST_GRACE_S = 3.0
"""How long a process may go on whose attempt is over, in seconds: to tell so, and to leave by itself."""

_WAIT_S = 2
"""How long one blocking pop waits, in seconds; between two the worker notes that it is there."""

_log = logging.getLogger("qbrain.worker")


class JobWorker(Worker):
    """Worker of one queue.

    Parameters
    ----------
    settings : Settings
    queue : str
    """

    queue_class = IdQueue
    job_class = QueuedId
    max_connection_wait_time = 2.0

    def __init__(self, settings: Settings, queue: str) -> None:
        self._settings = settings
        self._queue_name = queue
        self._busy = False
        self._job_id: str | None = None
        self._born = datetime.now(UTC)
        connection = new_connection(settings.redis)
        super().__init__(
            [IdQueue(queue, connection=connection, job_class=QueuedId, serializer=JSONSerializer)],
            name=f"{queue}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}", connection=connection,
            serializer=JSONSerializer, job_class=QueuedId, queue_class=IdQueue, worker_ttl=_WAIT_S + 15,
            prepare_for_work=False, log_job_description=False,
        )  # fmt: skip
        self.pid, self.hostname = os.getpid(), socket.gethostname()

    # --- what RQ would do through Redis and we do not -----------------------------------------------------------------

    def subscribe(self) -> None:
        """Take no commands over Redis."""

    def unsubscribe(self) -> None:
        """Undo nothing."""

    def check_for_suspension(self, burst: bool) -> None:
        """Go on: workers are stopped by a signal only."""

    def run_maintenance_tasks(self) -> None:
        """Leave lost jobs to the janitor."""
        self.last_cleaned_at: Any = datetime.now(UTC)

    def register_birth(self) -> None:
        """Say that it is there."""
        self.heartbeat()

    def register_death(self) -> None:
        """Say that it is gone."""
        try:
            self.connection.delete(self.key)
        except REDIS_DOWN:
            return  # the note expires by itself

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Remember what it does; the next heartbeat tells."""
        self._state = state

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Leave a short-lived note in Redis; the lease, not this, says who owns a job."""
        note = {
            "name": self.name, "queue": self._queue_name, "host": self.hostname or "", "pid": str(self.pid),
            "state": str(WorkerStatus(self._state).value) if self._state != "starting" else "starting",
            "job_id": self._job_id or "", "started_at": self._born.isoformat(),
            "seen_at": datetime.now(UTC).isoformat(), "rss_mib": f"{_rss_mib(self.horse_pid or os.getpid()):.1f}",
        }  # fmt: skip
        try:
            note_presence(self.connection, self.key, note)
        except REDIS_DOWN as error:
            _log.debug("could not note presence: %s", error)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop: at once when idle, else after the running job was given back to its queue."""
        self._stop_requested = True
        if not self._busy:
            raise StopRequested

    # --- a job --------------------------------------------------------------------------------------------------------

    def execute_job(self, job: RQJob, queue: Queue) -> None:
        """Claim a job, run it in a process of its own, and see to it that its end is recorded.

        Parameters
        ----------
        job : QueuedId
        queue : IdQueue
        """
        self._busy = True
        try:
            self._execute(job.id)
        finally:
            self._busy, self._job_id, self._horse_pid = False, None, 0
            self.set_state(WorkerStatus.IDLE)
            try:
                self.connection.lrem(queue.intermediate_queue_key, 0, job.id)
            except REDIS_DOWN as error:
                _log.debug("the janitor will clear %s from its queue: %s", job.id, error)

    def _execute(self, job_id: str) -> None:
        records = open_records(self._settings)
        lease_s = self._settings.lease_s
        attempt = transitions.claim(records, job_id, queue=self._queue_name, worker=self.name, lease_s=lease_s)
        if attempt is None:
            _log.info("job %s is not there to be taken", job_id)
            return
        self._job_id = job_id
        self.set_state(WorkerStatus.BUSY)
        self.heartbeat()
        with records.read() as session:
            kind = session.get_one(JobRow, job_id).kind
        _log.info("job %s (%s), attempt %d", job_id, kind, attempt)
        lease = Lease(records, job_id, attempt, lease_s=lease_s, renew_s=self._settings.lease_renew_s)
        timeout_s = SPEC_KINDS[kind].timeout_s if kind in SPEC_KINDS else 60
        self._horse_pid = start_horse(self._settings, job_id, attempt)
        changes = self._watch(lease, timeout_s)
        announce(self._settings, changes)
        _log.info("job %s, attempt %d: process ended", job_id, attempt)

    def _watch(self, lease: Lease, timeout_s: float) -> list[Change]:
        started, cancelled_at, lost_at, noted = time.monotonic(), None, None, time.monotonic()
        job_id, attempt, records = lease.job_id, lease.attempt, lease.records
        while True:
            pid, status = os.waitpid(self._horse_pid, os.WNOHANG)
            if pid:
                # an attempt that recorded its end is no longer running: then this changes nothing
                return transitions.lose(records, job_id, attempt, how_it_died(status), hint=hint_for(status))
            now = time.monotonic()
            if self._stop_requested:
                end_horse(self._horse_pid)
                return transitions.release(records, job_id, attempt, "its worker was stopped")
            if now - started > timeout_s:
                end_horse(self._horse_pid)
                sentence = f"it ran longer than the {timeout_s / 60:.0f} minutes such a job may take"
                return transitions.fail(records, job_id, attempt, sentence, hint="a shorter range or fewer instruments")
            state = lease.keep()
            if state is LeaseState.LOST:
                # it has recorded its end and is about to leave, or somebody took the job over and it writes no more
                lost_at = lost_at or now
                if now - lost_at > _LOST_GRACE_S:
                    _log.warning("job %s, attempt %d: the lease is lost, its process is killed", job_id, attempt)
                    end_horse(self._horse_pid)
                    return []
            if state is LeaseState.CANCEL:
                cancelled_at = cancelled_at or now
                if now - cancelled_at > _CANCEL_GRACE_S:
                    end_horse(self._horse_pid)
                    return transitions.end_cancelled(records, job_id, attempt)
            if now - noted > self._settings.lease_renew_s:
                self.heartbeat()
                noted = now
            time.sleep(_POLL_S)  # end, lease and cancel are looked for in turn


def _rss_mib(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0


def preload(queue: str) -> None:
    """Import what the tasks of a queue use, and use nothing of it.

    Parameters
    ----------
    queue : str
    """
    kinds = [kind for kind, spec in SPEC_KINDS.items() if spec.queue == queue]
    for name in (*PRELOAD.get(queue, ()), "jobs.runner", "lake.lakehouse", *(TASKS[k] for k in kinds if k in TASKS)):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            _log.warning("%s cannot be imported: %s; jobs that need it will fail", name, error)


def main(arguments: list[str] | None = None) -> int:
    """Work on one queue until told to stop.

    Parameters
    ----------
    arguments : list of str, optional
        The queue's name; empty: the command line's.

    Returns
    -------
    int
        Exit status.
    """
    (queue, *_) = (sys.argv[1:] if arguments is None else arguments) or [""]
    settings = Settings()
    log_to_stderr(settings)
    try:
        if queue not in QUEUES:
            raise UnknownNameError("queue", queue, QUEUES)
        settings.make_home()
        open_records(settings)
        preload(queue)
        worker = JobWorker(settings, queue)
        _log.info("worker of queue %s, process %d", queue, os.getpid())
        worker.work(logging_level="WARNING")
    except QBrainError as error:
        sys.stderr.write(f"qbrain worker: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
