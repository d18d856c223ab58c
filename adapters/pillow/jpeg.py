"""JPEG (ITU-T T.81): parsing into segments, and publishing."""

import re
import struct
from collections.abc import Iterator
from typing import Final

from PIL import JpegImagePlugin

from adapters.pillow.limits import LimitChecker, LimitedWriter
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

_QUALITY: Final = 90
# 0xFF and a byte that is no stuffed zero, fill byte, restart marker or start of image.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
_TABLES: Final = {0xC4, 0xCC, 0xDB, 0xDD}
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_JFIF, _EXIF, _ICC, _ADOBE = b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe"


def publish_jpeg(upload: bytes, limits: LimitChecker) -> PublishedImage:
    """Publish a JPEG with the chroma subsampling that it has."""
    parsed = parse_jpeg(upload, limits)
    image = decode(parsed, ImageFormat.JPEG, limits)
    subsampling = JpegImagePlugin.get_sampling(image)
    image = convert_to_srgb(image, parsed.icc_profile)
    image = apply_orientation(image, parsed.exif)
    writer = LimitedWriter(limits)
    drop_metadata(image).save(writer, "JPEG", quality=_QUALITY, subsampling=subsampling)
    return published_image(ImageFormat.JPEG, image.size, writer.getvalue())


def parse_jpeg(content: bytes, limits: LimitChecker) -> ParsedImage:
    """Keep the tables and scans of the first image, and read its size.

    Data after the first image is dropped, e.g. more images or a video.

    Raises:
        InvalidImage
    """
    exif, profile_chunks, sizes, scans = b"", [], [], 0
    kept = [_START_OF_IMAGE]
    for marker, segment in _segments(content):
        limits.check_block()
        body = segment[4:]
        if marker in _FRAMES:
            sizes.append(_size(body))
            limits.check_size(*sizes[-1])
        elif marker == _START_OF_SCAN:
            scans += 1
            limits.check_scans(scans)
        elif marker == _APP1 and body.startswith(_EXIF):
            exif = exif or body.removeprefix(_EXIF)
        elif marker == _APP2 and body.startswith(_ICC):
            profile_chunks.append(body.removeprefix(_ICC))
        if _is_needed(marker, body):
            kept.append(segment)
    if len(sizes) != 1 or not scans:
        raise InvalidImage
    width, height = sizes[0]
    icc_profile = _join_profile(profile_chunks)
    return ParsedImage(b"".join([*kept, _END_OF_IMAGE]), width, height, exif, icc_profile)


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its segment. A scan extends to the next marker."""
    found = _MARKER.search(content, len(_START_OF_IMAGE))
    while found and found[0] != _END_OF_IMAGE:
        start, marker = found.start(), found[1][0]
        length = int.from_bytes(content[start + 2 : start + 4])
        end = start + 2 + length
        if length < 2 or end > len(content):
            raise InvalidImage
        found = _MARKER.search(content, end)
        if marker == _START_OF_SCAN and found:
            end = found.start()
        yield marker, content[start:end]
    if not found:
        raise InvalidImage


def _size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 6:
        raise InvalidImage
    height, width = struct.unpack_from(">HH", frame, 1)
    return width, height


def _join_profile(chunks: list[bytes]) -> bytes:
    """Join an ICC profile. Each chunk begins with its number and the number of chunks."""
    profile = b"".join(chunk[2:] for chunk in sorted(chunks))
    return profile if len(profile) <= MAX_PROFILE_SIZE else b""


def _is_needed(marker: int, body: bytes) -> bool:
    """Return whether a decoder needs the segment. JFIF and Adobe segments define the colors."""
    if marker == _APP0:
        return body.startswith(_JFIF)
    if marker == _APP14:
        return body.startswith(_ADOBE)
    return marker in _FRAMES or marker in _TABLES or marker == _START_OF_SCAN
