import re
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from application.ports.images import PublishedImage
from domain.errors import InvalidImage, InvalidImageReason, UnsupportedImageType
from domain.media.image import Image, ImageFormat, ImageLimits


@dataclass(frozen=True, slots=True)
class _Format:
    """How a format begins, where its header has the size, and how it ends."""

    format: ImageFormat
    signature: bytes
    size: re.Pattern[bytes]
    byte_order: str
    end: bytes


_FORMATS: Final = (
    _Format(
        ImageFormat.JPEG,
        b"\xff\xd8\xff",
        re.compile(rb".*\xff[\xc0\xc2]...(?P<height>..)(?P<width>..)", re.DOTALL),
        ">H",
        b"\xff\xd9",
    ),
    _Format(
        ImageFormat.PNG,
        b"\x89PNG\r\n\x1a\n",
        re.compile(rb".{16}(?P<width>.{4})(?P<height>.{4})", re.DOTALL),
        ">I",
        b"IEND",
    ),
    _Format(
        ImageFormat.GIF,
        b"GIF8",
        re.compile(rb".{6}(?P<width>..)(?P<height>..)", re.DOTALL),
        "<H",
        b"\0;",
    ),
)
_LIMITS: Final = ImageLimits()


class FakeImagePublisher:
    """Reads the first bytes, the size and the end of an image. The result has no pixels.

    `uploader_ids` has the identities of all calls, in order.
    """

    def __init__(self) -> None:
        self.uploader_ids: list[str] = []

    async def publish(self, upload: BinaryIO, identity_id: str) -> PublishedImage:
        self.uploader_ids.append(identity_id)
        content = upload.read()
        for image_format in _FORMATS:
            if content.startswith(image_format.signature):
                return _published(image_format, content)
        raise UnsupportedImageType


def _published(image_format: _Format, content: bytes) -> PublishedImage:
    found = image_format.size.match(content)
    if found is None or image_format.end not in content:
        raise InvalidImage
    (width,) = struct.unpack(image_format.byte_order, found["width"])
    (height,) = struct.unpack(image_format.byte_order, found["height"])
    if width * height > _LIMITS.max_pixels:
        raise InvalidImage(
            f"The image has more than {_LIMITS.max_pixels} pixels.",
            InvalidImageReason.TOO_MANY_PIXELS,
            _LIMITS.max_pixels,
        )
    published = content[:6] if image_format.format is ImageFormat.GIF else image_format.signature
    return PublishedImage(Image(image_format.format, width, height, len(published)), published)
