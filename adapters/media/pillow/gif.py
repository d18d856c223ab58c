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
_FRAME, _EXTENSION, _CONTROL = 0x2C, 0x21, 0xF9
_DESCRIPTOR: Final = struct.Struct("<BHHHHB")
_HAS_PALETTE: Final = 0x80
_INTERLACED: Final = 0x40
_HEADER_SIZE: Final = 13


@dataclass(frozen=True, slots=True)
class GifFrame:
    """A frame: where it is on the canvas, what it does to it, and its pixels.

    Attributes:
        box: Left, top, right and bottom.
        palette: The range of its palette, which is empty if the file has none.
        pixels: The range of the size of a code and the codes.
        duration: In milliseconds.
        transparent: The transparent index, None without one.
    """

    box: tuple[int, int, int, int]
    is_interlaced: bool
    palette: slice
    pixels: slice
    duration: int
    disposal: int
    transparent: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gif(Header):
    """A GIF. The canvas has grown to contain frames that exceed it."""

    frames: Sequence[GifFrame]

    @property
    def pixels(self) -> int:
        """The pixels of all frames. Each frame counts as the whole canvas."""
        width, height = self.size
        return width * height * len(self.frames)

    @property
    def has_one_palette(self) -> bool:
        """Whether a canvas with one palette and at most one transparent index shows all frames.

        An index must not be transparent in one frame and a color in another one. Without a
        transparent index, no part of the canvas may ever be empty.
        """
        first = self.frames[0]
        if len({(frame.palette.start, frame.transparent) for frame in self.frames}) > 1:
            return False
        is_filled = first.box == (0, 0, *self.size)
        is_filled &= all(frame.disposal in KEEP for frame in self.frames)
        return is_filled or first.transparent is not None


def read_gif(content: Content, limits: LimitChecker) -> Gif:
    """Read the blocks.

    Raises:
        InvalidImage: There is no frame, or there are too many blocks, frames or pixels.
    """
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    offset = _HEADER_SIZE + _palette_size(flags)
    palette, frames, control = slice(_HEADER_SIZE, offset), list[GifFrame](), (0, 0, 0)
    while offset < len(content) and content[offset] in {_FRAME, _EXTENSION}:
        limits.check_block()
        if content[offset] == _EXTENSION:
            if content[offset + 1] == _CONTROL:
                control = struct.unpack_from("<BHB", content, offset + 3)
            offset = _end_of_blocks(content, offset + 2)
            continue
        _, left, top, frame_width, frame_height, flags = _DESCRIPTOR.unpack_from(content, offset)
        limits.check_size(frame_width, frame_height)
        box = (left, top, left + frame_width, top + frame_height)
        width, height = max(width, box[2]), max(height, box[3])
        begin = offset + _DESCRIPTOR.size
        pixels = begin + _palette_size(flags)
        offset = _end_of_blocks(content, pixels + 1)
        of_frame, delay, index = control
        frames.append(
            GifFrame(
                box,
                is_interlaced=bool(flags & _INTERLACED),
                palette=slice(begin, pixels) if flags & _HAS_PALETTE else palette,
                pixels=slice(pixels, offset),
                duration=delay * 10,
                disposal=of_frame >> 2 & 7,
                transparent=index if of_frame & 1 else None,
            )
        )
        control = (0, 0, 0)
        limits.check_frames(len(frames), width, height)
    if not frames:
        raise InvalidImage
    return Gif(size=(width, height), frames=frames)


def _palette_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & _HAS_PALETTE else 0


def _end_of_blocks(content: Content, offset: int) -> int:
    while offset < len(content) and content[offset]:
        offset += content[offset] + 1
    return offset + 1
