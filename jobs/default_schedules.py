"""Schedules that an installation starts with; whoever runs it may change, disable or remove them for good."""

import polars as pl
from sqlalchemy import select

from jobs.timetable import Schedule, add_schedule, schedules
from lake import Lake
from lake.records import open_records
from lake.records.models import AuditRow
from qbrain_core.settings import Settings
from qbrain_core.specs import UpkeepSpec

__all__ = ["UPKEEP_SCHEDULE", "add_default_schedules"]

UPKEEP_SCHEDULE = "nightly upkeep"
"""Name of the schedule that looks after the lake."""

_TRIGGER = "20 22 * * *"  # UTC: New York and London have closed, Tokyo, Shanghai and Hong Kong have not opened


def add_default_schedules(settings: Settings, lake: Lake) -> list[Schedule]:
    """Add the schedules that this installation has never had.

    Parameters
    ----------
    settings : Settings
    lake : Lake

    Returns
    -------
    list of Schedule
        Those added now; one that somebody removed does not come back.
    """
    if any(s.name == UPKEEP_SCHEDULE for s in schedules(settings=settings)) or _had(settings, lake, UPKEEP_SCHEDULE):
        return []
    return [add_schedule(UPKEEP_SCHEDULE, _TRIGGER, [UpkeepSpec(name=UPKEEP_SCHEDULE)], settings=settings)]


def _had(settings: Settings, lake: Lake, name: str) -> bool:
    # the audit trail is the memory of what was here, and its old lines are in the lake
    mine = (AuditRow.action == "add schedule", AuditRow.object == name)
    with open_records(settings).read() as session:
        if session.scalars(select(AuditRow.id).where(*mine).limit(1)).first() is not None:
            return True
    archived = lake.scan("audit").filter(pl.col("action") == "add schedule", pl.col("object") == name)
    return not archived.limit(1).collect().is_empty()
