"""PNG (W3C, third edition): finding the chunks of the image, and publishing it."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Final

import PIL.Image
from PIL import ImageChops, PngImagePlugin

from adapters.pillow.limits import LimitChecker, LimitedWriter
from adapters.pillow.palette import drop_unused_colors, used_indices
from adapters.pillow.still_image import ParsedImage, normalize, open_parsed, published_image
from application.ports.images import EncodedImage
from domain.errors import InvalidImage
from domain.media.image import ImageFormat

# Level 6 takes three times as long for photos and makes them a tenth smaller.
_COMPRESSION_LEVEL: Final = 3
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CRITICAL_CHUNKS: Final = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_METADATA_CHUNKS: Final = (b"iCCP", b"eXIf", b"iTXt")
_GRAY, _RGB, _PALETTE = 0, 2, 3
_XMP: Final = b"XML:com.adobe.xmp\0"
_OPAQUE: Final = 255


def publish_png(upload: bytes, limits: LimitChecker) -> EncodedImage:
    """Publish a PNG with its palette and transparency, and at most eight bits per sample."""
    image = normalize(_decode(parse_png(upload, limits), limits))
    if image.mode == "P":
        _drop_unused_palette(image)
    writer = LimitedWriter(limits)
    image.save(writer, "PNG", compress_level=_COMPRESSION_LEVEL)
    return published_image(ImageFormat.PNG, image.size, writer.getvalue())


def parse_png(content: bytes, limits: LimitChecker) -> ParsedImage:
    """Find the chunks that the pixels need and those of the metadata, and read the size.

    Pillow alone does not count chunks. It ignores the checksums of pixels and critical chunks that
    it does not know, and rejects images with a large comment.

    - For an animated PNG this is the default image, which every PNG decoder shows.
    - The end of the file may be missing, but no pixels: Pillow rejects an image without all of
      them.

    Raises:
        InvalidImage
    """
    chunks = _chunks(content)
    chunk_type, header = next(chunks, (b"", b""))
    if chunk_type != b"IHDR" or len(header) != 25:
        raise InvalidImage
    width, height, bit_depth, color_type = struct.unpack_from(">IIBB", header, 8)
    limits.check_size(width, height)
    bodies, pixels = dict[bytes, bytes](), list[bytes]()
    for chunk_type, chunk in chunks:
        limits.check_block()
        if chunk_type == b"IDAT":
            pixels.append(chunk)
        elif chunk_type != b"iTXt" or chunk.startswith(_XMP, 8):
            bodies[chunk_type] = chunk[8:-4]
    if not pixels:
        raise InvalidImage
    start = [_SIGNATURE, header]
    metadata = [_make_chunk(name, bodies[name]) for name in _METADATA_CHUNKS if name in bodies]
    transparency = bodies.get(b"tRNS", b"")
    if color_type == _PALETTE:
        palette = bodies.get(b"PLTE", b"")
        if not palette or len(palette) % 3 or len(palette) > 3 * 256:
            raise InvalidImage
        # An index without a color is black, as in browsers.
        start.append(_make_chunk(b"PLTE", palette.ljust(3 << bit_depth, b"\0")))
        transparency = transparency[: len(palette) // 3]
    else:
        transparency = _scale_transparency(transparency, bit_depth, color_type)
    if transparency:
        start.append(_make_chunk(b"tRNS", transparency))
    pixels.append(_make_chunk(b"IEND", b""))
    return ParsedImage(b"".join(start), b"".join(metadata), b"".join(pixels), width, height)


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


def _has_valid_checksum(chunk: bytes) -> bool:
    return zlib.crc32(memoryview(chunk)[4:-4]) == int.from_bytes(chunk[-4:])


def _make_chunk(chunk_type: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(chunk_type + body)
    return len(body).to_bytes(4) + chunk_type + body + checksum.to_bytes(4)


def _scale_transparency(transparency: bytes, bit_depth: int, color_type: int) -> bytes:
    """Scale the transparent gray or color to the samples that Pillow decodes.

    - Of fewer than 16 bits only the lower bits count, and the others are ignored.
    - Pillow scales samples to eight bits, but not this value, except for single bits. It remains as
      it is for 16 bits: `_decode` compares all of them.
    """
    count = {_GRAY: 1, _RGB: 3}.get(color_type, 0)
    if len(transparency) != 2 * count:
        return b""
    max_sample = (1 << bit_depth) - 1
    samples = tuple(sample & max_sample for sample in struct.unpack(f">{count}H", transparency))
    if bit_depth in {2, 4}:
        samples = tuple(sample * 255 // max_sample for sample in samples)
    return struct.pack(f">{count}H", *samples)


def _decode(parsed: ParsedImage, limits: LimitChecker) -> PIL.Image.Image:
    """Open a parsed file, and keep the higher eight bits of 16-bit samples.

    A transparent gray or color of 16 bits becomes an alpha channel: in eight bits it would also
    make similar pixels transparent.
    """
    opened = open_parsed(parsed, PngImagePlugin.PngImageFile, limits)
    transparent = opened.info.get("transparency")
    image: PIL.Image.Image = opened
    match opened.tile[0].args:
        case "I;16B":
            samples = opened.tobytes()  # little-endian
            image = PIL.Image.frombytes("L", opened.size, samples, "raw", "L;16")
            image.info = opened.info
            low = PIL.Image.frombytes("L", opened.size, samples, "raw", "L;16B")
        case "RGB;16B":
            # Pillow keeps the first byte of two. As little-endian samples it keeps the lower one.
            low = reopened = open_parsed(parsed, PngImagePlugin.PngImageFile, limits)
            reopened.tile = [tile._replace(args="RGB;16L") for tile in reopened.tile]
        case _:
            return image
    if transparent is not None:
        del image.info["transparency"]
        color = transparent if isinstance(transparent, tuple) else (transparent,)
        alpha = _compare(low, [sample & 255 for sample in color])
        image.putalpha(
            ImageChops.lighter(alpha, _compare(image, [sample >> 8 for sample in color]))
        )
    return image


def _compare(image: PIL.Image.Image, color: Sequence[int]) -> PIL.Image.Image:
    """Return an image that is opaque where a channel differs from the color."""
    return reduce(
        ImageChops.lighter,
        (
            image.getchannel(channel).point(
                [0 if level == sample else _OPAQUE for level in range(256)]
            )
            for channel, sample in enumerate(color)
        ),
    )


def _drop_unused_palette(image: PIL.Image.Image) -> None:
    """Drop the colors and transparency of the palette that no pixel uses."""
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
