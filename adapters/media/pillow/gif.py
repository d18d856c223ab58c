"""The blocks of a GIF file, and its frames (GIF89a)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.media.pillow.header import Header
from adapters.media.pillow.limits import Content, LimitChecker
from domain.features.media.errors import InvalidImage

KEEP: Final = (0, 1)
CLEAR: Final = 2
RESTORE: Final = (3, 4)
"""What a frame does to the canvas after it was shown. Browsers read 4 as 3."""
FRAME, EXTENSION, CONTROL = 0x2C, 0x21, 0xF9
DESCRIPTOR: Final = struct.Struct("<BHHHHB")
HAS_PALETTE: Final = 0x80
_INTERLACED: Final = 0x40
HEADER_SIZE: Final = 13


@dataclass(frozen=True, slots=True)
class GifFrame:
    """A frame: where it is on the canvas, what it does to it, and its pixels.

    `duration` is in milliseconds. `transparent` is the transparent index, None without one. `flags`
    are those of the descriptor, and `pixels` is the range of what follows it.
    """

    box: tuple[int, int, int, int]
    flags: int
    pixels: slice
    duration: int
    disposal: int
    transparent: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gif(Header):
    """A GIF. The canvas has grown to contain frames that exceed it.

    `start` has the signature and the palette of all frames that have none of their own.
    """

    frames: Sequence[GifFrame]
    start: bytes

    @property
    def pixels(self) -> int:
        """The pixels of all frames. Each frame counts as the whole canvas."""
        width, height = self.size
        return width * height * len(self.frames)

    @property
    def can_be_merged(self) -> bool:
        """Whether all frames together can be one image with a palette and a transparent index.

        That of the first frame is transparent in all of them, so others must not use it as a color.
        """
        first = self.frames[0]
        if first.box != (0, 0, *self.size):
            return False
        if any(frame.flags & HAS_PALETTE for frame in self.frames):
            return False
        disposals = {frame.disposal for frame in self.frames}
        if first.transparent is None:
            return disposals <= {*KEEP}
        if {frame.transparent for frame in self.frames} != {first.transparent}:
            return False
        return disposals <= {*KEEP} or disposals == {CLEAR}

    def frame_file(self, content: Content, frame: GifFrame) -> bytes:
        """Return a frame as a GIF of its own, which has the size of its box."""
        left, top, right, bottom = frame.box
        width, height = right - left, bottom - top
        has_index, index = frame.transparent is not None, frame.transparent or 0
        flags, palette, pixels = self.start[10], self.start[HEADER_SIZE:], frame.pixels.start
        if frame.flags & HAS_PALETTE:  # it becomes that of all frames
            flags, pixels = frame.flags & 0x87, pixels + palette_size(frame.flags)
            palette = content[frame.pixels.start : pixels]
        return (
            self.start[:6]
            + struct.pack("<HHBBB", width, height, flags, 0, 0)
            + palette
            + struct.pack("<BBBBHBB", EXTENSION, CONTROL, 4, has_index, 0, index, 0)
            + DESCRIPTOR.pack(FRAME, 0, 0, width, height, frame.flags & _INTERLACED)
            + content[pixels : frame.pixels.stop]
            + b";"
        )


def read_gif(content: Content, limits: LimitChecker) -> Gif:
    """Read the blocks.

    Raises:
        InvalidImage: There is no frame, or there are too many blocks, frames or pixels.
        struct.error, IndexError: A block is too short.
    """
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    offset = HEADER_SIZE + palette_size(flags)
    start, frames, control = content[:offset], list[GifFrame](), (0, 0, 0)
    while offset < len(content) and content[offset] in {FRAME, EXTENSION}:
        limits.check_block()
        if content[offset] == EXTENSION:
            if content[offset + 1] == CONTROL:
                control = struct.unpack_from("<BHB", content, offset + 3)
            offset = _end_of_blocks(content, offset + 2)
            continue
        _, left, top, frame_width, frame_height, flags = DESCRIPTOR.unpack_from(content, offset)
        limits.check_size(frame_width, frame_height)
        box = (left, top, left + frame_width, top + frame_height)
        width, height = max(width, box[2]), max(height, box[3])
        begin = offset + DESCRIPTOR.size
        offset = _end_of_blocks(content, begin + palette_size(flags) + 1)
        of_frame, delay, index = control
        frames.append(
            GifFrame(
                box,
                flags,
                pixels=slice(begin, offset),
                duration=delay * 10,
                disposal=of_frame >> 2 & 7,
                transparent=index if of_frame & 1 else None,
            )
        )
        control = (0, 0, 0)
        limits.check_frames(len(frames), width, height)
    if not frames:
        raise InvalidImage
    return Gif(size=(width, height), frames=frames, start=start)


def palette_size(flags: int) -> int:
    """Return the bytes of the palette that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & HAS_PALETTE else 0


def _end_of_blocks(content: Content, offset: int) -> int:
    while offset < len(content) and content[offset]:
        offset += content[offset] + 1
    return offset + 1
