"""The chunks of a PNG file, and the frames of an animated one (PNG third edition)."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.pillow.limits import Content, LimitChecker
from domain.media.errors import InvalidImage

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_DEFAULT_DENOMINATOR: Final = 100
# What the pixels of a frame need. Other chunks have metadata.
_SHARED: Final = {b"PLTE", b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"}


@dataclass(frozen=True, slots=True)
class PngFrame:
    """A frame: where it is on the canvas, what it does to it, and the ranges of its pixels.

    `duration` is in milliseconds; `disposal` and `blending` are the numbers of 11.3.6.2.
    """

    box: tuple[int, int, int, int]
    duration: float
    disposal: int
    blending: int
    ranges: list[slice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Png:
    """A PNG. It is an animation if it has two or more frames.

    `plays` is how often the animation is shown, 0 for endless. `start` has the header, and `shared`
    what belongs to the pixels of each frame.
    """

    width: int
    height: int
    frames: Sequence[PngFrame]
    plays: int
    start: bytes
    shared: bytes

    def frame_file(self, content: Content, frame: PngFrame) -> bytes:
        """Return a frame as a PNG of its own, which has the size of its box."""
        left, top, right, bottom = frame.box
        header = struct.pack(">II", right - left, bottom - top) + self.start[8:]
        pixels = b"".join(_chunk(b"IDAT", content[part]) for part in frame.ranges)
        return SIGNATURE + _chunk(b"IHDR", header) + self.shared + pixels + _chunk(b"IEND", b"")


def read_png(content: Content, limits: LimitChecker) -> Png:
    """Read the chunks, and check the checksums of all that belongs to pixels, as Pillow does not.

    An animation that has fewer frames than it declares is shown with these, unless its end is
    missing, too. Frames that it does not declare are ignored. One that breaks the rules is no
    animation, as in browsers: then the default image is shown.

    Raises:
        InvalidImage: It does not begin with a header, lacks frames or has too many, or a checksum
            is wrong.
        struct.error: A chunk is too short.
    """
    chunks = read_chunks(content)
    name, part = next(chunks, (b"", slice(0)))
    if name != b"IHDR":
        raise InvalidImage
    _check(content, part)
    start = content[part]
    width, height = struct.unpack_from(">II", start)
    declared, plays, number, frames, shared = 0, 0, 0, list[PngFrame](), list[bytes]()
    has_pixels, is_valid = False, True
    for name, part in chunks:
        limits.check_block()
        if name == b"IDAT":
            _check(content, part)
            has_pixels = True
            if frames:  # otherwise the default image is no frame
                frames[0].ranges.append(part)
        elif name == b"acTL" and not (has_pixels or declared) and part.stop - part.start == 8:
            declared, plays = struct.unpack(">II", content[part])
        elif name in {b"fcTL", b"fdAT"} and declared:
            _check(content, part)
            is_valid &= number == int.from_bytes(content[part.start : part.start + 4])
            number += 1
            if name == b"fcTL" and len(frames) < declared:
                frames.append(_read_frame(content[part], (width, height), is_first=not has_pixels))
                limits.check_frames(len(frames), width, height)
            elif name == b"fdAT" and frames:
                frames[-1].ranges.append(slice(part.start + 4, part.stop))
        elif name in _SHARED and not has_pixels:
            shared.append(_chunk(name, content[part]))
    is_valid &= all(_is_inside(frame.box, width, height) for frame in frames)
    frames = [frame for frame in frames if frame.ranges] if is_valid else []
    if is_valid and len(frames) < declared and name != b"IEND":
        raise InvalidImage
    return Png(width, height, frames, plays, start, b"".join(shared))


def read_chunks(content: Content) -> Iterator[tuple[bytes, slice]]:
    """Yield the name of each chunk and where its body is. The body of the last one may be cut."""
    name, offset = b"", len(SIGNATURE)
    while name != b"IEND" and offset + 8 <= len(content):
        size, name = struct.unpack_from(">I4s", content, offset)
        offset += 8
        yield name, slice(offset, offset + size)
        offset += size + 4


def _check(content: Content, part: slice) -> None:
    """Raise InvalidImage if the chunk is whole and its checksum is wrong."""
    end = part.stop
    is_whole = end + 4 <= len(content)
    checksum = int.from_bytes(content[end : end + 4])
    if is_whole and zlib.crc32(content[part.start - 4 : end]) != checksum:
        raise InvalidImage


def _read_frame(control: bytes, canvas: tuple[int, int], *, is_first: bool) -> PngFrame:
    fields = struct.unpack_from(">IIIIIHHBB", control)
    _, width, height, left, top, numerator, denominator, disposal, blending = fields
    box = (0, 0, *canvas) if is_first else (left, top, left + width, top + height)
    duration = 1000 * numerator / (denominator or _DEFAULT_DENOMINATOR)
    return PngFrame(box, duration, disposal, blending)


def _is_inside(box: tuple[int, int, int, int], width: int, height: int) -> bool:
    left, top, right, bottom = box
    return left < right <= width and top < bottom <= height


def _chunk(name: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(name))
    return len(body).to_bytes(4) + name + body + checksum.to_bytes(4)
