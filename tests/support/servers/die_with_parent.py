"""Run a program that gets a signal as soon as its parent process has ended.

    python -I -S die_with_parent.py <pid of the parent> <signal number> <program> [argument ...]

Linux: prctl(PR_SET_PDEATHSIG). subprocess could call it between fork and exec only in Python
(`preexec_fn`), which may hang if the parent has threads. So this file calls it and then executes
the program in the same process: the pid stays the one that the parent knows.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, signal_number: int, command: list[str]) -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # only Linux has it
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal_number)
    # The parent may have ended before prctl.
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606 - this is its purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
