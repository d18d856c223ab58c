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
    drop_metadata,
    open_parsed,
    published_image,
)
from application.ports.images import PublishedImage
from domain.errors import InvalidImage
from domain.media.image import ImageFormat

_QUALITY: Final = 90
# 0xFF and a byte that is no stuffed zero, fill byte, restart marker or start of image.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_START_OF_IMAGE, _START_OF_SCAN, _END_OF_IMAGE = b"\xff\xd8", 0xDA, 0xD9
_TABLES: Final = {0xC4, 0xCC, 0xDB, 0xDD}
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_JFIF, _EXIF, _ICC, _ADOBE = b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"


def publish_jpeg(upload: bytes, limits: LimitChecker) -> PublishedImage:
    """Publish a JPEG with the chroma subsampling that it has."""
    parsed = parse_jpeg(upload, limits)
    opened = open_parsed(parsed, ImageFormat.JPEG, limits)
    opened.load()
    subsampling = JpegImagePlugin.get_sampling(opened)
    image = convert_to_srgb(opened, parsed.icc_profile)
    image = apply_orientation(image, parsed)
    writer = LimitedWriter(limits)
    drop_metadata(image).save(writer, "JPEG", quality=_QUALITY, subsampling=subsampling)
    return published_image(ImageFormat.JPEG, image.size, writer.getvalue())


def parse_jpeg(content: bytes, limits: LimitChecker) -> ParsedImage:
    """Keep the tables and scans of the first image, and read its size.

    - Data after the first image is dropped, e.g. more images or a video.
    - The end of the image may be missing, but no pixels: without an end Pillow rejects a scan that
      is incomplete.

    Raises:
        InvalidImage
    """
    exif, xmp, profile_chunks, sizes, scans = b"", b"", [], [], 0
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
        elif marker == _APP1 and body.startswith(_XMP):
            xmp = xmp or body.removeprefix(_XMP)
        elif marker == _APP2 and body.startswith(_ICC):
            profile_chunks.append(body.removeprefix(_ICC))
        if _is_needed(marker, body):
            kept.append(segment)
    if len(sizes) != 1 or not scans:
        raise InvalidImage
    width, height = sizes[0]
    icc_profile = _join_profile(profile_chunks)
    return ParsedImage(b"".join(kept), width, height, exif, xmp, icc_profile)


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its segment, up to the end of the image or of the file.

    A scan extends to the next marker. A segment that exceeds the file ends the image, unless a
    decoder needs the segment.
    """
    found = _MARKER.search(content, len(_START_OF_IMAGE))
    while found:
        start, marker = found.start(), found[1][0]
        length = int.from_bytes(content[start + 2 : start + 4])
        end = start + 2 + length
        is_cut = length < 2 or end > len(content)
        if marker == _END_OF_IMAGE or (is_cut and not _is_needed(marker, b"")):
            yield _END_OF_IMAGE, b"\xff\xd9"
            return
        if is_cut:
            raise InvalidImage
        found = _MARKER.search(content, end)
        if marker == _START_OF_SCAN:
            end = found.start() if found else len(content)
        yield marker, content[start:end]


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
    return marker in _FRAMES or marker in _TABLES or marker in {_START_OF_SCAN, _END_OF_IMAGE}
