"""Schedules: specs submitted again and again, by cron or by an exchange's sessions."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.validate import check_names
from lake.records import open_records
from lake.records.models import ScheduleRow
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.markets import MARKETS
from qbrain_core.settings import Settings
from qbrain_core.specs import JobSpec, dump_spec, parse_spec

__all__ = [
    "Schedule",
    "add_schedule",
    "claim_due",
    "enable_schedule",
    "next_runs",
    "note_outcome",
    "remove_schedule",
    "schedules",
]

_SESSION_TRIGGER = re.compile(r"(\d{1,4}) min (before|after) the (\w+) (open|close)")
_FORM = "a trigger is a cron line ('30 18 * * 1-5') or like '30 min after the SH close'"


@dataclass(frozen=True)
class Schedule:
    """Specs and when they are submitted.

    Attributes
    ----------
    trigger : str
        A cron line, read in `timezone`, or `30 min after the SH close`: minutes, before or after, a market or the
        suffix of its instruments, open or close.
    next_at : datetime, optional
        UTC; None while it is disabled.
    last_error : str, optional
        Why the last submission was refused.
    """

    id: str
    name: str
    trigger: str
    timezone: str
    specs: list[dict[str, Any]]
    owner: str
    visibility: str
    enabled: bool
    next_at: datetime | None
    last_at: datetime | None
    last_error: str | None


def next_runs(trigger: str, *, timezone: str = "UTC", after: datetime | None = None, n: int = 5) -> list[datetime]:
    """Tell when a trigger fires next.

    Parameters
    ----------
    trigger : str
        See `Schedule`.
    timezone : str
        Of a cron line, for example Asia/Shanghai.
    after : datetime, optional
        Empty: now.
    n : int

    Returns
    -------
    list of datetime
        UTC, ascending; fewer than `n` where the exchange's calendar ends.

    Raises
    ------
    InvalidInputError
        If the trigger or the time zone means nothing.
    """
    after = (after or datetime.now(UTC)).astimezone(UTC)
    matched = _SESSION_TRIGGER.fullmatch(" ".join(trigger.split()))
    if matched:
        minutes, side, market, edge = matched.groups()
        shift = timedelta(minutes=int(minutes) * (1 if side == "after" else -1))
        return _session_times(market, edge, shift, after, n)
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError):
        raise InvalidInputError("timezone", timezone, "no such time zone is known; like Asia/Shanghai") from None
    if len(trigger.split()) != 5 or not croniter.is_valid(trigger):
        raise InvalidInputError("trigger", trigger, _FORM)
    times = croniter(trigger, after.astimezone(zone))
    return [times.get_next(datetime).astimezone(UTC) for _ in range(n)]


def add_schedule(
    name: str, trigger: str, specs: Sequence[JobSpec | Mapping[str, Any]], *, timezone: str = "UTC",
    owner: str | None = None, settings: Settings | None = None,
) -> Schedule:  # fmt: skip
    """Have specs submitted again and again.

    Parameters
    ----------
    name : str
    trigger : str
        See `Schedule`.
    specs : sequence of JobSpec or mapping
        Submitted together; data is looked at each time anew.
    timezone : str
        Of a cron line.
    owner : str, optional
    settings : Settings, optional

    Returns
    -------
    Schedule

    Raises
    ------
    InvalidInputError
        If the name is taken, or trigger, time zone or a spec means nothing.
    """
    settings = settings or Settings()
    first = next_runs(trigger, timezone=timezone, n=1)
    parsed = [s if isinstance(s, JobSpec) else parse_spec(s) for s in specs]
    if not parsed:
        raise InvalidInputError("specs", [], "a schedule has at least one spec")
    for spec in parsed:
        check_names(spec, settings)
    row = ScheduleRow(
        id=uuid.uuid4().hex[:20], name=name, trigger=trigger, timezone=timezone, enabled=True,
        specs=json.loads(json.dumps([dump_spec(s) for s in parsed])), owner=owner or settings.owner,
        visibility=parsed[0].visibility, next_at=first[0] if first else None,
    )  # fmt: skip
    with open_records(settings).write() as session:
        if session.scalars(select(ScheduleRow.id).where(ScheduleRow.name == name)).first():
            raise InvalidInputError("name", name, "a schedule of that name exists")
        session.add(row)
    kinds = [spec["kind"] for spec in row.specs]
    open_records(settings).note(row.owner, "add schedule", name, trigger=trigger, timezone=timezone, kinds=kinds)
    return _schedule(row)


def remove_schedule(name: str, *, settings: Settings | None = None) -> None:
    """Forget a schedule.

    Parameters
    ----------
    name : str
    settings : Settings, optional

    Raises
    ------
    UnknownNameError
        If there is no such schedule.
    """
    settings = settings or Settings()
    records = open_records(settings)
    with records.write() as session:
        session.delete(_named(session, name))
    records.note(settings.owner, "remove schedule", name)


def enable_schedule(name: str, enabled: bool = True, *, settings: Settings | None = None) -> Schedule:
    """Let a schedule run again, or not until further notice.

    Parameters
    ----------
    name : str
    enabled : bool
    settings : Settings, optional

    Returns
    -------
    Schedule
        Enabled anew, it runs at its next time from now.

    Raises
    ------
    UnknownNameError
        If there is no such schedule.
    """
    settings = settings or Settings()
    records = open_records(settings)
    with records.write() as session:
        row = _named(session, name)
        if row.enabled != enabled:
            following = next_runs(row.trigger, timezone=row.timezone, n=1) if enabled else []
            row.enabled, row.next_at = enabled, following[0] if following else None
        schedule = _schedule(row)
    records.note(settings.owner, "enable schedule" if enabled else "disable schedule", name)
    return schedule


def schedules(*, settings: Settings | None = None) -> list[Schedule]:
    """List the schedules.

    Parameters
    ----------
    settings : Settings, optional

    Returns
    -------
    list of Schedule
        By name.
    """
    with open_records(settings or Settings()).read() as session:
        return [_schedule(row) for row in session.scalars(select(ScheduleRow).order_by(ScheduleRow.name))]


def claim_due(settings: Settings, *, now: datetime | None = None) -> list[Schedule]:
    """Take the schedules that are due and move each on to its next time; runs missed meanwhile count as one.

    Parameters
    ----------
    settings : Settings
    now : datetime, optional

    Returns
    -------
    list of Schedule
        Those this caller has to submit: of several schedulers each run goes to one.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC)
    records = open_records(settings)
    due = select(ScheduleRow).where(ScheduleRow.enabled.is_(True), ScheduleRow.next_at <= now)
    with records.read() as session:
        rows = list(session.scalars(due))
    claimed = []
    for row in rows:
        following = next_runs(row.trigger, timezone=row.timezone, after=now, n=1)
        with records.write() as session:
            changed = session.execute(
                update(ScheduleRow).where(ScheduleRow.id == row.id, ScheduleRow.next_at == row.next_at)
                .values(next_at=following[0] if following else None, last_at=now)
                .returning(ScheduleRow.id).execution_options(synchronize_session=False)
            ).scalar()  # fmt: skip
        if changed is not None:
            claimed.append(_schedule(row))
    return claimed


