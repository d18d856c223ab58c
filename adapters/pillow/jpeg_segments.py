"""A JPEG (ITU-T T.81) taken apart into its segments."""

import re
import struct
from collections.abc import Iterator
from typing import Final

from adapters.pillow.allowance import Allowance
from adapters.pillow.essence import LARGEST_PROFILE, Essence
from domain.errors import InvalidImage

# 0xFF and what is neither a stuffed zero, fill, a restart nor another start of an image.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_START, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
_TABLES: Final = {0xC4, 0xCC, 0xDB, 0xDD}
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JFIF, _EXIF, _ICC, _ADOBE = b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe"


def read_jpeg(content: bytes, allowance: Allowance) -> Essence:
    """Keep the tables and scans of the first picture, and look up its size.

    What follows the first picture (further ones, a film, anything) is left behind.

    Raises:
        InvalidImage
    """
    exif, profile, sizes, scans = b"", [], [], 0
    kept = [_START]
    for marker, segment in _segments(content):
        allowance.check_time()
        body = segment[4:]
        if marker in _FRAMES:
            sizes.append(_size(body))
            allowance.check_size(*sizes[-1])
        elif marker == _SCAN:
            scans += 1
            allowance.check_scans(scans)
        elif marker == 0xE1 and body.startswith(_EXIF):
            exif = exif or body.removeprefix(_EXIF)
        elif marker == 0xE2 and body.startswith(_ICC):
            profile.append(body.removeprefix(_ICC))
        if _is_of_the_pixels(marker, body):
            kept.append(segment)
    if len(sizes) != 1 or not scans:
        raise InvalidImage
    width, height = sizes[0]
    return Essence(b"".join([*kept, _END]), width, height, exif, _joined(profile))


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give each marker with its segment; a scan goes on to the next marker."""
    found = _MARKER.search(content, len(_START))
    while found and found[0] != _END:
        start, marker = found.start(), found[1][0]
        length = int.from_bytes(content[start + 2 : start + 4])
        end = start + 2 + length
        if length < 2 or end > len(content):
            raise InvalidImage
        found = _MARKER.search(content, end)
        if marker == _SCAN and found:
            end = found.start()
        yield marker, content[start:end]
    if not found:
        raise InvalidImage


def _size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 6:
        raise InvalidImage
    height, width = struct.unpack_from(">HH", frame, 1)
    return width, height


def _joined(profile: list[bytes]) -> bytes:
    """Put an ICC profile together; each piece begins with its number and how many there are."""
    whole = b"".join(piece[2:] for piece in sorted(profile))
    return whole if len(whole) <= LARGEST_PROFILE else b""


def _is_of_the_pixels(marker: int, body: bytes) -> bool:
    """Whether a decoder needs the segment; two application ones say how colours are coded."""
    match marker:
        case 0xE0:
            return body.startswith(_JFIF)
        case 0xEE:
            return body.startswith(_ADOBE)
        case _:
            return marker in _FRAMES or marker in _TABLES or marker == _SCAN
