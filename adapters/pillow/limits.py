"""Limits of one image, and streams that enforce them (OWASP ASVS 5.0 5.2.6)."""

import io
import threading
import time
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidImage, InvalidImageReason
from domain.media.image import ImageLimits

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_SCANS: Final = 100
"""A progressive photo has about ten scans. Each costs a pass over the whole image."""
MAX_BLOCKS: Final = 50_000
"""Blocks, chunks or segments of a file. The largest usual files have a few thousand."""
_TIMEOUT_MESSAGE: Final = "The image takes too long to read."


class LimitChecker:
    """Checks the limits of one image before it is decoded and during each step.

    The time limit starts when this is created.
    """

    def __init__(self, limits: ImageLimits, cancelled: threading.Event) -> None:
        """Check these limits until the event is set, which cancels the work."""
        self._limits = limits
        self._is_cancelled = cancelled
        self._blocks = 0
        self._deadline = time.monotonic() + limits.max_seconds

    def check_time(self) -> None:
        """Raise InvalidImage after the time limit or a cancellation."""
        if self._is_cancelled.is_set() or time.monotonic() >= self._deadline:
            raise InvalidImage(_TIMEOUT_MESSAGE, InvalidImageReason.TOO_COMPLEX)

    def check_block(self) -> None:
        """Count a block, chunk or segment; raise InvalidImage for too many, or after the time."""
        self._blocks += 1
        if self._blocks > MAX_BLOCKS:
            raise InvalidImage(
                f"The image has more than {MAX_BLOCKS} blocks.",
                InvalidImageReason.TOO_MANY_BLOCKS,
                MAX_BLOCKS,
            )
        self.check_time()

    def check_scans(self, count: int) -> None:
        """Raise InvalidImage for a progressive JPEG with too many scans."""
        if count > MAX_SCANS:
            raise InvalidImage(_TIMEOUT_MESSAGE, InvalidImageReason.TOO_COMPLEX)

    def check_size(self, width: int, height: int) -> None:
        """Raise InvalidImage for an image without pixels or with too many."""
        if width < 1 or height < 1:
            raise InvalidImage
        if width * height > self._limits.max_pixels:
            raise InvalidImage(
                f"The image has more than {self._limits.max_pixels} pixels.",
                InvalidImageReason.TOO_MANY_PIXELS,
                self._limits.max_pixels,
            )

    def check_frames(self, count: int, width: int, height: int) -> None:
        """Raise InvalidImage for too many frames, or too many pixels in all frames.

        Each frame counts as the whole canvas, because a viewer draws all of it for each frame.
        """
        if count > self._limits.max_frames:
            raise InvalidImage(
                f"The image has more than {self._limits.max_frames} frames.",
                InvalidImageReason.TOO_MANY_FRAMES,
                self._limits.max_frames,
            )
        max_total = self._limits.max_total_pixels
        if count * width * height > max_total:
            raise InvalidImage(
                f"The image has more than {max_total} pixels in all its frames.",
                InvalidImageReason.TOO_MANY_TOTAL_PIXELS,
                max_total,
            )

    def check_encoded_size(self, size: int) -> None:
        """Raise InvalidImage if the encoded image has too many bytes."""
        if size > self._limits.max_bytes:
            raise InvalidImage(
                f"The image is larger than {self._limits.max_bytes} bytes once encoded.",
                InvalidImageReason.TOO_MANY_BYTES,
                self._limits.max_bytes,
            )


class LimitedReader(io.BytesIO):
    """Input of a decoder, which reads chunks of 64 KiB to 1 MiB. Each read checks the time."""

    def __init__(self, content: bytes, limits: LimitChecker) -> None:
        """Read this content."""
        super().__init__(content)
        self._limits = limits

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes."""
        self._limits.check_time()
        return super().read(size)


class LimitedWriter(io.BytesIO):
    """Output of an encoder. Each write checks the time and the size so far."""

    def __init__(self, limits: LimitChecker) -> None:
        """Start empty."""
        super().__init__()
        self._limits = limits

    def write(self, chunk: "ReadableBuffer", /) -> int:
        """Append the next bytes."""
        self._limits.check_time()
        written = super().write(chunk)
        self._limits.check_encoded_size(self.tell())
        return written
