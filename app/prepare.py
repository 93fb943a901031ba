"""Make a home ready: records migrated, tables made, and on the very first start a demo market with its main job."""

import sys
import time

from qbrain_core.errors import QBrainError
from qbrain_core.settings import Settings

__all__ = ["prepare"]


def prepare(settings: Settings) -> None:
    """Bring records and lake up to date; fill an empty lake with the demo market and queue its main job.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    QBrainError
        If a store cannot be opened or written.
    """
    from lake import open_lake
    from lake.demo import has_demo, write_demo
    from lake.records import open_records

    open_records(settings)
    lake = open_lake(settings)
    if lake.scan("bars").limit(1).collect().is_empty():
        started = time.monotonic()
        print("Q-Brain: the lake is empty; generating the demo market (synthetic prices)", flush=True)
        write_demo(lake)
        print(f"Q-Brain: demo market ready in {time.monotonic() - started:.0f} s", flush=True)
        if settings.env != "test":
            _queue_main_job(settings)
    elif has_demo(lake) and settings.env != "test":
        _queue_main_job(settings)


def _queue_main_job(settings: Settings) -> None:
    from jobs import jobs, submit
    from jobs.demo import main_job

    if jobs(limit=1, settings=settings):
        return
    submit(main_job(), settings=settings)
    print("Q-Brain: the demo's main job is in the queue: factors → training → predictions → backtest", flush=True)


if __name__ == "__main__":
    try:
        prepare(Settings())
    except (QBrainError, OSError) as error:
        sys.exit(f"Q-Brain: {error}")
