"""Limits that the server has to know, in a module that imports nothing."""

from typing import Final

MAX_READS: Final = 256
"""Files that a process reads at the same time. Each may hold a file descriptor."""
