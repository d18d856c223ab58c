"""Which format the bytes are, by their first ones alone (OWASP ASVS 5.0 5.2.2)."""

from typing import Final

from domain.errors import NotAnImage
from domain.media.image import ImageFormat

_MAGIC: Final = {
    b"\xff\xd8\xff": ImageFormat.JPEG,
    b"\x89PNG\r\n\x1a\n": ImageFormat.PNG,
    b"GIF87a": ImageFormat.GIF,
    b"GIF89a": ImageFormat.GIF,
}


def format_of(content: bytes) -> ImageFormat:
    """Name the one format that the content may be decoded as.

    Raises:
        NotAnImage: it begins like none of those that we serve.
    """
    for magic, picture_format in _MAGIC.items():
        if content.startswith(magic):
            return picture_format
    raise NotAnImage
