"""Which files a path means: one, or all that match a pattern, with what their names say of their rows."""

import gzip
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qbrain_core.errors import InvalidInputError

__all__ = ["SourceFile", "is_pattern", "matching_files", "read_member"]

_PLACE = re.compile(r"\{(\w+)\}|\*")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
_DAMAGED = (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError)


@dataclass(frozen=True)
class SourceFile:
    """One file, and values that its name gives to every row of it.

    Attributes
    ----------
    path : Path
    constants : dict of str to str
        By field, as written in the name.
    """

    path: Path
    constants: dict[str, str] = field(default_factory=dict)


def is_pattern(path: str) -> bool:
    """Tell whether a path stands for several files.

    Parameters
    ----------
    path : str

    Returns
    -------
    bool
        True where it holds `*` or `{field}`.
    """
    return _PLACE.search(path) is not None


def matching_files(path: str, *, parameter: str = "path") -> list[SourceFile]:
    """Find the files a path means.

    Parameters
    ----------
    path : str
        `*` stands for anything within a name, `{field}` for the value of that field.
    parameter : str
        What the path is called where it was given.

    Returns
    -------
    list of SourceFile
        Ascending by path; a path that is no pattern stands for itself.

    Raises
    ------
    InvalidInputError
        If there is no such file.
    """
    unset = re.search(r"\$\{\w+\}", path)
    if unset is not None:
        raise InvalidInputError(
            parameter, path, f"nothing says what {unset[0]} stands for (qbrain submit --set NAME=…)"
        )
    if not is_pattern(path) or Path(path).exists():
        if not Path(path).exists():
            raise InvalidInputError(parameter, path, "there is no such file")
        return [SourceFile(Path(path))]
    parts = Path(path).parts
    first = next(i for i, part in enumerate(parts) if is_pattern(part))
    found = sorted(_walk(SourceFile(Path(*parts[:first])), parts[first:]), key=lambda f: f.path)
    if not found:
        raise InvalidInputError(parameter, path, "no file matches")
    return found


def read_member(file: Path, member: str = "") -> tuple[str, bytes]:
    """Read a file whole, out of its archive or compression.

    Parameters
    ----------
    file : Path
    member : str
        Which file of an archive; may be left out where it holds one.

    Returns
    -------
    name : str
        Of the file itself, without the compression's suffix.
    data : bytes

    Raises
    ------
    InvalidInputError
        If it is damaged, or the archive holds no such file, or several and none was named.
    """
    name = file.name.lower()
    try:
        if name.endswith(_ARCHIVES):
            return _from_archive(file, member)
        if name.endswith(".gz"):
            return name.removesuffix(".gz"), gzip.decompress(file.read_bytes())
        return name, file.read_bytes()
    except _DAMAGED as error:
        raise InvalidInputError("path", str(file), f"it cannot be read: {error}") from None


def _walk(at: SourceFile, parts: tuple[str, ...]) -> Iterator[SourceFile]:
    if not parts:
        if at.path.is_file():
            yield at
        return
    if not is_pattern(parts[0]):
        yield from _walk(SourceFile(at.path / parts[0], at.constants), parts[1:])
        return
    if not at.path.is_dir():
        return
    wanted = _expression(parts[0])
    for entry in at.path.iterdir():
        match = wanted.fullmatch(entry.name)
        if match is not None:
            yield from _walk(SourceFile(entry, at.constants | match.groupdict()), parts[1:])


def _expression(part: str) -> re.Pattern[str]:
    pieces, end, named = [], 0, set()
    for place in _PLACE.finditer(part):
        pieces.append(re.escape(part[end : place.start()]))
        field_name = place[1]
        if field_name is None:
            pieces.append(".*")
        else:
            pieces.append(f"(?P={field_name})" if field_name in named else f"(?P<{field_name}>.+?)")
            named.add(field_name)
        end = place.end()
    return re.compile("".join(pieces) + re.escape(part[end:]))


def _from_archive(file: Path, member: str) -> tuple[str, bytes]:
    if file.name.lower().endswith(".zip"):
        with zipfile.ZipFile(file) as archive:
            name = _chosen(file, [i.filename for i in archive.infolist() if not i.is_dir()], member)
            return name, archive.read(name)
    with tarfile.open(file) as archive_:
        name = _chosen(file, [i.name for i in archive_.getmembers() if i.isfile()], member)
        stream = archive_.extractfile(name)
        assert stream is not None
        return name, stream.read()


def _chosen(file: Path, names: list[str], member: str) -> str:
    if member in names:
        return member
    if not member and len(names) == 1:
        return names[0]
    shown = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    rule = "the archive holds no such file" if member else "the archive holds several files: name one"
    raise InvalidInputError("member", member, f"{rule} ({shown})")
