"""One pass over the headers of a file: size, frames, scans and checksums, without decoding.

Pillow counts them only by decoding, or after it has reserved memory for the canvas. For AVIF and
HEIC, `Image.open` reads no pixels and is enough.
"""

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from adapters.pillow.gif import read_gif
from adapters.pillow.jpeg import read_jpeg
from adapters.pillow.limits import LimitChecker
from adapters.pillow.png import read_png
from domain.media.errors import InvalidImage
from domain.media.image import SourceFormat


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
    gif = read_gif(content, limits)
    return Header(gif.width, gif.height, len(gif.frames))


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
