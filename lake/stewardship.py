"""What a person does to the lake on purpose: roll back, delete, pin, unpin; each leaves a line in the audit trail."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lake.catalog import AsOf
from lake.records import open_records
from lake.where import matches, parse_where
from qbrain_core.errors import InvalidInputError

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["Stewarded", "count_rows", "delete_rows", "pin", "rollback", "unpin"]

_PIN_NAME = re.compile(r"[\w][\w.\-]{0,63}")


@dataclass(frozen=True)
class Stewarded:
    """What came of it.

    Attributes
    ----------
    table : str
    before, version : int
        The table's newest version before and after; equal where nothing was to do.
    rows : int
        Rows of the table afterwards.
    removed : int
        Rows that went; of a rollback, the rows of every file it took away.
    """

    table: str
    before: int
    version: int
    rows: int
    removed: int


def rollback(lake: "Lake", table: str, version: int, *, user: str) -> Stewarded:
    """Make the rows of an older version of a table its newest ones.

    Parameters
    ----------
    lake : Lake
    table : str
        As for `Lake.snapshot`.
    version : int
    user : str
        Who does it.

    Returns
    -------
    Stewarded

    Raises
    ------
    UnknownNameError
        If there is no such table.
    InvalidInputError
        If there is no such version, or its files were cleaned up.
    CommitConflictError
        If other writers of the table kept winning.
    """
    name = lake.catalog.find(table)
    before = lake.catalog.latest(name)
    with lake.commit(_job("rollback"), 1) as transaction:
        transaction.rollback(name, version)
    return _noted(lake, user, "rollback", name, before, transaction.deleted[name], to=version)


def delete_rows(lake: "Lake", table: str, where: Mapping[str, object], *, user: str) -> Stewarded:
    """Delete the rows of a table that match; older versions keep them.

    Parameters
    ----------
    lake : Lake
    table : str
        As for `Lake.snapshot`.
    where : mapping of str to object
        Columns and the values they equal, or texts that mean them; None: where there is no value.
    user : str
        Who does it.

    Returns
    -------
    Stewarded

    Raises
    ------
    UnknownNameError
        If there is no such table.
    InvalidInputError
        If `where` is empty, names an unknown column, or a value is not of its column's type.
    CommitConflictError
        If other writers of the table kept winning.
    """
    name = lake.catalog.find(table)
    values = parse_where(lake.catalog.declaration(name), where)
    before = lake.catalog.latest(name)
    with lake.commit(_job("delete"), 1) as transaction:
        transaction.delete(name, where=values)
    spelled = {column: None if value is None else str(value) for column, value in values.items()}
    return _noted(lake, user, "delete", name, before, transaction.deleted[name], where=spelled)


def count_rows(lake: "Lake", table: str, where: Mapping[str, object]) -> int:
    """Count the rows that `delete_rows` would delete.

    Parameters
    ----------
    lake : Lake
    table : str
    where : mapping of str to object

    Returns
    -------
    int

    Raises
    ------
    UnknownNameError, InvalidInputError
        As `delete_rows`.
    """
    snapshot = lake.snapshot(table)
    values = parse_where(snapshot.table, where)
    return lake.scan(snapshot.table.name).filter(matches(values)).collect().height


def pin(lake: "Lake", name: str, *, user: str, as_of: AsOf = None, note: str = "") -> dict[str, int]:
    """Keep a point of the lake's history under a name; nothing that it shows is cleaned up.

    Parameters
    ----------
    lake : Lake
    name : str
        Letters, digits, `_`, `-` and `.`; no moment.
    user : str
        Who does it.
    as_of : optional
        The point; now when left out.
    note : str

    Returns
    -------
    dict of str to int
        Data version of every table.

    Raises
    ------
    InvalidInputError
        If the name cannot be one, is taken by other versions, or `as_of` means nothing.
    """
    if not _PIN_NAME.fullmatch(name) or _is_moment(name):
        rule = "a pin's name is up to 64 letters, digits, '_', '-' or '.', and no date or time"
        raise InvalidInputError("pin", name, rule)
    versions = lake.data_versions(as_of)
    for table, version in versions.items():
        lake.catalog.snapshot(table, version)  # refuses what was cleaned up already
    records = open_records(lake.settings)
    records.set_pin(name, versions, owner=user, note=note)
    records.note(user, "pin", name, as_of=str(as_of or ""), note=note)
    return versions


def unpin(lake: "Lake", name: str, *, user: str) -> Mapping[str, int]:
    """Forget a pin; versions that it alone kept go with the next cleaning.

    Parameters
    ----------
    lake : Lake
    name : str
    user : str
        Who does it.

    Returns
    -------
    mapping of str to int
        The versions it kept, to pin them again.

    Raises
    ------
    UnknownNameError
        If there is no such pin.
    """
    records = open_records(lake.settings)
    versions = records.remove_pin(name)
    records.note(user, "unpin", name, versions=dict(versions))
    return versions


def _job(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:12]}"


def _noted(lake: "Lake", user: str, action: str, name: str, before: int, removed: int, **detail: object) -> Stewarded:
    snapshot = lake.catalog.snapshot(name)
    done = Stewarded(name, before, snapshot.version, snapshot.rows, removed)
    particulars = detail | {"before": before, "version": done.version, "removed": removed}
    open_records(lake.settings).note(user, action, name, **particulars)
    return done


def _is_moment(name: str) -> bool:
    try:
        datetime.fromisoformat(name)
    except ValueError:
        return False
    return True
