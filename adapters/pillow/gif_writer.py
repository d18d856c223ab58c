"""The frames of a GIF put together again: what shows them and nothing else."""

import struct
from collections.abc import Iterator

from adapters.pillow.gif_parts import Control, Frame, Gif


def opening(gif: Gif) -> bytes:
    """Write what comes before the frames."""
    flags = _palette_flags(gif.palette)
    screen = struct.pack("<HHBBB", gif.width, gif.height, flags, gif.background, 0)
    return b"".join([b"GIF89a", screen, gif.palette, _looping(gif.loops)])


def framed(frame: Frame) -> Iterator[bytes]:
    """Write a frame with how it is shown."""
    if frame.control:
        yield _control(frame.control)
    flags = _palette_flags(frame.palette) | (0x40 if frame.interlaced else 0)
    place = (frame.left, frame.top, frame.width, frame.height)
    yield b"," + struct.pack("<HHHHB", *place, flags)
    yield frame.palette
    yield frame.packed


ENDING = b";"


def _palette_flags(palette: bytes) -> int:
    """Say that there is a palette, and how large: 2 to the power of one more than the flag."""
    return 0x80 | (len(palette) // 3).bit_length() - 2 if palette else 0


def _looping(loops: int | None) -> bytes:
    if loops is None:
        return b""
    return b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", loops, 0)


def _control(control: Control) -> bytes:
    flags = control.disposal << 2 | (control.transparent is not None)
    return b"!\xf9\x04" + struct.pack(
        "<BHBB", flags, control.hundredths, control.transparent or 0, 0
    )
