"""JPEG files as far as their markers: size, scans, and the first image without other segments.

Nothing behind the last scan is read. Phones write trailers there, such as a video, which have
bytes like markers, and some omit the end of the image.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.media.pillow.header import Header
from adapters.media.pillow.limits import MAX_SCANS, Content, LimitChecker, too_complex
from domain.features.media.errors import InvalidImage

# 0xFF and a byte, except a stuffed zero, fill byte, restart marker or start of image.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = {0xC2, 0xC6, 0xCA, 0xCE}
_APPLICATIONS: Final = {*range(0xE0, 0xF0), 0xFE}
_KEPT: Final = (b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0", b"Adobe")
"""Starts of the segments that say how the pixels are turned and colored."""
_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_PADDING: Final = b"\xff\0" * 8
"""Bits that a decoder reads ahead behind a scan without an end: they make up no more pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg(Header):
    """A JPEG, up to the end of its first image.

    Attributes:
        segments: Each marker with the range of what belongs to it.
    """

    segments: Sequence[tuple[int, slice]]
    has_end: bool

    def clean(self, content: Content, *, with_metadata: bool) -> bytes:
        """Return the image without segments that its pixels do not need.

        A scan whose end is not marked gets some padding, but no end: so a decoder still finds out
        that pixels are missing.
        """
        kept = [_START]
        for marker, part in self.segments:
            is_kept = with_metadata and content[part.start + 4 : part.stop].startswith(_KEPT)
            if marker not in _APPLICATIONS or is_kept:
                kept.append(content[part])
        return b"".join([*kept, _END if self.has_end else _PADDING])


def read_jpeg(content: Content, limits: LimitChecker) -> Jpeg:
    """Read the segments up to the end of the first image (ITU-T T.81, annex B).

    A scan extends to the next marker. The first scan of most files has all pixels; nothing behind
    it is read. Others need a marked end. A segment of an application that exceeds the file ends
    the image.

    Raises:
        InvalidImage
    """
    size, segments, scans = None, list[tuple[int, slice]](), 0
    is_progressive, components = False, 0
    found = _MARKER.search(content, 2)
    while found:
        limits.check_block()
        marker, start = found[1][0], found.start()
        end = start + 2 + int.from_bytes(content[start + 2 : start + 4])
        if marker == _END_OF_IMAGE or (marker in _APPLICATIONS and end > len(content)):
            break
        found = _MARKER.search(content, end)
        if marker in _FRAMES:
            if size is not None:
                raise InvalidImage
            height, width, components = struct.unpack_from(">HHB", content, start + 5)
            size, is_progressive = (width, height), marker in _PROGRESSIVE
            limits.check_jpeg_size(*size, is_progressive=is_progressive)
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise too_complex()
            end = found.start() if found else len(content)
        segments.append((marker, slice(start, end)))
        if marker == _START_OF_SCAN and not is_progressive and content[start + 4] == components:
            break
    has_end = found is not None and found[1][0] == _END_OF_IMAGE
    is_cut = not has_end and (is_progressive or scans > 1)
    if size is None or not scans or is_cut:
        raise InvalidImage
    return Jpeg(size=size, segments=segments, has_end=has_end)
