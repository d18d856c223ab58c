"""Which format the bytes are, by their first ones alone (OWASP ASVS 5.0 5.2.2)."""

from typing import Final

from domain.errors import UnsupportedImageType
from domain.media.picture import PictureFormat

_MAGIC: Final = {
    b"\xff\xd8\xff": PictureFormat.JPEG,
    b"\x89PNG\r\n\x1a\n": PictureFormat.PNG,
    b"GIF87a": PictureFormat.GIF,
    b"GIF89a": PictureFormat.GIF,
}


def format_of(content: bytes) -> PictureFormat:
    """Name the one format that the content may be decoded as.

    Raises:
        UnsupportedImageType: it begins like none of those that we serve.
    """
    for magic, picture_format in _MAGIC.items():
        if content.startswith(magic):
            return picture_format
    raise UnsupportedImageType
