"""Limits of one image (OWASP ASVS 5.0 5.2.6). `processes` enforces time and memory."""

from mmap import mmap
from typing import Final, NoReturn

from domain.features.media.errors import InvalidImage, InvalidImageReason
from domain.features.media.image import ImageLimits, SourceFormat

Content = bytes | mmap
"""The bytes of a file."""

MAX_SCANS: Final = 100
"""A progressive photo has about ten scans. Each costs a pass over the whole image."""
MAX_BLOCKS: Final = 50_000
"""Blocks, chunks or segments of a file. The largest usual files have a few thousand."""
MAX_PROGRESSIVE_PIXELS: Final = 65_000_000
"""A decoder keeps all coefficients of a progressive JPEG. Phones of 64 MP have 64.2 million."""
_NAMES: Final = {SourceFormat.WEBP: "WebP"}


def too_complex() -> InvalidImage:
    """Return the error of an image that takes too much time or memory to read."""
    return InvalidImage(
        "The image takes too much time or memory to read.", InvalidImageReason.TOO_COMPLEX
    )


class LimitChecker:
    """Checks the limits of one image before it is decoded."""

    def __init__(self, limits: ImageLimits, image_format: SourceFormat) -> None:
        self.limits = limits
        self.image_format = image_format
        self._blocks = 0

    def check_block(self) -> None:
        self._blocks += 1
        if self._blocks > MAX_BLOCKS:
            self._reject(f"{MAX_BLOCKS} blocks", InvalidImageReason.TOO_MANY_BLOCKS, MAX_BLOCKS)

    def check_size(self, width: int, height: int) -> None:
        self._check_pixels(width, height, self.limits.max_pixels)

    def check_jpeg_size(self, width: int, height: int, *, is_progressive: bool) -> None:
        """Do the same for a JPEG, which may have more pixels, because it can be scaled down."""
        maximum = max(self.limits.max_pixels, self.limits.max_jpeg_pixels)
        if is_progressive:
            maximum = min(maximum, max(self.limits.max_pixels, MAX_PROGRESSIVE_PIXELS))
        self._check_pixels(width, height, maximum)

    def check_frames(self, count: int, width: int, height: int) -> None:
        """Raise InvalidImage for too many frames, or too many pixels in all frames.

        Each frame counts as the whole canvas, because a viewer draws all of it for each frame.
        """
        self.check_size(width, height)
        if count > (limit := self.limits.max_frames):
            self._reject(f"{limit} frames", InvalidImageReason.TOO_MANY_FRAMES, limit)
        limit = self.limits.max_total_pixels
        if count > 1 and count * width * height > limit:
            text = f"{limit} pixels in all its frames"
            self._reject(text, InvalidImageReason.TOO_MANY_TOTAL_PIXELS, limit)

    def check_bytes(self, size: int) -> None:
        if size > (limit := self.limits.max_bytes):
            text = f"The image is larger than {limit} bytes once encoded."
            raise InvalidImage(text, InvalidImageReason.TOO_MANY_BYTES, limit)

    def _check_pixels(self, width: int, height: int, maximum: int) -> None:
        if width < 1 or height < 1:
            raise InvalidImage
        if width * height > maximum:
            self._reject(f"{maximum} pixels", InvalidImageReason.TOO_MANY_PIXELS, maximum)

    def _reject(self, limit_text: str, reason: InvalidImageReason, limit: int) -> NoReturn:
        name = _NAMES.get(self.image_format, self.image_format.upper())
        raise InvalidImage(f"The {name} image has more than {limit_text}.", reason, limit)
