"""One entry of a table's Delta log: when it was made, which files it named, and whether rows changed."""

import json
from dataclasses import dataclass
from urllib.parse import unquote

from lake.storage import Storage

__all__ = ["LogEntry", "read_entry"]


@dataclass(frozen=True)
class LogEntry:
    """What one commit did.

    Attributes
    ----------
    made_ms : int
        Milliseconds since the epoch, by the writer's clock; 0 where it does not say.
    adds : frozenset of str
        Paths of the files it added, below the table's root.
    changes_data : bool
        False where it only moved rows to other files, or only changed the schema.
    """

    made_ms: int
    adds: frozenset[str]
    changes_data: bool


def read_entry(storage: Storage, name: str, version: int) -> LogEntry:
    """Read the log entry that made a version.

    Parameters
    ----------
    storage : Storage
    name : str
        Table.
    version : int

    Returns
    -------
    LogEntry

    Raises
    ------
    FileNotFoundError
        If the log has no such entry.
    """
    made_ms, adds, changes = 0, set(), False
    for line in storage.log_entry(name, version).splitlines():
        for kind, action in json.loads(line).items():
            if kind == "commitInfo":
                made_ms = int(action.get("timestamp", 0))
            if kind == "add":
                adds.add(unquote(action["path"]))
            if kind in ("add", "remove"):
                changes |= bool(action.get("dataChange", True))
    return LogEntry(made_ms, frozenset(adds), changes)
