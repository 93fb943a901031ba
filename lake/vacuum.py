"""Delete files that no version worth keeping names: what killed writers left, and what old versions alone need."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lake.catalog import Catalog
from lake.files import read_files
from lake.log import read_entry
from lake.pins import pinned_versions
from qbrain_core.errors import InvalidInputError

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["RETENTION_S", "SHORTEST_RETENTION_S", "Vacuumed", "vacuum"]

RETENTION_S = 30 * 86_400
"""How far back `as_of` a moment reaches without a pin, in seconds."""

SHORTEST_RETENTION_S = 3_600
"""The least retention, in seconds: a file may be this old before the commit that names it."""


@dataclass(frozen=True)
class Vacuumed:
    """What was deleted from one table, or would be on a dry run.

    Attributes
    ----------
    table : str
    files : tuple of str
        Paths below the table's root, ascending.
    size_bytes : int
    """

    table: str
    files: tuple[str, ...]
    size_bytes: int


def vacuum(
    lake: "Lake", tables: Sequence[str] | None = None, *, retention_s: float = RETENTION_S, dry_run: bool = False,
    keep: Mapping[str, Collection[int]] | None = None, now: datetime | None = None,
) -> list[Vacuumed]:  # fmt: skip
    """Delete files that nothing needs.

    Kept are the files of the newest version, of every version that was the newest at some time within the retention,
    and of every version in `keep`, or of a later one with the very same rows; also every file written within the
    retention, because its commit may still come.

    Parameters
    ----------
    lake : Lake
    tables : sequence of str, optional
        All when left out.
    retention_s : float
        Seconds.
    dry_run : bool
        Only tell what would be deleted.
    keep : mapping of str to collection of int, optional
        Versions to keep by table; `pinned_versions` when left out.
    now : datetime, optional
        The present when left out.

    Returns
    -------
    list of Vacuumed
        Tables with nothing to delete left out.

    Raises
    ------
    InvalidInputError
        If the retention is shorter than `SHORTEST_RETENTION_S`.
    UnknownNameError
        If a table is unknown.
    """
    if retention_s < SHORTEST_RETENTION_S:
        raise InvalidInputError("retention_s", retention_s, f"it is at least {SHORTEST_RETENTION_S}: writers need time")
    catalog = lake.catalog
    cutoff_s = (now or datetime.now(UTC)).timestamp() - retention_s
    names = catalog.names() if tables is None else [catalog.find(table) for table in tables]
    kept = pinned_versions(lake) if keep is None else keep
    done = []
    for name in names:
        stored = catalog.storage.stored_files(name)  # before the log: what is committed meanwhile is not among them
        old = {path: size for path, (size, written_s) in stored.items() if written_s < cutoff_s}
        needed = _needed(catalog, name, kept.get(name, ()), cutoff_s * 1000) if old else set()
        paths = tuple(sorted(set(old) - needed))
        if paths:
            if not dry_run:
                catalog.storage.discard(name, paths)
            done.append(Vacuumed(name, paths, sum(old[path] for path in paths)))
    return done


def _needed(catalog: Catalog, name: str, pinned: Collection[int], cutoff_ms: float) -> set[str]:
    version = latest = catalog.latest(name)
    versions = {latest, *(catalog.settled_version(name, pin) for pin in pinned if 0 <= pin <= latest)}
    needed: set[str] = set()
    while version > 0:
        entry = read_entry(catalog.storage, name, version)
        if entry.made_ms < cutoff_ms:
            break
        needed |= entry.adds
        version -= 1
    for kept in versions | {version}:
        files = read_files(catalog.storage.open(name, version=kept), catalog.storage.uri(name))
        needed |= {file.path for file in files}
    return needed
