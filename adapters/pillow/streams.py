"""What the decoders read from and the encoders write to.

They come back here every 64 KiB or so, which is where a long work is asked for the time.
"""

import io
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO

from adapters.pillow.allowance import Allowance

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Source(io.BytesIO):
    """Bytes to decode, given only while there is time."""

    def __init__(self, content: bytes, allowance: Allowance) -> None:
        super().__init__(content)
        self._allowance = allowance

    def read(self, size: int | None = -1, /) -> bytes:
        """Give the next bytes."""
        self._allowance.check_time()
        return super().read(size)


class Sink(io.BytesIO):
    """Encoded bytes, taken only while there is time and they are not too many."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__()
        self._allowance = allowance

    def write(self, piece: "ReadableBuffer", /) -> int:
        """Take the next bytes."""
        self._allowance.check_time()
        written = super().write(piece)
        self._allowance.check_encoded(self.tell())
        return written


def scratch_file() -> BinaryIO:
    """Open a nameless file, in memory where the system can.

    Pillow's encoders let other threads run while they write to a real file, but not while
    they fill a buffer; a large plain GIF fits into one, and would hold up the event loop.
    """
    in_memory = getattr(os, "memfd_create", None)
    return os.fdopen(in_memory("frame"), "w+b") if in_memory else tempfile.TemporaryFile()
