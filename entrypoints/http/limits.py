"""Limits that the server has to know, in a module that imports nothing."""

from typing import Final

MAX_READS: Final = 256
"""Files that a process reads at the same time. Each may hold a file descriptor."""
MAX_JSON_BYTES: Final = 64 * 1024
"""Of all request bodies but uploads."""
