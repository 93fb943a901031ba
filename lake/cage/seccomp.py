"""Forbid this process system calls that a query never needs: other programs, other processes, sockets (Linux)."""

import ctypes
import errno
import os
import struct

__all__ = ["forbid"]

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the kernel's filter
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NO_NEW_PRIVILEGES, _SET_FILTER, _FILTER = 38, 22, 2
_THREAD = 0x00010000  # of clone: a thread of this process, not a new process
_FOREIGN = 0x40000000  # x86-64: calls of its 32-bit cousin start here

_MACHINES: dict[str, tuple[int, int, int, tuple[int, ...], tuple[int, ...]]] = {
    # code, clone, clone3, socket and socketpair; then (fork, vfork,) execve, kill, ptrace, process_vm_readv,
    # process_vm_writev, execveat, io_uring_setup, pidfd_send_signal, pidfd_getfd
    "x86_64": (0xC000003E, 56, 435, (41, 53), (57, 58, 59, 62, 101, 310, 311, 322, 425, 424, 438)),
    "aarch64": (0xC00000B7, 220, 435, (198, 199), (221, 129, 117, 270, 271, 281, 425, 424, 438)),
}


def forbid(*, sockets: bool) -> bool:
    """Forbid the calling thread, and the threads it will start, to make processes or to touch others.

    Parameters
    ----------
    sockets : bool
        Whether to forbid sockets, too: no network of any kind.

    Returns
    -------
    bool
        Whether the kernel can do it; otherwise nothing has changed.
    """
    known = _MACHINES.get(os.uname().machine) if os.uname().sysname == "Linux" else None
    if known is None:
        return False
    machine, clone, clone3, network, others = known
    program = [
        (_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, 0, 1, _FOREIGN), (_RETURN, 0, 0, _ERROR | errno.EPERM),
        (_EQUAL, 0, 1, clone3), (_RETURN, 0, 0, _ERROR | errno.ENOSYS),  # its caller falls back to clone
    ]  # fmt: skip
    for call in (*others, *(network if sockets else ())):
        program += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _ERROR | errno.EPERM)]
    program += [
        (_EQUAL, 0, 3, clone), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_ANY_BIT, 1, 0, _THREAD),
        (_RETURN, 0, 0, _ERROR | errno.EPERM), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    header = struct.pack("HL", len(program), ctypes.addressof(code))
    kernel = ctypes.CDLL(None, use_errno=True)
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return bool(kernel.prctl(_SET_FILTER, _FILTER, header, 0, 0) == 0)
