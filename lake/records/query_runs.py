"""What people ran on the SQL page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import delete, select

from lake.records.database import Records
from lake.records.models import QueryRunRow

__all__ = ["KEPT", "QueryRun", "forget_runs", "list_runs", "record_run"]

KEPT = 500
"""Runs kept for each user; older ones are forgotten."""


@dataclass(frozen=True)
class QueryRun:
    """A query someone ran.

    Attributes
    ----------
    query, as_of : str
    outcome : str
        done, refused, failed, timeout or cancelled.
    seconds : float
    rows : int or None
        None where there was no result.
    versions : mapping of str to int
        Table versions that were read.
    error : str or None
        Why there was no result.
    at : datetime
        When it ended.
    """

    query: str
    as_of: str
    outcome: str
    seconds: float
    rows: int | None = None
    versions: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def record_run(records: Records, run: QueryRun, *, owner: str) -> None:
    """Note a run.

    Parameters
    ----------
    records : Records
    run : QueryRun
    owner : str
        Who ran it.
    """
    mine = QueryRunRow.owner == owner
    with records.write() as session:
        session.add(
            QueryRunRow(
                owner=owner, at=run.at, query=run.query, as_of=run.as_of, outcome=run.outcome, rows=run.rows,
                seconds=run.seconds, versions=dict(run.versions), error=run.error,
            )
        )  # fmt: skip
        session.flush()
        oldest = select(QueryRunRow.id).where(mine).order_by(QueryRunRow.at.desc(), QueryRunRow.id.desc()).offset(KEPT)
        gone = session.scalars(oldest.limit(KEPT)).all()
        if gone:
            session.execute(delete(QueryRunRow).where(QueryRunRow.id.in_(gone)))


def list_runs(records: Records, *, owner: str, limit: int = 50) -> list[QueryRun]:
    """List what a user ran.

    Parameters
    ----------
    records : Records
    owner : str
    limit : int
        At most so many.

    Returns
    -------
    list of QueryRun
        Newest first; of runs of one query at one point of the lake's history only the newest.
    """
    newest = (
        select(QueryRunRow).where(QueryRunRow.owner == owner).order_by(QueryRunRow.at.desc(), QueryRunRow.id.desc())
    )
    with records.read() as session:
        rows = session.scalars(newest).all()
    runs: dict[tuple[str, str], QueryRun] = {}
    for row in rows:
        if len(runs) < limit:
            run = QueryRun(
                row.query, row.as_of, row.outcome, row.seconds, row.rows, dict(row.versions), row.error, row.at
            )
            runs.setdefault((row.query, row.as_of), run)
    return list(runs.values())


def forget_runs(records: Records, *, owner: str) -> None:
    """Forget what a user ran.

    Parameters
    ----------
    records : Records
    owner : str
    """
    with records.write() as session:
        session.execute(delete(QueryRunRow).where(QueryRunRow.owner == owner))
