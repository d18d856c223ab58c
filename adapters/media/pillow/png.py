"""The chunks of a PNG file that Pillow does not check or does not know (PNG third edition)."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from adapters.media.pillow.header import Header
from adapters.media.pillow.limits import Content, LimitChecker
from domain.features.media.errors import InvalidImage

_SIGNATURE_SIZE: Final = 8


def read_png(content: Content, limits: LimitChecker) -> Header:
    """Read the header and cICP, and check the checksums of pixels.

    Pixels are those of IDAT, and of the first frame of an animation, which may be another image.

    Raises:
        InvalidImage: It begins with no header, has a wrong checksum, or is over the limits.
    """
    chunks = _read_chunks(content)
    name, part = next(chunks, (b"", slice(0)))
    if name != b"IHDR":
        raise InvalidImage
    _check(content, part)
    width, height = struct.unpack_from(">II", content[part])
    limits.check_size(width, height)
    transfer, has_pixels, frames = None, False, 0
    for name, part in chunks:
        limits.check_block()
        if name == b"IDAT" or (name == b"fdAT" and frames == 1):
            _check(content, part)
            has_pixels = True
        elif name == b"fcTL":
            frames += 1
            if frames > 1 and has_pixels:  # only the first frame is decoded
                break
        elif name == b"cICP" and not has_pixels and transfer is None:
            transfer = _read_transfer(content[part])
    return Header((width, height), is_lossless=True, transfer=transfer)


def _read_transfer(body: bytes) -> int | None:
    """Return the transfer function of a cICP, or None if it is invalid: its matrix must be RGB."""
    if len(body) != 4:
        return None
    _, transfer, matrix, is_full = body
    return transfer if not matrix and is_full in {0, 1} else None


def _read_chunks(content: Content) -> Iterator[tuple[bytes, slice]]:
    """Yield the name of each chunk and where its body is. The body of the last one may be cut."""
    name, offset = b"", _SIGNATURE_SIZE
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
