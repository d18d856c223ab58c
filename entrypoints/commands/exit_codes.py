"""What a command ends with."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
NOT_USABLE: Final = 2
"""Arguments, settings or the current folder: nothing was begun."""
INTERRUPTED: Final = 130
"""What a shell gives for what SIGINT ended."""
