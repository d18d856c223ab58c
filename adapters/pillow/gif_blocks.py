"""A GIF (GIF89a) taken apart into its frames; nothing is decoded."""

import struct
from typing import Final

from adapters.pillow.allowance import Allowance
from adapters.pillow.gif_parts import Control, Frame, Gif
from domain.errors import InvalidImage

_CONTROL, _APPLICATION, _TEXT = 0xF9, 0xFF, 0x01
_LOOPING: Final = {b"NETSCAPE2.0", b"ANIMEXTS1.0"}


def read_gif(content: bytes, allowance: Allowance) -> Gif:
    """Find the frames; comments, texts and what applications added are left behind.

    The canvas grows to hold frames that stick out of it, as most viewers do. What is neither
    frame nor extension ends the file, as it does in browsers.

    Raises:
        InvalidImage
    """
    blocks = _Blocks(content)
    blocks.take(6)
    width, height, flags, background, _ = struct.unpack("<HHBBB", blocks.take(7))
    palette = blocks.palette(flags)
    allowance.check_size(max(width, 1), max(height, 1))
    control, loops, frames = None, None, list[Frame]()
    while introducer := blocks.introducer():
        allowance.check_time()
        if introducer == b",":
            frame = blocks.frame(control)
            width = max(width, frame.left + frame.width)
            height = max(height, frame.top + frame.height)
            allowance.check_size(frame.width, frame.height)
            allowance.check_size(width, height)
            frames.append(frame)
            allowance.check_frames(len(frames), width, height)
            control = None
        else:
            label, first, second = blocks.extension()
            if label == _CONTROL:
                control = _control(first)
            elif label == _TEXT:
                control = None
            elif label == _APPLICATION and first in _LOOPING and second[:1] == b"\x01":
                loops = int.from_bytes(second[1:3], "little")
    if not frames:
        raise InvalidImage
    background = background if 3 * background < len(palette) else 0
    return Gif(width, height, palette, background, loops, frames)


class _Blocks:
    """The blocks of a GIF in order; one that goes on beyond the end is broken."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, count: int) -> bytes:
        """Give the next `count` bytes."""
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise InvalidImage
        self._at += count
        return taken

    def introducer(self) -> bytes:
        """Give what kind of block comes next, or nothing where the file ends."""
        kind = self._content[self._at : self._at + 1]
        self._at += 1
        return kind if kind in {b",", b"!"} else b""

    def palette(self, flags: int) -> bytes:
        """Give the palette that the flags announce."""
        return self.take(3 << (flags & 7) + 1) if flags & 0x80 else b""

    def extension(self) -> tuple[int, bytes, bytes]:
        """Give an extension's label and its first two blocks, and pass over the others."""
        label = self.take(1)[0]
        first = self._block()
        second = self._block() if first else b""
        if second:
            self._pass_blocks()
        return label, first, second

    def frame(self, control: Control | None) -> Frame:
        """Give a frame with its own palette and packed pixels."""
        left, top, width, height, flags = struct.unpack("<HHHHB", self.take(9))
        palette = self.palette(flags)
        start = self._at
        self.take(1)
        self._pass_blocks()
        packed = self._content[start : self._at]
        return Frame(left, top, width, height, bool(flags & 0x40), palette, control, packed)

    def _block(self) -> bytes:
        return self.take(self.take(1)[0])

    def _pass_blocks(self) -> None:
        content, at = self._content, self._at
        try:
            while size := content[at]:
                at += 1 + size
        except IndexError:
            raise InvalidImage from None
        self._at = at + 1


def _control(block: bytes) -> Control:
    if len(block) < 4:
        raise InvalidImage
    flags, hundredths, transparent = struct.unpack_from("<BHB", block)
    return Control((flags >> 2) & 7, hundredths, transparent if flags & 1 else None)
