"""Marks that say up to which version of a table a recurring piece of work has been done, kept in the table's log."""

import json
from collections.abc import Callable
from typing import Any

from deltalake.exceptions import CommitFailedError

from lake.storage import Storage
from lake.swap import pause, swap
from lake.tables import Table
from qbrain_core.errors import CommitConflictError

__all__ = ["read_facts", "read_watermark", "set_watermark"]

_ATTEMPTS = 40


def read_watermark(storage: Storage, table: Table, work: str) -> int | None:
    """Find up to which version a piece of work has been done.

    Parameters
    ----------
    storage : Storage
    table : Table
    work : str
        What identifies the work and every choice that decides its result.

    Returns
    -------
    int or None
        None where it was never finished.
    """
    return storage.open(table.name).transaction_version(work)


def read_facts(storage: Storage, name: str, work: str) -> tuple[int, dict[str, Any]] | None:
    """Find what a piece of work last noted with a commit (`Transaction.note`).

    Parameters
    ----------
    storage : Storage
    name : str
        Table.
    work : str

    Returns
    -------
    tuple of (int, dict) or None
        Version that commit made, and the facts; None where there are none, or the log was cleaned up.
    """
    if not storage.exists(name):
        return None
    version = storage.open(name).transaction_version(work)
    if version is None:
        return None
    try:
        entry = storage.log_entry(name, version)
    except FileNotFoundError:
        return None
    for line in entry.splitlines():
        facts = json.loads(json.loads(line).get("commitInfo", {}).get("facts", "{}"))
        if work in facts:
            return version, facts[work]
    return None


def set_watermark(
    storage: Storage, table: Table, work: str, version: int, *, job_id: str, fence: Callable[[], None]
) -> None:
    """Note that a piece of work has been done up to a version; one commit that changes no row.

    Parameters
    ----------
    storage : Storage
    table : Table
    work : str
        As for `read_watermark`.
    version : int
        Of the table, as it was read.
    job_id : str
        Kept with the commit.
    fence : callable
        Called right before the commit; raises when the caller no longer owns its job.

    Raises
    ------
    CommitConflictError
        If other writers of the table kept winning.
    """
    storage.allow_writing()
    for attempt in range(_ATTEMPTS):
        opened = storage.open(table.name)
        known = opened.transaction_version(work)
        if known is not None and known >= version:
            return
        fence()
        try:
            swap(opened, table, (), (), app=(work, version), note={"job": job_id, "did": "mark"}, data_change=False)
        except CommitFailedError:
            pause(attempt)
        else:
            return
    raise CommitConflictError(f"{table.name}: other writers won {_ATTEMPTS} times; the mark was not set")
