"""Runs a command under the restrictions of a unit of systemd that a process can give itself.

`python sandbox.py open,read,… COMMAND…` allows these system calls; others fail with EPERM. The
command gets no privileges, and no memory that is writable and executable (Linux 6.3 or later).
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterable
from typing import Final

_SET_NO_NEW_PRIVILEGES: Final = 38
_SET_MEMORY_DENY_WRITE_EXECUTE: Final = 65
_ALLOW: Final = 0x7FFF_0000
_FAIL: Final = 0x0005_0000


def allow_system_calls(names: Iterable[str]) -> None:
    """Let all other system calls fail, in this process and its children."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_FAIL | errno.EPERM)))
    for name in names:
        call = library.seccomp_syscall_resolve_name(name.encode())
        # Other processors have some of them; those have negative numbers.
        if call >= 0:
            arguments = (ctypes.c_uint32(_ALLOW), call, 0)
            assert library.seccomp_rule_add(context, *arguments) == 0, name
    assert library.seccomp_load(context) == 0


def main() -> None:
    names, *command = sys.argv[1:]
    process = ctypes.CDLL(None)
    assert process.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    process.prctl(_SET_MEMORY_DENY_WRITE_EXECUTE, 1, 0, 0, 0)
    allow_system_calls(names.split(","))
    os.execv(command[0], command)  # noqa: S606 - without a shell


if __name__ == "__main__":
    main()
