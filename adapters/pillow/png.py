"""PNG (W3C, third edition): parsing into chunks, and publishing."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import PIL.Image

from adapters.pillow.limits import LimitChecker, LimitedWriter
from adapters.pillow.palette import drop_unused_colors, used_indices
from adapters.pillow.still_image import (
    MAX_PROFILE_SIZE,
    ParsedImage,
    apply_orientation,
    convert_to_srgb,
    decode,
    drop_metadata,
    published_image,
)
from application.ports.images import PublishedImage
from domain.errors import InvalidImage
from domain.media.image import ImageFormat

# Level 6 takes three times as long for photos and makes them a tenth smaller.
_COMPRESSION_LEVEL: Final = 3
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CRITICAL_CHUNKS: Final = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_GRAY, _RGB, _PALETTE = 0, 2, 3
_OPAQUE: Final = 255


@dataclass(frozen=True, slots=True)
class _Header:
    body: bytes
    width: int
    height: int
    bit_depth: int
    color_type: int


def publish_png(upload: bytes, limits: LimitChecker) -> PublishedImage:
    """Publish a PNG with its palette and transparency, and at most eight bits per sample."""
    parsed = parse_png(upload, limits)
    image = _convert_to_8_bits(decode(parsed, ImageFormat.PNG, limits))
    image = convert_to_srgb(image, parsed.icc_profile)
    image = _drop_unused_palette(apply_orientation(image, parsed.exif))
    writer = LimitedWriter(limits)
    drop_metadata(image).save(writer, "PNG", compress_level=_COMPRESSION_LEVEL)
    return published_image(ImageFormat.PNG, image.size, writer.getvalue())


def parse_png(content: bytes, limits: LimitChecker) -> ParsedImage:
    """Keep the chunks that the pixels need, and read the size.

    For an animated PNG this is the default image, which every PNG decoder shows.

    Raises:
        InvalidImage
    """
    chunks = _chunks(content)
    header = _parse_header(*next(chunks))
    limits.check_size(header.width, header.height)
    palette, transparency, exif, icc_profile = b"", b"", b"", b""
    pixel_chunks = list[bytes]()
    for chunk_type, chunk in chunks:
        limits.check_block()
        match chunk_type:
            case b"IDAT":
                pixel_chunks.append(chunk)
            case b"PLTE":
                palette = _body(chunk)
            case b"tRNS":
                transparency = _body(chunk)
            case b"eXIf":
                exif = _body(chunk)
            case b"iCCP":
                icc_profile = _decompress_profile(_body(chunk))
    kept = [_SIGNATURE, _make_chunk(b"IHDR", header.body)]
    if header.color_type == _PALETTE:
        if not palette or len(palette) % 3 or len(palette) > 3 * 256:
            raise InvalidImage
        kept.append(_make_chunk(b"PLTE", palette))
        transparency = transparency[: len(palette) // 3]
    else:
        transparency = _scale_transparency(transparency, header)
    if transparency:
        kept.append(_make_chunk(b"tRNS", transparency))
    content = b"".join([*kept, *pixel_chunks, _make_chunk(b"IEND", b"")])
    return ParsedImage(content, header.width, header.height, exif, icc_profile)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the bytes of each chunk up to IEND. Chunks that are used must be valid."""
    offset, chunk_type = len(_SIGNATURE), b""
    while chunk_type != b"IEND":
        if offset + 12 > len(content):
            raise InvalidImage
        length, chunk_type = struct.unpack_from(">I4s", content, offset)
        chunk = content[offset : offset + 12 + length]
        is_critical = chunk_type[:1].isupper()
        if len(chunk) < 12 + length or (is_critical and chunk_type not in _CRITICAL_CHUNKS):
            raise InvalidImage
        if (is_critical or chunk_type == b"tRNS") and not _has_valid_checksum(chunk):
            raise InvalidImage
        yield chunk_type, chunk
        offset += len(chunk)


def _parse_header(chunk_type: bytes, chunk: bytes) -> _Header:
    body = _body(chunk)
    if chunk_type != b"IHDR" or len(body) != 13:
        raise InvalidImage
    return _Header(body, *struct.unpack_from(">IIBB", body))


def _body(chunk: bytes) -> bytes:
    return chunk[8:-4]


def _has_valid_checksum(chunk: bytes) -> bool:
    return zlib.crc32(memoryview(chunk)[4:-4]) == int.from_bytes(chunk[-4:])


def _make_chunk(chunk_type: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(chunk_type + body)
    return len(body).to_bytes(4) + chunk_type + body + checksum.to_bytes(4)


def _scale_transparency(transparency: bytes, header: _Header) -> bytes:
    """Scale the transparent gray or color to the samples that Pillow decodes.

    Pillow scales samples to eight bits, but not this value, except for single bits.
    """
    count = {_GRAY: 1, _RGB: 3}.get(header.color_type, 0)
    if len(transparency) != 2 * count:
        return b""
    samples = struct.unpack(f">{count}H", transparency)
    match header.bit_depth:
        case 16:
            samples = tuple(sample >> 8 for sample in samples)
        case 2 | 4:
            max_sample = (1 << header.bit_depth) - 1
            samples = tuple(sample * 255 // max_sample for sample in samples)
    return struct.pack(f">{count}H", *samples)


def _decompress_profile(body: bytes) -> bytes:
    """Decompress an ICC profile. One that is broken or too large is ignored."""
    _, _, rest = body.partition(b"\0")
    decompressor = zlib.decompressobj()
    try:
        profile = decompressor.decompress(rest[1:], MAX_PROFILE_SIZE)
    except zlib.error:
        return b""
    return profile if decompressor.eof else b""


def _convert_to_8_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """Keep the higher eight bits of 16-bit gray, as Pillow does for colors."""
    if image.mode != "I;16":
        return image
    transparency = image.info.pop("transparency", None)
    image = image.point(lambda sample: sample / 256).convert("L")
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def _drop_unused_palette(image: PIL.Image.Image) -> PIL.Image.Image:
    """Drop the colors and transparency of the palette that no pixel uses."""
    if image.mode != "P":
        return image
    indices = used_indices(image)
    colors = max(indices) + 1
    palette = bytes(image.getpalette("RGB") or ())[: 3 * colors]
    image.putpalette(drop_unused_colors(palette, indices))
    # The opacity of each index, or one transparent index.
    transparency = image.info.get("transparency")
    if isinstance(transparency, bytes):
        image.info["transparency"] = bytes(
            opacity if index in indices else _OPAQUE
            for index, opacity in enumerate(transparency[:colors])
        )
    elif transparency not in indices:
        image.info.pop("transparency", None)
    return image
