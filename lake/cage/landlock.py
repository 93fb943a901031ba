"""Leave this process nothing of the file system and the network but what it is given (Linux 5.13 and later).

The kernel's own lock, unlike the engine's settings: it holds even for code that got in through a bug of the engine.
"""

import ctypes
import os
import struct
from collections.abc import Iterable

__all__ = ["restrict"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, the same on every architecture
_ASK_VERSION = 1
_BENEATH, _PORT = 1, 2
_READ_FILE, _READ_FOLDER, _CONNECT = 1 << 2, 1 << 3, 1 << 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_FILE_RIGHTS = 16
"""How many rights over files there are to take, by version of the interface."""
_ALL_PORT_RIGHTS, _PORTS_SINCE = 3, 4
_ALL_SCOPES, _SCOPES_SINCE = 3, 6  # signals to, and abstract sockets of, processes outside
_NO_NEW_PRIVILEGES = 38


def restrict(paths: Iterable[str], ports: Iterable[int] = ()) -> bool:
    """Take every right over files and TCP ports from the calling thread and the threads it will start.

    Parameters
    ----------
    paths : iterable of str
        Files, and folders with all in them, that may still be read; those that do not exist are left out.
    ports : iterable of int
        TCP ports that may still be connected to.

    Returns
    -------
    bool
        Whether the kernel can do it; otherwise nothing has changed.
    """
    if os.uname().sysname != "Linux":
        return False
    kernel = ctypes.CDLL(None, use_errno=True)
    version = kernel.syscall(_CREATE, None, 0, _ASK_VERSION)
    if version < 1:
        return False
    attributes = [(1 << _FILE_RIGHTS.get(version, _ALL_FILE_RIGHTS)) - 1]
    attributes += [_ALL_PORT_RIGHTS] if version >= _PORTS_SINCE else []
    attributes += [_ALL_SCOPES] if version >= _SCOPES_SINCE else []
    ruleset = _call(kernel, _CREATE, struct.pack(f"{len(attributes)}Q", *attributes), 8 * len(attributes), 0)
    for path in paths:
        _allow(kernel, ruleset, path)
    if version >= _PORTS_SINCE:
        for port in ports:
            _call(kernel, _ADD, ruleset, _PORT, struct.pack("QQ", _CONNECT, port), 0)
    if kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "privileges cannot be given up")
    _call(kernel, _RESTRICT, ruleset, 0)
    os.close(ruleset)
    return True


def _allow(kernel: ctypes.CDLL, ruleset: int, path: str) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    rights = _READ_FILE | (_READ_FOLDER if os.path.isdir(path) else 0)  # noqa: PTH112 (thousands of files)
    _call(kernel, _ADD, ruleset, _BENEATH, struct.pack("=Qi", rights, opened), 0)
    os.close(opened)


def _call(kernel: ctypes.CDLL, number: int, *arguments: int | bytes) -> int:
    result = int(kernel.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"the kernel refused to restrict the process: {os.strerror(code)}")
    return result
