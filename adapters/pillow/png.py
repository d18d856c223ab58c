"""PNG (W3C, third edition): parsing into chunks, and publishing."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import PIL.Image
from PIL import ImageChops

from adapters.pillow.limits import LimitChecker, LimitedWriter
from adapters.pillow.palette import drop_unused_colors, used_indices
from adapters.pillow.still_image import (
    MAX_PROFILE_SIZE,
    ParsedImage,
    apply_orientation,
    convert_to_srgb,
    drop_metadata,
    open_parsed,
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
_XMP: Final = b"XML:com.adobe.xmp"
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
    image = _decode(parsed, limits)
    image = convert_to_srgb(image, parsed.icc_profile)
    image = _drop_unused_palette(apply_orientation(image, parsed))
    writer = LimitedWriter(limits)
    drop_metadata(image).save(writer, "PNG", compress_level=_COMPRESSION_LEVEL)
    return published_image(ImageFormat.PNG, image.size, writer.getvalue())


def parse_png(content: bytes, limits: LimitChecker) -> ParsedImage:
    """Keep the chunks that the pixels need, and read the size.

    - For an animated PNG this is the default image, which every PNG decoder shows.
    - The end of the file may be missing, but no pixels: Pillow rejects an image without all of
      them.

    Raises:
        InvalidImage
    """
    chunks = _chunks(content)
    header = _parse_header(*next(chunks, (b"", b"")))
    limits.check_size(header.width, header.height)
    palette, transparency, exif, xmp, icc_profile = b"", b"", b"", b"", b""
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
            case b"iTXt":
                xmp = xmp or _parse_xmp(_body(chunk))
            case b"iCCP":
                _, _, compressed = _body(chunk).partition(b"\0")
                icc_profile = _decompress(compressed[1:])
    if not pixel_chunks:
        raise InvalidImage
    kept = [_SIGNATURE, _make_chunk(b"IHDR", header.body)]
    if header.color_type == _PALETTE:
        if not palette or len(palette) % 3 or len(palette) > 3 * 256:
            raise InvalidImage
        # An index without a color is black, as in browsers.
        kept.append(_make_chunk(b"PLTE", palette.ljust(3 << header.bit_depth, b"\0")))
        transparency = transparency[: len(palette) // 3]
    else:
        transparency = _scale_transparency(transparency, header)
    if transparency:
        kept.append(_make_chunk(b"tRNS", transparency))
    content = b"".join([*kept, *pixel_chunks, _make_chunk(b"IEND", b"")])
    return ParsedImage(content, header.width, header.height, exif, xmp, icc_profile)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the bytes of each chunk up to IEND or the end of the file.

    Chunks that are used must be valid. If the file ends within pixels, these are a shorter chunk.
    """
    offset, chunk_type = len(_SIGNATURE), b""
    while chunk_type != b"IEND" and offset + 12 <= len(content):
        length, chunk_type = struct.unpack_from(">I4s", content, offset)
        chunk = content[offset : offset + 12 + length]
        offset += 12 + length
        is_critical = chunk_type[:1].isupper()
        if is_critical and chunk_type not in _CRITICAL_CHUNKS:
            raise InvalidImage
        if len(chunk) < 12 + length:
            if chunk_type != b"IDAT":
                return
            chunk = _make_chunk(chunk_type, chunk[8:][:length])
        if (is_critical or chunk_type == b"tRNS") and not _has_valid_checksum(chunk):
            raise InvalidImage
        yield chunk_type, chunk


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

    - Of fewer than 16 bits only the lower bits count, and the others are ignored.
    - Pillow scales samples to eight bits, but not this value, except for single bits. It remains as
      it is for 16 bits: `_decode` compares all of them.
    """
    count = {_GRAY: 1, _RGB: 3}.get(header.color_type, 0)
    if len(transparency) != 2 * count:
        return b""
    max_sample = (1 << header.bit_depth) - 1
    samples = tuple(sample & max_sample for sample in struct.unpack(f">{count}H", transparency))
    if header.bit_depth in {2, 4}:
        samples = tuple(sample * 255 // max_sample for sample in samples)
    return struct.pack(f">{count}H", *samples)


def _parse_xmp(text: bytes) -> bytes:
    """Return the text of an international text chunk, if it is XMP metadata."""
    keyword, _, rest = text.partition(b"\0")
    if keyword != _XMP:
        return b""
    is_compressed = rest[:1] == b"\x01"
    _, _, xmp = rest[2:].partition(b"\0")[2].partition(b"\0")
    return _decompress(xmp) if is_compressed else xmp


def _decompress(compressed: bytes) -> bytes:
    """Decompress a profile or a text. One that is broken or too large is ignored."""
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(compressed, MAX_PROFILE_SIZE)
    except zlib.error:
        return b""
    return content if decompressor.eof else b""


def _decode(parsed: ParsedImage, limits: LimitChecker) -> PIL.Image.Image:
    """Decode a parsed file, and keep the higher eight bits of 16-bit samples.

    A transparent gray or color of 16 bits becomes an alpha channel: in eight bits it would also
    make similar pixels transparent.
    """
    opened = open_parsed(parsed, ImageFormat.PNG, limits)
    transparent = opened.info.get("transparency")
    high: PIL.Image.Image = opened
    match opened.tile[0].args:
        case "RGB;16B" if transparent is not None:
            # Pillow keeps the first byte of two. As little-endian samples it keeps the lower one.
            low = open_parsed(parsed, ImageFormat.PNG, limits)
            low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]
            alpha = _compare(low, [sample & 255 for sample in transparent])
            opened.load()
            samples = [sample >> 8 for sample in transparent]
        case "I;16B":
            pixels = opened.tobytes()  # little-endian
            high = PIL.Image.frombytes("L", opened.size, pixels, "raw", "L;16")
            if transparent is None:
                return high
            low_bytes = PIL.Image.frombytes("L", opened.size, pixels, "raw", "L;16B")
            alpha = _compare(low_bytes, [transparent & 255])
            samples = [transparent >> 8]
        case _:
            opened.load()
            return opened
    high.info.pop("transparency", None)
    high.putalpha(ImageChops.lighter(alpha, _compare(high, samples)))
    return high


def _compare(image: PIL.Image.Image, samples: Sequence[int]) -> PIL.Image.Image:
    """Return an image that is opaque where a channel differs from its sample."""
    return reduce(
        ImageChops.lighter,
        (
            image.getchannel(channel).point(
                [0 if level == sample else _OPAQUE for level in range(256)]
            )
            for channel, sample in enumerate(samples)
        ),
    )


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
