"""The randomness of the operating system."""

import os
from io import BytesIO
from typing import Final

_BLOCK_SIZE: Final = 4096


class SystemRandomness:
    """The generator of the kernel (OWASP ASVS 5.0 6.5.3, 11.5.1), which is read in blocks.

    Each read is a system call, after which the event loop waits for the interpreter's lock. A
    forked process reads blocks of its own. Thread-safe.
    """

    def __init__(self) -> None:
        """Read nothing yet."""
        self._block = BytesIO()
        os.register_at_fork(after_in_child=lambda: self._block.truncate(0))

    def bytes(self, count: int) -> bytes:
        """Return that many unpredictable bytes. None of them is returned again."""
        # BytesIO.read is one operation of the interpreter: no two threads get the same bytes.
        taken = self._block.read(count)
        if len(taken) < count:
            self._block = block = BytesIO(os.urandom(max(count, _BLOCK_SIZE)))
            taken = block.read(count)
        return taken
