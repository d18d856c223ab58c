"""Messages between the service and a decoder process: tasks and answers, as JSON."""

from collections.abc import Sequence

import msgspec

from domain.features.media.errors import (
    HdrNotSupported,
    InvalidImage,
    InvalidImageReason,
    NoUploadSpace,
    UnsupportedImageType,
)
from domain.features.media.image import Image, ImageLimits, SourceFormat, VariantSpec

MAX_MESSAGE = 65_536
"""Maximum bytes of a message."""


class Task(msgspec.Struct, frozen=True):
    """A task, sent with the descriptors of the file and of one file for each image to encode.

    The first of these is the published image, if `is_published`. Without any, only the pixels are
    counted.
    """

    limits: ImageLimits
    formats: frozenset[SourceFormat]
    is_published: bool = False
    variants: Sequence[VariantSpec] = ()

    @property
    def image_count(self) -> int:
        return self.is_published + len(self.variants)


class Failure(msgspec.Struct, frozen=True):
    """An error: a type that is not accepted, HDR, an invalid image, or else a full folder."""

    detected: str | None = None
    is_hdr: bool = False
    invalid: tuple[str, InvalidImageReason, int | None] | None = None

    def to_error(self) -> Exception:
        if self.detected is not None:
            return UnsupportedImageType(self.detected)
        if self.is_hdr:
            return HdrNotSupported()
        return InvalidImage(*self.invalid) if self.invalid else NoUploadSpace()


class Answer(msgspec.Struct, frozen=True):
    """The pixels of all frames, the images in the order of their descriptors, or a failure."""

    pixels: int = 0
    images: Sequence[Image] = ()
    failure: Failure | None = None


def invalid_answer(error: InvalidImage) -> Answer:
    """Return the answer for an invalid image."""
    return Answer(failure=Failure(invalid=(error.message, error.reason, error.limit)))
