"""Tables of the records: users, jobs and their attempts, schedules, saved objects, audit."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Float, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from lake.records.columns import Instant

__all__ = [
    "AuditRow",
    "FactorSetReportRow",
    "FactorSetRow",
    "FactorSetVersionRow",
    "JobAttemptRow",
    "JobLinkRow",
    "JobRow",
    "PinRow",
    "QueryRunRow",
    "SavedQueryRow",
    "ScheduleRow",
    "Tables",
    "UserRow",
]

_STATUSES = "'waiting', 'queued', 'running', 'succeeded', 'failed', 'cancelled'"
_VISIBILITIES = "'private', 'team', 'public'"


def _now() -> datetime:
    return datetime.now(UTC)


class Tables(DeclarativeBase):
    """Declarative root; names every constraint so that migrations can refer to it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s", "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        }
    )  # fmt: skip
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSON, str: Text}  # noqa: RUF012 (SQLAlchemy's form)


class _Owned:
    owner: Mapped[str] = mapped_column(String(64), index=True)
    visibility: Mapped[str] = mapped_column(String(16), default="private")
    created_at: Mapped[datetime] = mapped_column(default=_now)


def _visibility_check() -> CheckConstraint:
    return CheckConstraint(f"visibility IN ({_VISIBILITIES})", name="visibility")


class UserRow(Tables):
    """Someone who owns things."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    role: Mapped[str] = mapped_column(String(16), default="user")
    created_at: Mapped[datetime] = mapped_column(default=_now)


class JobRow(_Owned, Tables):
    """A job: the truth about it, and the outbox of the queue.

    `attempt` is the fencing number: whoever writes a result names the attempt it made. `not_before` and `lease_until`
    are seconds by the database's clock. `cancelled_by` is the job whose end took this one down with it.
    """

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(default="")
    queue: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(16))
    spec: Mapped[dict[str, Any]]
    spec_hash: Mapped[str] = mapped_column(String(64))
    code_hash: Mapped[str] = mapped_column(String(64))
    versions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    parent: Mapped[str | None] = mapped_column(String(32))
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    retries_left: Mapped[int] = mapped_column(Integer, default=0)
    takeovers_left: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[float | None] = mapped_column(Float)
    lease_until: Mapped[float | None] = mapped_column(Float)
    worker: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    cancelled_by: Mapped[str | None] = mapped_column(String(32))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[str | None]
    hint: Mapped[str | None]
    peak_rss_mib: Mapped[float | None] = mapped_column(Float)
    archived: Mapped[bool] = mapped_column(Boolean, default=False)
    links: Mapped[list["JobLinkRow"]] = relationship(
        foreign_keys="JobLinkRow.job_id", order_by="JobLinkRow.position", lazy="selectin"
    )

    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        _visibility_check(),
        Index("ix_jobs_status_queue", "status", "queue"),
        Index("ix_jobs_status_created_at", "status", "created_at"),
        Index("ix_jobs_kind_created_at", "kind", "created_at"),
        Index("ix_jobs_owner_created_at", "owner", "created_at"),
        Index("ix_jobs_archived_finished_at", "archived", "finished_at"),
        Index("ix_jobs_created_at", "created_at"),
    )


class JobAttemptRow(Tables):
    """One attempt at a job; `outcome` is null while it runs."""

    __tablename__ = "job_attempts"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer, primary_key=True)
    worker: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime] = mapped_column(default=_now)
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    error: Mapped[str | None]
    peak_rss_mib: Mapped[float | None] = mapped_column(Float)


class JobLinkRow(Tables):
    """A job comes after another."""

    __tablename__ = "job_links"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    after_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)


class ScheduleRow(_Owned, Tables):
    """Specs submitted again and again; `next_at` is the claim: whoever moves it on submits."""

    __tablename__ = "schedules"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    trigger: Mapped[str]
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    specs: Mapped[list[Any]] = mapped_column(JSON)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    last_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    __table_args__ = (_visibility_check(),)


class SavedQueryRow(_Owned, Tables):
    """A query someone keeps; `screen` holds what else the page showed: query parameters of its URL."""

    __tablename__ = "saved_queries"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    query: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(default=_now, onupdate=_now)
    screen: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        _visibility_check(),
        Index("uq_saved_queries_owner_name", "owner", "name", unique=True),
        Index("ix_saved_queries_visibility_name", "visibility", "name"),
    )


class QueryRunRow(Tables):
    """A query someone ran on the SQL page; `outcome` is done, refused, failed, timeout or cancelled."""

    __tablename__ = "query_runs"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    owner: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=_now)
    query: Mapped[str]
    as_of: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(String(16))
    rows: Mapped[int | None] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Float)
    versions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None]

    __table_args__ = (Index("ix_query_runs_owner_at", "owner", "at"),)


class FactorSetRow(_Owned, Tables):
    """A factor set someone keeps, whatever its version; `newest` is the latest one's number."""

    __tablename__ = "factor_sets"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    newest: Mapped[int] = mapped_column(Integer, default=1)
    archived: Mapped[bool] = mapped_column(Boolean, default=False)

    __table_args__ = (_visibility_check(),)


class FactorSetVersionRow(Tables):
    """One version of a factor set: expressions by factor name, in column order. Never changed."""

    __tablename__ = "factor_set_versions"
    name: Mapped[str] = mapped_column(String(64), ForeignKey("factor_sets.name"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    description: Mapped[str] = mapped_column(default="")
    author: Mapped[str] = mapped_column(default="")
    expressions: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime] = mapped_column(default=_now)


class FactorSetReportRow(Tables):
    """What was found out about the expressions of a set, by their digest: the latest finding of each kind."""

    __tablename__ = "factor_set_reports"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    result: Mapped[dict[str, Any]]
    made_at: Mapped[datetime] = mapped_column(default=_now)


class PinRow(_Owned, Tables):
    """Table versions under a name, to be read together again."""

    __tablename__ = "pins"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    versions: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(default="")

    __table_args__ = (_visibility_check(), Index("ix_pins_created_at", "created_at"))


class AuditRow(Tables):
    """Someone did something to something."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=_now, index=True)
    user: Mapped[str] = mapped_column("user_id", String(64))
    action: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    __table_args__ = (
        Index("ix_audit_user_id_at", "user_id", "at"),
        Index("ix_audit_action_at", "action", "at"),
        Index("ix_audit_object_at", "object", "at"),
    )