def note_outcome(settings: Settings, schedule: Schedule, error: str | None) -> None:
    """Keep why a submission was refused, or that it was not.

    Parameters
    ----------
    settings : Settings
    schedule : Schedule
    error : str, optional
    """
    with open_records(settings).write() as session:
        session.execute(update(ScheduleRow).where(ScheduleRow.id == schedule.id).values(last_error=error))


def _named(session: Session, name: str) -> ScheduleRow:
    row = session.scalars(select(ScheduleRow).where(ScheduleRow.name == name)).first()
    if row is None:
        raise UnknownNameError("schedule", name, session.scalars(select(ScheduleRow.name)))
    return row


def _session_times(market: str, edge: str, shift: timedelta, after: datetime, n: int) -> list[datetime]:
    # pandas and the calendars take a second to import: only where a session trigger is used
    import exchange_calendars
    import pandas as pd

    by_suffix = {suffix: m for m in MARKETS.values() for suffix in m.suffixes} | MARKETS
    if market not in by_suffix:
        raise UnknownNameError("trigger", market, by_suffix)
    start = pd.Timestamp(after.date()) - pd.Timedelta(days=5)
    calendar = exchange_calendars.get_calendar(by_suffix[market].calendar, start=start)
    times = calendar.opens if edge == "open" else calendar.closes
    moments = ((stamp.to_pydatetime() + shift).astimezone(UTC) for stamp in times)
    return [moment for moment in moments if moment > after][:n]


def _schedule(row: ScheduleRow) -> Schedule:
    return Schedule(
        row.id, row.name, row.trigger, row.timezone, list(row.specs), row.owner, row.visibility, row.enabled,
        row.next_at, row.last_at, row.last_error,
    )  # fmt: skip
