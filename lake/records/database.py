"""Open the records' database, bring its schema up to date, and hand out transactions."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from lake.records.models import AuditRow, PinRow
from qbrain_core.errors import InvalidInputError, TransientError, UnknownNameError
from qbrain_core.settings import Settings

__all__ = ["Records", "open_records"]

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 15_000
"""How long a SQLite connection waits for another writer, in milliseconds."""
_RECYCLE_S = 1_800
"""Age at which a PostgreSQL connection is replaced, in seconds: what stands between may forget older ones."""
_CONNECT_S = 10
"""How long PostgreSQL may take to answer a new connection, in seconds."""
_POSTGRES = {
    "statement_timeout": 60_000,  # no query of ours takes a second: one that does waits for a lock or for a dead disk
    "lock_timeout": 15_000,
    "idle_in_transaction_session_timeout": 120_000,  # a host that is gone must not hold its locks
}  # of every connection, in milliseconds
_LOCK = 7_302_001  # any number, the same everywhere: PostgreSQL's advisory lock for migrating


class Records:
    """The records of one installation.

    Attributes
    ----------
    engine : Engine
        SQLite connections are opened for each transaction and closed after it, so that nothing is shared by a fork.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(immediate=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading.

        Yields
        ------
        Session
            One consistent snapshot.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session for writing; commits when the block ends well, else rolls back.

        Yields
        ------
        Session
            On SQLite the write lock is held from the start, so reading and then updating loses nothing.
        """
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def pin(self, name: str) -> Mapping[str, int] | None:
        """Look up the table versions kept under a name.

        Parameters
        ----------
        name : str

        Returns
        -------
        mapping of str to int, or None
            None where no pin has that name.
        """
        with self.read() as session:
            row = session.get(PinRow, name)
            return {table: int(version) for table, version in row.versions.items()} if row else None

    def set_pin(self, name: str, versions: Mapping[str, int], *, owner: str, note: str = "") -> None:
        """Keep table versions under a name.

        Parameters
        ----------
        name : str
        versions : mapping of str to int
        owner : str
        note : str

        Raises
        ------
        InvalidInputError
            If the name is taken by other versions: what a pin means never changes.
        """
        with self.write() as session:
            row = session.get(PinRow, name)
            if row is None:
                session.add(PinRow(name=name, versions=dict(versions), owner=owner, note=note))
            elif row.versions != dict(versions):
                raise InvalidInputError("name", name, "a pin of that name exists and means other versions")

    def pins(self) -> list[PinRow]:
        """List the pins.

        Returns
        -------
        list of PinRow
            Newest first.
        """
        with self.read() as session:
            return list(session.scalars(select(PinRow).order_by(PinRow.created_at.desc(), PinRow.name)))

    def remove_pin(self, name: str) -> Mapping[str, int]:
        """Forget a pin; what it alone kept may be cleaned up from now on.

        Parameters
        ----------
        name : str

        Returns
        -------
        mapping of str to int
            The versions it kept.

        Raises
        ------
        UnknownNameError
            If there is no such pin.
        """
        with self.write() as session:
            row = session.get(PinRow, name)
            if row is None:
                raise UnknownNameError("pin", name, session.scalars(select(PinRow.name)))
            session.delete(row)
            return {table: int(version) for table, version in row.versions.items()}

    def note(self, user: str, action: str, subject: str = "", **detail: Any) -> None:
        """Add a line to the audit trail.

        Parameters
        ----------
        user : str
        action : str
        subject : str
            What it was done to.
        **detail
            JSON values.
        """
        with self.write() as session:
            session.add(AuditRow(user=user, action=action, object=subject, detail=detail))


def open_records(settings: Settings) -> Records:
    """Open the records, migrated to this version's schema.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Records
        The same one for every call of this process.

    Raises
    ------
    InvalidInputError
        If the URL is not a database URL, or the schema is newer than this version of the product.
    TransientError
        If the database cannot be reached.
    """
    if not settings.database_url:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _open(settings.database, os.getpid())


@lru_cache(maxsize=16)
def _open(url: str, pid: int) -> Records:
    try:
        engine = _engine(url)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise InvalidInputError("QBRAIN_DATABASE_URL", url.partition("@")[0], f"it cannot be used: {error}") from None
    try:
        _migrate(engine)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
        raise TransientError(f"the records' database does not answer: {reason}") from error
    return Records(engine)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return _server_engine(url)
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        # BEGIN is ours to send: the driver would send it late, after the first read
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _server_engine(url: str) -> Engine:
    engine = create_engine(
        url, pool_pre_ping=True, pool_recycle=_RECYCLE_S, pool_size=4, max_overflow=8,
        connect_args={"connect_timeout": _CONNECT_S},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        # not as options of the connection: a pooler in front of the server would refuse them
        with connection.cursor() as cursor:
            for name, limit_ms in _POSTGRES.items():
                cursor.execute(f"SET {name} = {limit_ms}")
        connection.commit()

    return engine


def _migrate(engine: Engine) -> None:
    newest = max(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    with engine.connect() as connection:
        if _version(connection) == newest:
            return
    from alembic import command
    from alembic.config import Config

    with engine.execution_options(immediate=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            for name in _POSTGRES:  # a large table takes its time, and whoever comes second waits for the first
                connection.execute(text(f"SET LOCAL {name} = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        current = _version(connection)
        if current == newest:
            return
        if current is not None and current > newest:
            rule = f"this version of the product knows schemas up to {newest}; install the newer one"
            raise InvalidInputError("the records' schema", current, rule)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(version) if version is not None else None
