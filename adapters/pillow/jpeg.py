"""JPEG (ITU-T T.81): finding the first image, and publishing it."""

import re
import struct
from collections.abc import Iterator
from typing import Final

from PIL import JpegImagePlugin

from adapters.pillow.limits import LimitChecker
from adapters.pillow.scratch_file import open_scratch_file
from adapters.pillow.still_image import ParsedImage, normalize, open_parsed, published_image
from application.ports.images import EncodedImage
from domain.errors import InvalidImage
from domain.media.image import ImageFormat

_QUALITY: Final = 90
_READ_BYTES: Final = 1024 * 1024
"""Before each read, the decoder waits for the GIL; it decodes this much in some 20 ms."""
# 0xFF and a byte that is no stuffed zero, fill byte, restart marker or start of image.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_START_OF_IMAGE, _START_OF_SCAN, _END_OF_IMAGE = b"\xff\xd8", 0xDA, 0xD9
_TABLES: Final = {0xC4, 0xCC, 0xDB, 0xDD}
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF: Final = b"\xe1Exif\0\0"
_XMP: Final = b"\xe1http://ns.adobe.com/xap/1.0/\0"
_ICC: Final = b"\xe2ICC_PROFILE\0"
# They define the colors.
_JFIF_AND_ADOBE: Final = (b"\xe0JFIF\0", b"\xeeAdobe")


def publish_jpeg(upload: bytes, limits: LimitChecker) -> EncodedImage:
    """Publish a JPEG with the chroma subsampling that it has."""
    parsed = parse_jpeg(upload, limits)
    opened = open_parsed(parsed, JpegImagePlugin.JpegImageFile, limits)
    opened.decodermaxblock = max(opened.decodermaxblock, _READ_BYTES)
    subsampling = JpegImagePlugin.get_sampling(opened)
    image = normalize(opened)
    # The time was checked last when the image was read. To encode it takes less.
    with open_scratch_file() as scratch:
        image.save(scratch, "JPEG", quality=_QUALITY, subsampling=subsampling)
        limits.check_encoded_size(scratch.tell())
        scratch.seek(0)
        return published_image(ImageFormat.JPEG, image.size, scratch.read())


def count_jpeg_pixels(content: bytes, limits: LimitChecker) -> int:
    """Return the pixels of the image, as the segments before its compressed pixels say.

    The rest is checked by `parse_jpeg`: to find the ends of the scans takes a pass over the file.

    Raises:
        InvalidImage
    """
    for marker, segment in _segments(content):
        limits.check_block()
        if marker in _FRAMES:
            width, height = _size(segment)
            limits.check_size(width, height)
            return width * height
    raise InvalidImage


def parse_jpeg(content: bytes, limits: LimitChecker) -> ParsedImage:
    """Find the segments that a decoder needs and those of the metadata, and read the size.

    Pillow alone does not limit scans and segments, takes several EXIF segments for one, and rejects
    an image whose Photoshop segment is broken.

    - Data after the first image is dropped, e.g. more images or a video.
    - The end of the image may be missing, but no pixels: without an end Pillow rejects a scan that
      is incomplete.

    Raises:
        InvalidImage
    """
    exif, xmp, profile, sizes, scans = b"", b"", list[bytes](), [], 0
    pixels = list[bytes]()
    for marker, segment in _segments(content):
        limits.check_block()
        name = segment[1:2] + segment[4:40]
        if marker in _FRAMES:
            sizes.append(_size(segment))
            limits.check_size(*sizes[-1])
        elif marker == _START_OF_SCAN:
            scans += 1
            limits.check_scans(scans)
        elif name.startswith(_EXIF):
            exif = exif or segment
        elif name.startswith(_XMP):
            xmp = xmp or segment
        elif name.startswith(_ICC):
            profile.append(segment)
        if _is_needed(marker) or name.startswith(_JFIF_AND_ADOBE):
            pixels.append(segment)
    if len(sizes) != 1 or not scans:
        raise InvalidImage
    metadata = b"".join([exif, xmp, *profile])
    return ParsedImage(_START_OF_IMAGE, metadata, b"".join(pixels), *sizes[0])


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
        if marker == _END_OF_IMAGE or (is_cut and not _is_needed(marker)):
            yield _END_OF_IMAGE, b"\xff\xd9"
            return
        if is_cut:
            raise InvalidImage
        found = _MARKER.search(content, end)
        if marker == _START_OF_SCAN:
            end = found.start() if found else len(content)
        yield marker, content[start:end]


def _size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 10:
        raise InvalidImage
    height, width = struct.unpack_from(">HH", frame, 5)
    return width, height


def _is_needed(marker: int) -> bool:
    """Return whether a decoder needs every segment of this marker."""
    return marker in _FRAMES or marker in _TABLES or marker in {_START_OF_SCAN, _END_OF_IMAGE}
