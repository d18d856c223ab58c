"""Become another program that the kernel sends a signal as soon as its parent is gone.

    python -I -S bound.py <pid of the parent> <number of the signal> <program> [argument ...]

A child could ask for that between fork and exec only by running Python there, which may hang when
the parent has threads. So the program goes through this file, in the same process: its pid is the
one that the parent knows.
"""

import ctypes
import os
import sys

SET_DEATH_SIGNAL = 1


def main(parent: int, number: int, command: list[str]) -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux has it
    if prctl is not None:
        prctl(SET_DEATH_SIGNAL, number)
    # It may have gone before the kernel was told.
    if os.getppid() == parent:
        os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
