"""Bring files of an older version back: copies of them, so that nothing that cleans up can pull them away."""

from deltalake.transaction import AddAction

from lake.files import DataFile, Snapshot
from lake.storage import Storage, now_ms
from lake.swap import file_statistics
from qbrain_core.errors import InvalidInputError

__all__ = ["bring_back"]


def bring_back(storage: Storage, target: Snapshot, files: list[DataFile]) -> tuple[list[AddAction], list[DataFile]]:
    """Work out the change of files that turns a table into an older version of it.

    Parameters
    ----------
    storage : Storage
    target : Snapshot
        The older version.
    files : list of DataFile
        The table's files now.

    Returns
    -------
    tuple of (list of AddAction, list of DataFile)
        Copies to add, and files to remove; files of both versions stay.

    Raises
    ------
    InvalidInputError
        If a file of the older version has been cleaned up.
    """
    name = target.table.name
    now, then = {file.path for file in files}, {file.path for file in target.files}
    adds: list[AddAction] = []
    for file in target.files:
        if file.path in now:
            continue
        try:
            path, size = storage.copy(name, file.path)
        except FileNotFoundError:
            storage.discard(name, [add.path for add in adds])
            raise InvalidInputError(f"{name}.version", target.version, "its files have been cleaned up") from None
        statistics = file_statistics(target.table, file.rows, file.low, file.high)
        partition = {column: str(value) for column, value in file.partition.items()}
        adds.append(AddAction(path, size, partition, now_ms(), True, statistics))
    return adds, [file for file in files if file.path not in then]
