"""Tell the world about changes that are committed: state events, and the queue."""

from collections.abc import Sequence

from jobs.chain import Change
from jobs.connection import connect
from jobs.event_stream import EventPublisher, state_payload
from jobs.outbox import enqueue
from jobs.status import JobStatus
from qbrain_core.settings import Settings

__all__ = ["announce"]


def announce(settings: Settings, changes: Sequence[Change]) -> None:
    """Publish one state event a change, and put what may start now into its queue.

    Parameters
    ----------
    settings : Settings
    changes : sequence of Change
        As the transitions returned them, after their transaction. Redis may be down: the janitor makes up for it.
    """
    redis = connect(settings)
    for change in changes:
        payload = state_payload(
            change.status, error=change.error, hint=change.hint, reason=change.reason,
            delay_s=change.delay_s or None,
        )  # fmt: skip
        EventPublisher(redis, change.job_id, change.attempt).publish("state", payload)
    due = [(c.queue, c.job_id) for c in changes if c.status == JobStatus.QUEUED and not c.delay_s]
    enqueue(redis, due)
