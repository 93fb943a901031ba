"""What happened to a table: its versions, who made each, and how many rows and files it had then."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["TableFacts", "TableVersion", "table_facts", "table_versions"]

_SCHEMA_CHANGES = {"ADD COLUMN": "add columns", "DROP CONSTRAINT": "loosen columns"}


@dataclass(frozen=True)
class TableVersion:
    """One version of a table.

    Attributes
    ----------
    version : int
    made_at : datetime or None
        UTC, by the writer's clock; None where the log does not say.
    operation : str
        create, upsert, replace, delete, rollback to …, retain, compact, mark (how far a job has looked), or a change of
        schema.
    job : str
        Who wrote: a job's id, or what an operation without one was called; "" where nobody is named.
    rows : int
    files : int
    changes_data : bool
        False where the same rows only moved to other files, or only the schema grew.
    """

    version: int
    made_at: datetime | None
    operation: str
    job: str
    rows: int
    files: int
    changes_data: bool


@dataclass(frozen=True)
class TableFacts:
    """One table as it is now.

    Attributes
    ----------
    table : str
    newest : TableVersion
    size_bytes : int
        Of the files of the newest version.
    """

    table: str
    newest: TableVersion
    size_bytes: int


def table_versions(lake: "Lake", table: str, *, limit: int = 20) -> list[TableVersion]:
    """List versions of a table.

    Parameters
    ----------
    lake : Lake
    table : str
        As for `Lake.snapshot`.
    limit : int
        At most this many; their log entries are read one by one.

    Returns
    -------
    list of TableVersion
        Newest first; ends early where the log was cleaned up.

    Raises
    ------
    UnknownNameError
        If there is no such table.
    """
    name = lake.catalog.find(table)
    return _versions(lake, name, lake.catalog.latest(name), limit)


def table_facts(lake: "Lake") -> list[TableFacts]:
    """Describe every table.

    Parameters
    ----------
    lake : Lake

    Returns
    -------
    list of TableFacts
        In the order of `Catalog.names`.
    """
    facts = []
    for name in lake.catalog.names():
        files = _files(lake, name, None)
        newest = next(iter(_versions(lake, name, lake.catalog.latest(name), 1)))
        facts.append(TableFacts(name, newest, sum(size for _, size in files.values())))
    return facts


def _versions(lake: "Lake", name: str, latest: int, limit: int) -> list[TableVersion]:
    files = {path: rows for path, (rows, _) in _files(lake, name, latest).items()}
    found: list[TableVersion] = []
    for version in range(latest, max(latest - limit, -1), -1):
        try:
            actions = list(_actions(lake, name, version))
        except FileNotFoundError:
            break
        found.append(_describe(version, actions, files))
        # one version back: what this one added was not there, and of what it removed the log knows no row counts
        added = {unquote(action["path"]) for kind, action in actions if kind == "add"}
        removed = any(kind == "remove" for kind, _ in actions)
        if version and len(found) < limit:
            if removed:
                files = {path: rows for path, (rows, _) in _files(lake, name, version - 1).items()}
            else:
                files = {path: rows for path, rows in files.items() if path not in added}
    return found


def _actions(lake: "Lake", name: str, version: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in lake.catalog.storage.log_entry(name, version).splitlines():
        yield from json.loads(line).items()


def _describe(version: int, actions: list[tuple[str, dict[str, Any]]], files: dict[str, int]) -> TableVersion:
    info = next((action for kind, action in actions if kind == "commitInfo"), {})
    changes = any(bool(action.get("dataChange", True)) for kind, action in actions if kind in ("add", "remove"))
    made = info.get("timestamp")
    job = str(info.get("job", "")).partition("#")[0]
    if info.get("compacted"):
        operation = "compact"
    elif info.get("did") or any(kind in ("add", "remove") for kind, _ in actions):
        operation = str(info.get("did") or "write")
    else:
        operation = "create" if version == 0 else _SCHEMA_CHANGES.get(str(info.get("operation")), "change schema")
    at = datetime.fromtimestamp(made / 1000, UTC) if made else None
    return TableVersion(version, at, operation, job, sum(files.values()), len(files), changes)


def _files(lake: "Lake", name: str, version: int | None) -> dict[str, tuple[int, int]]:
    # rows and bytes by path
    actions = pl.DataFrame(lake.catalog.storage.open(name, version=version).get_add_actions(flatten=True))
    columns = (actions[column].to_list() for column in ("path", "num_records", "size_bytes"))
    return {unquote(str(path)): (int(rows or 0), int(size or 0)) for path, rows, size in zip(*columns, strict=True)}
