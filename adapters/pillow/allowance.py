"""What one picture may still cost, and the sentences for those that cost more."""

import threading
import time
from typing import Final

from domain.errors import PictureRefused
from domain.media.image import ImageLimits

MOST_SCANS: Final = 100
"""A progressive photo has about ten; each costs a pass over the whole picture."""
_TOO_LONG: Final = "The image takes too long to read."


class Allowance:
    """The limits of one picture, with its time running from the moment this is made.

    Checked before anything is decoded, and again at each step of the work
    (OWASP ASVS 5.0 5.2.6).
    """

    def __init__(self, limits: ImageLimits, abandoned: threading.Event) -> None:
        self._limits = limits
        self._abandoned = abandoned
        self._deadline = time.monotonic() + limits.max_seconds

    def check_time(self) -> None:
        """Refuse when the time is over, or nobody waits for the picture any more."""
        if self._abandoned.is_set() or time.monotonic() >= self._deadline:
            raise PictureRefused(_TOO_LONG)

    def check_scans(self, count: int) -> None:
        """Refuse a picture that is to be gone over again and again."""
        if count > MOST_SCANS:
            raise PictureRefused(_TOO_LONG)

    def check_size(self, width: int, height: int) -> None:
        """Refuse what has no pixels, or too many."""
        if width < 1 or height < 1:
            raise PictureRefused
        if width * height > self._limits.max_pixels:
            raise PictureRefused(f"The image has more than {self._limits.max_pixels} pixels.")

    def check_frames(self, count: int, width: int, height: int) -> None:
        """Refuse too many frames, or frames that are too many pixels together.

        Each counts as the whole canvas, which is what showing it costs anybody.
        """
        if count > self._limits.max_frames:
            raise PictureRefused(f"The image has more than {self._limits.max_frames} frames.")
        if count * width * height > self._limits.max_total_pixels:
            raise PictureRefused(
                f"The image has more than {self._limits.max_total_pixels} pixels in all its frames."
            )

    def check_encoded(self, size: int) -> None:
        """Refuse what has grown too large for publishing."""
        if size > self._limits.max_bytes:
            raise PictureRefused(
                f"The image is larger than {self._limits.max_bytes} bytes once encoded."
            )
