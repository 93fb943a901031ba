"""Factor sets that people keep: every save of other content is a new version, and a version never changes."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lake.records.database import Records
from lake.records.models import FactorSetRow, FactorSetVersionRow
from qbrain_core.errors import InvalidInputError, UnknownNameError
from qbrain_core.factors.sets import FACTOR_SETS, FactorSet, split_reference, validate_set

__all__ = ["archive_set", "find_set", "list_sets", "save_set", "set_versions", "share_set"]

_VISIBILITIES = ("private", "team", "public")


def save_set(records: Records, factors: FactorSet) -> FactorSet:
    """Keep a set: as the next version of its owner's set of that name, or as a new set.

    Parameters
    ----------
    records : Records
    factors : FactorSet
        Its `owner` is who does it; `version` and `saved_at` are not looked at.

    Returns
    -------
    FactorSet
        As kept. The newest version itself where it says the same in the same order; an archived set comes back.

    Raises
    ------
    FactorSyntaxError
        If an expression cannot be read.
    InvalidInputError
        If the set cannot be used (see `validate_set`), the visibility is unknown, or the name is somebody else's.
    """
    validate_set(factors)
    _check_visibility(factors.visibility)
    try:
        return _save(records, factors)
    except IntegrityError:  # somebody made a set of that name in the same moment: now it is there
        return _save(records, factors)


def find_set(records: Records, reference: str, *, user: str) -> FactorSet:
    """Find a set, of those that ship or of those that people keep.

    Parameters
    ----------
    records : Records
    reference : str
        Its name for the newest version, or name and version: `momentum@3`.
    user : str
        Who asks.

    Returns
    -------
    FactorSet
        Archived ones, too: what was made with them goes on.

    Raises
    ------
    UnknownNameError
        If there is no such set, or none that the user may see.
    InvalidInputError
        If the set has no such version.
    """
    name, version = split_reference(reference)
    if name in FACTOR_SETS:
        if version not in (None, FACTOR_SETS[name].version):
            raise _no_version(reference, FACTOR_SETS[name].version)
        return FACTOR_SETS[name]
    with records.read() as session:
        head = session.get(FactorSetRow, name)
        if head is None or not _may_see(head, user):
            known = session.scalars(select(FactorSetRow.name).where(_seen(user), ~FactorSetRow.archived))
            raise UnknownNameError("factor_set", name, [*FACTOR_SETS, *known])
        row = session.get(FactorSetVersionRow, (name, version or head.newest))
        if row is None:
            raise _no_version(reference, head.newest)
        return _factor_set(head, row)


def list_sets(records: Records, *, user: str, archived: bool = False) -> list[FactorSet]:
    """List the sets a user may see, each in its newest version.

    Parameters
    ----------
    records : Records
    user : str
    archived : bool
        With those that were put away.

    Returns
    -------
    list of FactorSet
        Those that ship first, then the user's own, then those of others; each group by name.
    """
    newest = FactorSetVersionRow.version == FactorSetRow.newest
    query = select(FactorSetRow, FactorSetVersionRow).join(FactorSetVersionRow, newest).where(
        FactorSetVersionRow.name == FactorSetRow.name, _seen(user)
    )  # fmt: skip
    if not archived:
        query = query.where(~FactorSetRow.archived)
    with records.read() as session:
        found = [_factor_set(head, row) for head, row in session.execute(query)]
    return [*FACTOR_SETS.values(), *sorted(found, key=lambda s: (s.owner != user, s.name))]


def set_versions(records: Records, name: str, *, user: str) -> list[FactorSet]:
    """List the versions of a set.

    Parameters
    ----------
    records : Records
    name : str
    user : str

    Returns
    -------
    list of FactorSet
        Newest first.

    Raises
    ------
    UnknownNameError
        If there is no such set, or none that the user may see.
    """
    newest = find_set(records, name, user=user)
    if newest.name in FACTOR_SETS:
        return [newest]
    with records.read() as session:
        return list(_versions(session, newest.name))


def archive_set(records: Records, name: str, *, owner: str, archived: bool = True) -> FactorSet:
    """Put a set away, or bring it back.

    Parameters
    ----------
    records : Records
    name : str
    owner : str
        Who does it.
    archived : bool

    Returns
    -------
    FactorSet
        Its newest version.

    Raises
    ------
    UnknownNameError
        If the owner has no such set.
    """
    with records.write() as session:
        head = _own(session, name, owner)
        head.archived = archived
        session.flush()
        return next(_versions(session, name))


def share_set(records: Records, name: str, visibility: str, *, owner: str) -> FactorSet:
    """Say who may see a set, in all its versions.

    Parameters
    ----------
    records : Records
    name : str
    visibility : {"private", "team", "public"}
    owner : str
        Who does it.

    Returns
    -------
    FactorSet
        Its newest version.

    Raises
    ------
    UnknownNameError
        If the owner has no such set.
    InvalidInputError
        If the visibility is unknown.
    """
    _check_visibility(visibility)
    with records.write() as session:
        head = _own(session, name, owner)
        head.visibility = visibility
        session.flush()
        return next(_versions(session, name))


def _save(records: Records, factors: FactorSet) -> FactorSet:
    with records.write() as session:
        # locked, so that of two saves at once the second sees the first's version
        head = session.get(FactorSetRow, factors.name, with_for_update=True)
        if head is None:
            head = FactorSetRow(name=factors.name, owner=factors.owner, newest=0)
            session.add(head)
        elif head.owner != factors.owner:
            raise InvalidInputError("name", factors.name, "somebody else has a set of that name")
        head.visibility, head.archived = factors.visibility, False
        session.flush()  # the set before its version, which refers to it
        latest = session.get(FactorSetVersionRow, (head.name, head.newest))
        if latest is None or not _same(latest, factors):
            head.newest += 1
            latest = FactorSetVersionRow(
                name=head.name, version=head.newest, description=factors.description, author=factors.author,
                expressions=dict(factors.expressions), saved_at=datetime.now(UTC),
            )  # fmt: skip
            session.add(latest)
            session.flush()
        return _factor_set(head, latest)


def _same(row: FactorSetVersionRow, factors: FactorSet) -> bool:
    # as written, spaces and order included: what somebody saved is what they find
    written = list(row.expressions.items()) == list(factors.expressions.items())
    return written and (row.description, row.author) == (factors.description, factors.author)


def _check_visibility(visibility: str) -> None:
    if visibility not in _VISIBILITIES:
        raise InvalidInputError("visibility", visibility, f"it must be one of {', '.join(_VISIBILITIES)}")


def _seen(user: str) -> ColumnElement[bool]:
    return or_(FactorSetRow.owner == user, FactorSetRow.visibility.in_(("team", "public")))


def _may_see(head: FactorSetRow, user: str) -> bool:
    return head.owner == user or head.visibility != "private"


def _own(session: Session, name: str, owner: str) -> FactorSetRow:
    head = session.get(FactorSetRow, name)
    if head is None or head.owner != owner:
        raise UnknownNameError("name", name, session.scalars(select(FactorSetRow.name).filter_by(owner=owner)))
    return head


def _versions(session: Session, name: str) -> Iterator[FactorSet]:
    head = session.get_one(FactorSetRow, name)
    rows = select(FactorSetVersionRow).filter_by(name=name).order_by(FactorSetVersionRow.version.desc())
    return (_factor_set(head, row) for row in session.scalars(rows).all())


def _no_version(reference: str, newest: int) -> InvalidInputError:
    return InvalidInputError("factor_set", reference, f"there is no such version; the newest is {newest}")


def _factor_set(head: FactorSetRow, row: FactorSetVersionRow) -> FactorSet:
    return FactorSet(
        head.name, dict(row.expressions), row.description, row.author, head.owner,
        head.visibility,  # type: ignore[arg-type]  # checked on the way in, and by the table
        row.version, row.saved_at, head.archived,
    )  # fmt: skip
