"""One pass over the headers of a file: size, frames, scans and checksums, without decoding.

Pillow counts them only by decoding, or after it has reserved memory for the canvas. For AVIF and
HEIC, `Image.open` reads no pixels and is enough.
"""

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from adapters.pillow.jpeg import read_jpeg
from adapters.pillow.limits import LimitChecker
from adapters.pillow.png import read_png
from domain.errors import InvalidImage
from domain.media.image import SourceFormat

_FRAME, _EXTENSION = 0x2C, 0x21


@dataclass(frozen=True, slots=True)
class Header:
    """Size in pixels before rotation, number of frames, and whether the pixels are exact.

    `has_end` says that the end of a JPEG is marked, so that a decoder finds out what is missing.
    """

    width: int
    height: int
    frames: int = 1
    is_lossless: bool = False
    has_end: bool = True

    @property
    def pixels(self) -> int:
        """The pixels of all frames. Each frame counts as the whole canvas."""
        return self.width * self.height * self.frames


def _read_jpeg(content: mmap.mmap, limits: LimitChecker) -> Header:
    jpeg = read_jpeg(content, limits)
    return Header(jpeg.width, jpeg.height, has_end=jpeg.has_end)


def _read_png(content: mmap.mmap, limits: LimitChecker) -> Header:
    png = read_png(content, limits)
    return Header(png.width, png.height, max(len(png.frames), 1), is_lossless=True)


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
    except (struct.error, IndexError, ValueError) as error:
        raise InvalidImage from error
    if not header.frames:
        raise InvalidImage
    if image_format is not SourceFormat.JPEG:
        limits.check_size(header.width, header.height)
    return header
