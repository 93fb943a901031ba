"""What commits have changed in a table since a version, by partition, as the table's log tells it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from lake.storage import Storage

__all__ = ["Change", "changes_since"]


@dataclass(frozen=True)
class Change:
    """Files that one commit added to, or removed from, one partition.

    Attributes
    ----------
    version : int
        Of the commit.
    job : str
        Who made it, as the commit notes; empty where it does not.
    partition : mapping of str to str
        Values of the partition columns, as texts.
    low, high : mapping of str to object
        Least and greatest values of an added file's columns, as the log words them; empty of a removed one.
    removed : bool
        Whether rows may have gone: the file is one that was removed.
    """

    version: int
    job: str
    partition: Mapping[str, str]
    low: Mapping[str, Any]
    high: Mapping[str, Any]
    removed: bool


def changes_since(
    storage: Storage, name: str, since: int, until: int, *, ignore: Callable[[str], bool] = lambda job: False
) -> list[Change] | None:
    """Tell which partitions have other rows at one version than at an earlier one.

    Parameters
    ----------
    storage : Storage
    name : str
        Table.
    since, until : int
        Versions; changes of the first are not counted, those of the last are.
    ignore : callable, optional
        Told the job of a commit; commits it says yes to are left out.

    Returns
    -------
    list of Change or None
        Oldest first; commits that moved rows to other files and changed none are left out. None where the log has been
        cleaned up in between, so that anything may have changed.
    """
    found: list[Change] = []
    for version in range(since + 1, until + 1):
        try:
            entry = storage.log_entry(name, version)
        except FileNotFoundError:
            return None
        actions = [action for line in entry.splitlines() for action in json.loads(line).items()]
        job = next((str(body.get("job", "")) for kind, body in actions if kind == "commitInfo"), "")
        if not ignore(job):
            found += _changes(version, job, actions)
    return found


def _changes(version: int, job: str, actions: list[tuple[str, dict[str, Any]]]) -> Iterator[Change]:
    for kind, body in actions:
        if kind in ("add", "remove") and body.get("dataChange", True):
            folders = unquote(body["path"]).split("/")[:-1]
            partition = {column: unquote(value) for column, _, value in (part.partition("=") for part in folders)}
            bounds = json.loads(body.get("stats") or "{}") if kind == "add" else {}
            low, high = bounds.get("minValues", {}), bounds.get("maxValues", {})
            yield Change(version, job, partition, low, high, kind == "remove")
