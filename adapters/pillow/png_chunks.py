"""A PNG (W3C, third edition) taken apart into its chunks."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from adapters.pillow.allowance import Allowance
from adapters.pillow.essence import LARGEST_PROFILE, Essence
from domain.errors import InvalidImage

_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_CRITICAL: Final = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_GREY, _RGB, _PALETTE = 0, 2, 3


@dataclass(frozen=True, slots=True)
class _Header:
    body: bytes
    width: int
    height: int
    depth: int
    colour: int


def read_png(content: bytes, allowance: Allowance) -> Essence:
    """Keep the chunks that make up the picture, and look up its size.

    Of an animated PNG that is the default picture, which every reader of PNG can show.

    Raises:
        InvalidImage
    """
    chunks = _chunks(content)
    header = _header(*next(chunks))
    allowance.check_size(header.width, header.height)
    palette, transparency, exif, profile = b"", b"", b"", b""
    pixels = list[bytes]()
    for kind, chunk in chunks:
        allowance.check_time()
        match kind:
            case b"IDAT":
                pixels.append(chunk)
            case b"PLTE":
                palette = _body(chunk)
            case b"tRNS":
                transparency = _body(chunk)
            case b"eXIf":
                exif = _body(chunk)
            case b"iCCP":
                profile = _profile(_body(chunk))
    kept = [_MAGIC, _chunk(b"IHDR", header.body)]
    if header.colour == _PALETTE:
        if not palette or len(palette) % 3 or len(palette) > 3 * 256:
            raise InvalidImage
        kept.append(_chunk(b"PLTE", palette))
        transparency = transparency[: len(palette) // 3]
    else:
        transparency = _in_eight_bits(transparency, header)
    if transparency:
        kept.append(_chunk(b"tRNS", transparency))
    content = b"".join([*kept, *pixels, _chunk(b"IEND", b"")])
    return Essence(content, header.width, header.height, exif, profile)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the kind and the whole of each chunk up to IEND; those that count must be intact."""
    at, kind = len(_MAGIC), b""
    while kind != b"IEND":
        if at + 12 > len(content):
            raise InvalidImage
        length, kind = struct.unpack_from(">I4s", content, at)
        chunk = content[at : at + 12 + length]
        is_critical = kind[:1].isupper()
        if len(chunk) < 12 + length or (is_critical and kind not in _CRITICAL):
            raise InvalidImage
        if (is_critical or kind == b"tRNS") and not _is_intact(chunk):
            raise InvalidImage
        yield kind, chunk
        at += len(chunk)


def _header(kind: bytes, chunk: bytes) -> _Header:
    body = _body(chunk)
    if kind != b"IHDR" or len(body) != 13:
        raise InvalidImage
    return _Header(body, *struct.unpack_from(">IIBB", body))


def _body(chunk: bytes) -> bytes:
    return chunk[8:-4]


def _is_intact(chunk: bytes) -> bool:
    return zlib.crc32(memoryview(chunk)[4:-4]) == int.from_bytes(chunk[-4:])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def _in_eight_bits(transparency: bytes, header: _Header) -> bytes:
    """Say which grey or colour is transparent in the samples that Pillow makes.

    It scales samples to eight bits, but not this; for single bits it does.
    """
    count = {_GREY: 1, _RGB: 3}.get(header.colour, 0)
    if len(transparency) != 2 * count:
        return b""
    samples = struct.unpack(f">{count}H", transparency)
    match header.depth:
        case 16:
            samples = tuple(sample >> 8 for sample in samples)
        case 2 | 4:
            samples = tuple(sample * 255 // ((1 << header.depth) - 1) for sample in samples)
    return struct.pack(f">{count}H", *samples)


def _profile(body: bytes) -> bytes:
    """Unpack an ICC profile, as far as one may be large; a broken one is as good as none."""
    _, _, rest = body.partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(rest[1:], LARGEST_PROFILE)
    except zlib.error:
        return b""
    return profile if unpacking.eof else b""
