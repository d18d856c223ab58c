"""JPEG files as far as their markers: size, scans, and the first image without other segments.

Nothing behind the last scan is read. Phones write trailers there, such as a video, which have
bytes like markers, and some omit the end of the image.
"""

import math
import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from adapters.pillow.limits import MAX_SCANS, TOO_COMPLEX, LimitChecker
from domain.media.errors import InvalidImage

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
_END: Final = bytes((0xFF, _END_OF_IMAGE))
_ENDINGS: Final = (bytes(range(64)), bytes(range(0xA0, 0xE0)))
"""What stands in for the bytes behind a last scan whose end is not marked.

A decoder reads ahead, so there has to be something. A scan that lacks bytes shows it: the pixels
differ from one ending to the other.
"""


@dataclass(slots=True)
class _Component:
    """A color component: its sampling factors, and the coefficients that no scan completed yet."""

    horizontal: int
    vertical: int
    missing: int = _ALL_COEFFICIENTS


class _Frame:
    """A frame: its size, and which of its scans are missing (ITU-T T.81, B.2.2 and B.2.3)."""

    def __init__(self, content: mmap.mmap, marker: int, start: int) -> None:
        self.is_progressive = marker in _PROGRESSIVE
        self.height, self.width, count = struct.unpack_from(">HHB", content, start + 5)
        self._components = {
            content[at]: _Component(content[at + 1] >> 4, content[at + 1] & 15)
            for at in range(start + 10, start + 10 + 3 * count, 3)
        }
        self._scanned: list[_Component] = []

    @property
    def is_complete(self) -> bool:
        """Whether no scan is missing."""
        return not any(component.missing for component in self._components.values())

    def scan(self, content: mmap.mmap, start: int) -> None:
        """Record a scan. One of a progressive image has some bits of some coefficients."""
        count = content[start + 4]
        names = [content[start + 5 + 2 * number] for number in range(count)]
        self._scanned = [self._components[name] for name in names if name in self._components]
        first, last, bits = content[start + 5 + 2 * count : start + 8 + 2 * count]
        complete = (2 << last) - (1 << first) if bits & 15 == 0 else 0
        for component in self._scanned:
            component.missing &= ~(complete if self.is_progressive else _ALL_COEFFICIENTS)

    def count_units(self) -> int:
        """Return the number of units that the latest scan codes (ITU-T T.81, A.2)."""
        horizontal = max(component.horizontal for component in self._components.values()) or 1
        vertical = max(component.vertical for component in self._components.values()) or 1
        width: float = self.width / (8 * horizontal)
        height: float = self.height / (8 * vertical)
        if len(self._scanned) == 1:  # not interleaved: its own blocks, without padding
            [only] = self._scanned
            width, height = width * only.horizontal, height * only.vertical
        return math.ceil(width) * math.ceil(height)


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """The size of a JPEG in pixels. `has_end` says that its end is marked."""

    width: int
    height: int
    has_end: bool


def read_jpeg(content: mmap.mmap, limits: LimitChecker) -> JpegHeader:
    """Check the size, and count the scans up to the end of the first image (ITU-T T.81, annex B).

    Raises:
        InvalidImage
        struct.error, IndexError, ValueError: A segment is incomplete.
    """
    reader, scans = _Reader(content), 0
    for marker, start, _ in reader:
        limits.check_block()
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, start + 5)
            limits.check_jpeg_size(width, height, is_progressive=marker in _PROGRESSIVE)
        elif marker == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise TOO_COMPLEX
    if len(reader.frames) != 1 or not scans:
        raise InvalidImage
    if not reader.has_end and reader.lacks_restarts:
        raise InvalidImage  # decoders fill what is missing with gray
    [frame] = reader.frames
    return JpegHeader(frame.width, frame.height, reader.has_end)


def clean_jpeg(content: mmap.mmap, *, with_metadata: bool, ending: int = 0) -> bytes:
    """Return the first image with the first EXIF and XMP segment and the color profile only.

    Pillow rejects an image whose Photoshop segment is broken, and reads all EXIF segments as one.

    Args:
        content: The file.
        with_metadata: Keep these segments and the profile.
        ending: Which ending the last scan gets if its end is not marked: 0 or 1.
    """
    kept, seen = [b"\xff\xd8"], set[bytes]()
    reader = _Reader(content)
    for marker, start, end in reader:
        name = content[start + 1 : start + 2] + content[start + 4 : start + 33]
        kind = next((kind for kind in _METADATA if name.startswith(kind)), None)
        if kind in _COLORS and end - start - 2 < _COLORS[kind]:
            continue  # it lacks a part that says nothing of the pixels
        is_new = kind is not None and (kind == _ICC or kind not in seen)
        if marker not in _APPLICATIONS or (is_new and (with_metadata or kind in _COLORS)):
            kept.append(content[start:end])
        if kind is not None:
            seen.add(kind)
    if reader.is_complete and not reader.has_end:
        kept += [_ENDINGS[ending], _END]
    return b"".join(kept)


class _Reader:
    """Reads the segments of the first image.

    Attributes:
        frames: The frames that were read.
        is_complete: No scan of the frame is missing.
        has_end: The end of the image is marked.
        lacks_restarts: The last scan has fewer restart markers than it needs.
    """

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self.frames: list[_Frame] = []
        self.is_complete = False
        self.has_end = False
        self.lacks_restarts = False
        self._restart_interval = 0

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Yield each marker with its start and end, up to the end of the image or of the file.

        A scan extends to the next marker. A segment that exceeds the file ends the image.
        """
        content = self._content
        found = _MARKER.search(content, 2)
        while found:
            marker, start = found[1][0], found.start()
            end = start + 2 + int.from_bytes(content[start + 2 : start + 4])
            if marker == _END_OF_IMAGE or (marker in _APPLICATIONS and end > len(content)):
                self.has_end = marker == _END_OF_IMAGE
                yield _END_OF_IMAGE, start, start + 2
                return
            found = _MARKER.search(content, end)
            if marker in _FRAMES:
                self.frames.append(_Frame(content, marker, start))
            elif marker == _RESTART_INTERVAL:
                self._restart_interval = int.from_bytes(content[start + 4 : start + 6])
            elif marker == _START_OF_SCAN:
                data, end = end, found.start() if found else len(content)
                self._record_scan(start, data, end)
                if self.is_complete and (found is None or found[1][0] != _END_OF_IMAGE):
                    yield marker, start, end
                    return
            yield marker, start, end

    def _record_scan(self, start: int, data: int, end: int) -> None:
        for frame in self.frames[:1]:
            frame.scan(self._content, start)
            self.is_complete = frame.is_complete
            if self.is_complete and self._restart_interval:
                needed = math.ceil(frame.count_units() / self._restart_interval) - 1
                found = sum(1 for _ in _RESTART.finditer(self._content, data, end))
                self.lacks_restarts = found < needed
