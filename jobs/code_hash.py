"""Which code made a result: the package version with a digest of the core's sources, and the installed libraries."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import qbrain_core

__all__ = ["code_hash", "environment"]

_LIBRARIES = ("duckdb", "deltalake", "lightgbm", "numpy", "pandas", "polars", "pyarrow", "pyqlib", "vectorbt")
# those that can change a number


@cache
def code_hash(root: Path | None = None) -> str:
    """Name the code of the core: package version and SHA-256 of its Python sources.

    Line ends do not count, so one commit has one hash on every platform.

    Parameters
    ----------
    root : Path, optional
        Package folder to digest; empty: `qbrain_core` as imported.

    Returns
    -------
    str
        `<version>+<16 hexadecimal digits>`.
    """
    folder = root or Path(qbrain_core.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py"), key=lambda p: p.relative_to(folder).as_posix()):
        source = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(source)}\0".encode())
        digest.update(source)
    return f"{qbrain_core.__version__}+{digest.hexdigest()[:16]}"


@cache
def environment() -> dict[str, str]:
    """List the versions a result may depend on.

    Returns
    -------
    dict
        `python`, `platform` and the version of each library that computes; a library that is not installed is left out.
    """
    found = {"python": platform.python_version(), "platform": platform.machine() + "-" + platform.system().lower()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
