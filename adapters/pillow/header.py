"""One pass over the headers of a file: size, frames, scans and checksums, without decoding.

Pillow counts them only by decoding, or after it has reserved memory for the canvas. For AVIF and
HEIC, `Image.open` reads no pixels and is enough.
"""

import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from adapters.pillow.limits import MAX_SCANS, TOO_COMPLEX, LimitChecker
from domain.errors import InvalidImage
from domain.media.image import SourceFormat

# 0xFF and a byte that is no stuffed zero, fill byte, restart marker or start of image.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = {0xC2, 0xC6, 0xCA, 0xCE}
_APPLICATIONS: Final = {*range(0xE0, 0xF0), 0xFE}
_ICC: Final = b"\xe2ICC_PROFILE\0"
_COLORS: Final = {b"\xe0JFIF\0", b"\xeeAdobe"}
_METADATA: Final = {*_COLORS, _ICC, b"\xe1Exif\0\0", b"\xe1http://ns.adobe.com/xap/1.0/\0"}
_FRAME, _EXTENSION = 0x2C, 0x21


@dataclass(frozen=True, slots=True)
class Header:
    """Size in pixels before rotation, number of frames, and whether the pixels are exact."""

    width: int
    height: int
    frames: int = 1
    is_lossless: bool = False

    @property
    def pixels(self) -> int:
        """The pixels of all frames. Each frame counts as the whole canvas."""
        return self.width * self.height * self.frames


def _read_jpeg(content: mmap.mmap, limits: LimitChecker) -> Header:
    """Count the scans up to the end of the first image (ITU-T T.81, annex B)."""
    headers, scans = list[Header](), 0
    for marker, start, _ in _segments(content):
        limits.check_block()
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, start + 5)
            headers.append(Header(width, height))
            limits.check_jpeg_size(width, height, is_progressive=marker in _PROGRESSIVE)
        elif marker == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise TOO_COMPLEX
    if len(headers) != 1 or not scans:
        raise InvalidImage
    return headers[0]


def clean_jpeg(content: mmap.mmap, *, with_metadata: bool) -> bytes:
    """Return the first image with the first EXIF and XMP segment and the color profile only.

    Pillow rejects an image whose Photoshop segment is broken, and reads all EXIF segments as one.
    """
    kept, seen = [b"\xff\xd8"], set[bytes]()
    for marker, start, end in _segments(content):
        name = content[start + 1 : start + 2] + content[start + 4 : start + 33]
        kind = next((kind for kind in _METADATA if name.startswith(kind)), None)
        is_new = kind is not None and (kind == _ICC or kind not in seen)
        if marker not in _APPLICATIONS or (is_new and (with_metadata or kind in _COLORS)):
            kept.append(content[start:end])
        if kind is not None:
            seen.add(kind)
    return b"".join(kept)


def _segments(content: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Yield each marker with its start and end, up to the end of the image or of the file.

    A scan extends to the next marker. A segment that exceeds the file ends the image.
    """
    found = _MARKER.search(content, 2)
    while found:
        marker, start = found[1][0], found.start()
        end = start + 2 + int.from_bytes(content[start + 2 : start + 4])
        if marker == _END_OF_IMAGE or (marker in _APPLICATIONS and end > len(content)):
            yield _END_OF_IMAGE, start, start + 2
            return
        found = _MARKER.search(content, end)
        if marker == _START_OF_SCAN:
            end = found.start() if found else len(content)
        yield marker, start, end


def _read_png(content: mmap.mmap, limits: LimitChecker) -> Header:
    """Check the checksums of the pixels, as Pillow does not."""
    width, height = struct.unpack_from(">II", content, 16)
    name, offset = b"", 8
    while name != b"IEND" and offset + 8 <= len(content):
        limits.check_block()
        size, name = struct.unpack_from(">I4s", content, offset)
        end = offset + 8 + size
        is_used = name in {b"IHDR", b"IDAT"} and end + 4 <= len(content)
        checksum = int.from_bytes(content[end : end + 4])
        if is_used and zlib.crc32(content[offset + 4 : end]) != checksum:
            raise InvalidImage
        offset = end + 4
    return Header(width, height, is_lossless=True)


def _read_gif(content: mmap.mmap, limits: LimitChecker) -> Header:
    """Count the frames (GIF89a). The canvas grows to contain frames that exceed it."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    offset, frames = 13 + _palette_size(flags), 0
    while offset < len(content) and content[offset] in {_FRAME, _EXTENSION}:
        limits.check_block()
        if content[offset] == _EXTENSION:
            offset += 2
        else:
            left, top, frame_width, frame_height, flags = struct.unpack_from(
                "<HHHHB", content, offset + 1
            )
            limits.check_size(frame_width, frame_height)
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            frames += 1
            limits.check_frames(frames, width, height)
            offset += 11 + _palette_size(flags)
        while offset < len(content) and content[offset]:
            offset += content[offset] + 1
        offset += 1
    return Header(width, height, frames)


def _palette_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _read_webp(content: mmap.mmap, limits: LimitChecker) -> Header:
    """Count the frames (RFC 9649)."""
    header, is_lossless, frames, offset = None, False, 0, 12
    while offset + 18 <= len(content):
        limits.check_block()
        name, size = struct.unpack_from("<4sI", content, offset)
        body = content[offset + 8 : offset + 18]
        if name == b"VP8X" and header is None:
            width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
            header = Header(width, height)
        elif name == b"VP8 " and header is None:
            width, height = struct.unpack_from("<HH", body, 6)
            header = Header(width & 0x3FFF, height & 0x3FFF)
        elif name == b"VP8L" and header is None:
            bits = int.from_bytes(body[1:5], "little")
            header = Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif name == b"ANMF":
            frames += 1
        if header is not None:
            limits.check_frames(max(frames, 1), header.width, header.height)
        is_lossless |= name == b"VP8L"
        offset += 8 + size + size % 2
    if header is None:
        raise InvalidImage
    return Header(header.width, header.height, max(frames, 1), is_lossless)


_READERS: Final[dict[SourceFormat, Callable[[mmap.mmap, LimitChecker], Header]]] = {
    SourceFormat.JPEG: _read_jpeg,
    SourceFormat.PNG: _read_png,
    SourceFormat.GIF: _read_gif,
    SourceFormat.WEBP: _read_webp,
}


def read_header(content: mmap.mmap, image_format: SourceFormat, limits: LimitChecker) -> Header:
    """Read the headers of a JPEG, PNG, GIF or WebP file, and check them against the limits.

    Raises:
        InvalidImage
    """
    try:
        header = _READERS[image_format](content, limits)
    except (struct.error, IndexError) as error:
        raise InvalidImage from error
    if not header.frames:
        raise InvalidImage
    if image_format is not SourceFormat.JPEG:
        limits.check_size(header.width, header.height)
    return header
