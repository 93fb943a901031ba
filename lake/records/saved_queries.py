"""Queries that people keep: their own, and those that others let them see."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lake.records.database import Records
from lake.records.models import SavedQueryRow
from qbrain_core.errors import InvalidInputError, UnknownNameError

__all__ = ["VISIBILITIES", "SavedQuery", "delete_query", "find_query", "list_queries", "save_query"]

VISIBILITIES = ("private", "team", "public")
"""Who may see a query: its owner alone, everybody with an account, everybody."""

_ID_BYTES = 6
_NAME_CHARS = 120


@dataclass(frozen=True)
class SavedQuery:
    """A query someone keeps.

    Attributes
    ----------
    id, name, query, owner, visibility : str
    screen : mapping of str to str
        What else the page showed: query parameters of its URL, such as `as_of`.
    updated_at : datetime
    """

    id: str
    name: str
    query: str
    owner: str
    visibility: str
    screen: Mapping[str, str]
    updated_at: datetime


def save_query(
    records: Records,
    name: str,
    query: str,
    *,
    owner: str,
    visibility: str = "private",
    screen: Mapping[str, str] | None = None,
    id: str | None = None,
) -> SavedQuery:
    """Keep a query, or change one.

    Parameters
    ----------
    records : Records
    name : str
        Not empty; an owner's names differ.
    query : str
    owner : str
        Who does it.
    visibility : str
        One of `VISIBILITIES`.
    screen : mapping of str to str, optional
    id : str, optional
        The query to change, which the owner has; a new one is made when left out.

    Returns
    -------
    SavedQuery

    Raises
    ------
    InvalidInputError
        If the name is empty, too long or taken, the query empty, or the visibility unknown.
    UnknownNameError
        If the owner has no query of that id.
    """
    name = name.strip()
    if not 0 < len(name) <= _NAME_CHARS:
        raise InvalidInputError("name", name, f"it must have 1 to {_NAME_CHARS} characters")
    if not query.strip():
        raise InvalidInputError("query", query, "there is nothing to keep")
    if visibility not in VISIBILITIES:
        raise InvalidInputError("visibility", visibility, f"it must be one of {', '.join(VISIBILITIES)}")
    with records.write() as session:
        same = select(SavedQueryRow).where(SavedQueryRow.owner == owner, SavedQueryRow.name == name)
        other = session.scalars(same).one_or_none()
        if other is not None and other.id != id:
            raise InvalidInputError("name", name, "you have a saved query of that name")
        row = SavedQueryRow(id=secrets.token_hex(_ID_BYTES), owner=owner) if id is None else _own(session, id, owner)
        row.name, row.query, row.visibility, row.screen = name, query, visibility, dict(screen or {})
        session.add(row)
        session.flush()
        return _saved(row)


def find_query(records: Records, id: str, *, user: str) -> SavedQuery | None:
    """Find a saved query.

    Parameters
    ----------
    records : Records
    id : str
    user : str
        Who asks.

    Returns
    -------
    SavedQuery or None
        None where there is none, or none that the user may see.
    """
    with records.read() as session:
        row = session.get(SavedQueryRow, id)
        return _saved(row) if row is not None and (row.owner == user or row.visibility != "private") else None


def list_queries(records: Records, *, user: str) -> list[SavedQuery]:
    """List the queries a user may see.

    Parameters
    ----------
    records : Records
    user : str

    Returns
    -------
    list of SavedQuery
        The user's own first, each group by name.
    """
    seen = or_(SavedQueryRow.owner == user, SavedQueryRow.visibility.in_(("team", "public")))
    with records.read() as session:
        found = [_saved(row) for row in session.scalars(select(SavedQueryRow).where(seen))]
    return sorted(found, key=lambda query: (query.owner != user, query.name.casefold()))


def delete_query(records: Records, id: str, *, owner: str) -> None:
    """Delete a saved query.

    Parameters
    ----------
    records : Records
    id : str
    owner : str
        Who does it.

    Raises
    ------
    UnknownNameError
        If the owner has no query of that id.
    """
    with records.write() as session:
        session.delete(_own(session, id, owner))


def _own(session: Session, id: str, owner: str) -> SavedQueryRow:
    row = session.get(SavedQueryRow, id)
    if row is None or row.owner != owner:
        raise UnknownNameError("id", id, ())
    return row


def _saved(row: SavedQueryRow) -> SavedQuery:
    screen: Mapping[str, Any] = row.screen or {}
    return SavedQuery(
        row.id, row.name, row.query, row.owner, row.visibility, {k: str(v) for k, v in screen.items()}, row.updated_at
    )
