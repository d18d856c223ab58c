"""WebP files: the header (RFC 9649), and pixels without the canvases of the decoder."""

import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import PIL.Image
from PIL.WebPImagePlugin import WebPImageFile

from adapters.media.pillow.header import Header
from adapters.media.pillow.limits import Content, LimitChecker
from domain.features.media.errors import InvalidImage


def read_webp(content: Content, limits: LimitChecker) -> Header:
    """Read up to the pixels of the first frame.

    Raises:
        InvalidImage: There are no frames, too many, or too many chunks.
    """
    size, offset = None, 12
    while offset + 18 <= len(content):
        limits.check_block()
        name, length = struct.unpack_from("<4sI", content, offset)
        body = content[offset + 8 : offset + 28]
        if name == b"VP8X" and size is None:
            width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
            size = width, height
        elif name == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", body, 6)
            size = width & 0x3FFF, height & 0x3FFF
        elif name == b"VP8L" and size is None:
            bits = int.from_bytes(body[1:5], "little")
            size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if size is None:
            break
        limits.check_size(*size)
        if name in {b"VP8 ", b"VP8L", b"ANMF"}:
            pixels = body[16:20] if name == b"ANMF" else name
            return Header(size, is_lossless=pixels == b"VP8L")
        offset += 8 + length + length % 2
    raise InvalidImage


class Webp(WebPImageFile):
    """A WebP file. Its decoder has two canvases, and Pillow keeps it while it copies the pixels."""

    def load_prepare(self) -> None:
        """Stop before they are copied: `fp` has them."""
        raise _Decoded

    def decode(self) -> Callable[[], PIL.Image.Image]:
        """Decode the first frame, and return what makes an image of it without the decoder."""
        with suppress(_Decoded):
            self.load()
        pixels = self.fp.read() if self.fp else b""
        raw_mode = self.tile[0].args
        return partial(PIL.Image.frombytes, self.mode, self.size, pixels, "raw", raw_mode)


class _Decoded(Exception):
    """The first frame is decoded."""
