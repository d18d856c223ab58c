"""JPEG files as far as their markers: size, scans, and the first image without other segments.

Nothing behind the last scan is read. Phones write trailers there, such as a video, which have
bytes like markers, and some omit the end of the image.
"""

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.media.pillow.header import Header
from adapters.media.pillow.limits import MAX_SCANS, TOO_COMPLEX, Content, LimitChecker
from domain.features.media.errors import InvalidImage

# 0xFF and a byte that is no stuffed zero, fill byte, restart marker or start of image.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")
_START_OF_SCAN, _END_OF_IMAGE, _RESTART_INTERVAL = 0xDA, 0xD9, 0xDD
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = {0xC2, 0xC6, 0xCA, 0xCE}
_APPLICATIONS: Final = {*range(0xE0, 0xF0), 0xFE}
_ICC: Final = b"\xe2ICC_PROFILE\0"
_COLORS: Final = {b"\xe0JFIF\0": 16, b"\xeeAdobe": 14}
"""The segments that say how colors are stored, with the size of their fixed part."""
_METADATA: Final = {*_COLORS, _ICC, b"\xe1Exif\0\0", b"\xe1http://ns.adobe.com/xap/1.0/\0"}
_ALL_COEFFICIENTS: Final = (1 << 64) - 1
_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_ENDINGS: Final = (bytes(range(64)), bytes(range(0xA0, 0xE0)))
"""What stands in for the bytes behind a last scan whose end is not marked.

A decoder reads ahead, so there has to be something. A scan that lacks bytes shows it: the pixels
differ from one ending to the other.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg(Header):
    """A JPEG, up to the end of its first image.

    Attributes:
        segments: Each marker with the range of what belongs to it.
        is_complete: No scan is missing.
        has_end: The end is marked, so that a decoder finds out what is missing.
    """

    segments: Sequence[tuple[int, slice]]
    is_complete: bool
    has_end: bool

    def clean(self, content: Content, *, with_metadata: bool, ending: int = 0) -> bytes:
        """Return the image with the first EXIF and XMP segment and the color profile only.

        Pillow rejects an image with a broken Photoshop segment, and reads all EXIF segments as one.

        Args:
            content: The file.
            with_metadata: Keep these segments and the profile.
            ending: Which ending the last scan gets if its end is not marked: 0 or 1.
        """
        kept, seen = [_START], set[bytes]()
        for marker, part in self.segments:
            segment = content[part]
            name = segment[1:2] + segment[4:33]
            kind = next((kind for kind in _METADATA if name.startswith(kind)), None)
            if kind in _COLORS and len(segment) - 2 < _COLORS[kind]:
                continue  # it lacks a part that says nothing of the pixels
            is_new = kind is not None and (kind == _ICC or kind not in seen)
            if marker not in _APPLICATIONS or (is_new and (with_metadata or kind in _COLORS)):
                kept.append(segment)
            if kind is not None:
                seen.add(kind)
        if self.has_end:
            kept.append(_END)
        elif self.is_complete:
            kept += [_ENDINGS[ending], _END]
        return b"".join(kept)


def read_jpeg(content: Content, limits: LimitChecker) -> Jpeg:
    """Read the segments up to the end of the first image (ITU-T T.81, annex B).

    A scan extends to the next marker. A segment of an application that exceeds the file ends the
    image.

    Raises:
        InvalidImage
        struct.error, IndexError, ValueError: A segment is incomplete.
    """
    frame, segments, interval = None, list[tuple[int, slice]](), 0
    found = _MARKER.search(content, 2)
    while found:
        limits.check_block()
        marker, start = found[1][0], found.start()
        end = start + 2 + int.from_bytes(content[start + 2 : start + 4])
        if marker == _END_OF_IMAGE or (marker in _APPLICATIONS and end > len(content)):
            break
        found = _MARKER.search(content, end)
        if marker in _FRAMES and frame is None:
            frame = _Frame(content, marker, start)
            limits.check_jpeg_size(*frame.size, is_progressive=marker in _PROGRESSIVE)
        elif marker in _FRAMES:
            raise InvalidImage
        elif marker == _RESTART_INTERVAL:
            interval = int.from_bytes(content[start + 4 : start + 6])
        elif marker == _START_OF_SCAN and frame is not None:
            frame.add_scan(content, start)
            end = found.start() if found else len(content)
        segments.append((marker, slice(start, end)))
        if frame is not None and frame.is_complete and not _is_end(found):
            break
    if frame is None or not frame.scans:
        raise InvalidImage
    has_end = _is_end(found)
    if not has_end and frame.is_complete and interval:
        needed = math.ceil(frame.count_units() / interval) - 1
        _, scan = segments[-1]
        if len(_RESTART.findall(content[scan])) < needed:
            raise InvalidImage  # decoders fill what is missing with gray
    return Jpeg(size=frame.size, segments=segments, is_complete=frame.is_complete, has_end=has_end)


def _is_end(found: re.Match[bytes] | None) -> bool:
    return found is not None and found[1][0] == _END_OF_IMAGE


@dataclass(slots=True)
class _Component:
    """A color component: its sampling factors, and the coefficients that no scan completed yet."""

    horizontal: int
    vertical: int
    missing: int = _ALL_COEFFICIENTS


class _Frame:
    """A frame: its size, and which of its scans are missing (ITU-T T.81, B.2.2 and B.2.3)."""

    def __init__(self, content: Content, marker: int, start: int) -> None:
        self._is_progressive = marker in _PROGRESSIVE
        height, width, count = struct.unpack_from(">HHB", content, start + 5)
        self.size = width, height
        self.scans = 0
        self._components = {
            content[at]: _Component(content[at + 1] >> 4, content[at + 1] & 15)
            for at in range(start + 10, start + 10 + 3 * count, 3)
        }
        self._scanned: list[_Component] = []

    @property
    def is_complete(self) -> bool:
        """Whether no scan is missing."""
        return not any(component.missing for component in self._components.values())

    def add_scan(self, content: Content, start: int) -> None:
        """Record a scan. One of a progressive image has some bits of some coefficients."""
        self.scans += 1
        if self.scans > MAX_SCANS:
            raise TOO_COMPLEX
        count = content[start + 4]
        names = [content[start + 5 + 2 * number] for number in range(count)]
        self._scanned = [self._components[name] for name in names if name in self._components]
        first, last, bits = content[start + 5 + 2 * count : start + 8 + 2 * count]
        complete = (2 << last) - (1 << first) if bits & 15 == 0 else 0
        for component in self._scanned:
            component.missing &= ~(complete if self._is_progressive else _ALL_COEFFICIENTS)

    def count_units(self) -> int:
        """Return the number of units that the latest scan codes (ITU-T T.81, A.2)."""
        horizontal = max(component.horizontal for component in self._components.values()) or 1
        vertical = max(component.vertical for component in self._components.values()) or 1
        width: float = self.size[0] / (8 * horizontal)
        height: float = self.size[1] / (8 * vertical)
        if len(self._scanned) == 1:  # not interleaved: its own blocks, without padding
            [only] = self._scanned
            width, height = width * only.horizontal, height * only.vertical
        return math.ceil(width) * math.ceil(height)
