"""Properties of an AVIF image that Pillow does not return: crop, rotation, mirror and colors.

libavif has checked the structure of the file before. What is still wrong here is ignored, or the
image is invalid.
"""

import math
import mmap
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

import PIL.Image
from PIL.Image import Transpose

from adapters.pillow.color_spaces import ColorSpace, from_code_points
from adapters.pillow.limits import LimitChecker
from domain.media.errors import InvalidImage

_ROTATIONS: Final = (None, Transpose.ROTATE_90, Transpose.ROTATE_180, Transpose.ROTATE_270)
_MIRRORS: Final = (Transpose.FLIP_TOP_BOTTOM, Transpose.FLIP_LEFT_RIGHT)
_SWAPS_SIDES: Final = {Transpose.ROTATE_90, Transpose.ROTATE_270}
_FULL_BOX: Final = 4
"""Bytes of the version and the flags, at the beginning of some boxes."""
_SAMPLE_TABLE: Final = _FULL_BOX + 4
"""Also with the number of entries."""
_VISUAL_SAMPLE_ENTRY: Final = 78
"""Bytes before the boxes of a sample entry."""
_SAMPLE_SIZE: Final = 24
"""Bytes before its width and height."""
Size = tuple[int, int]


class CleanAperture(NamedTuple):
    """A crop: its size, and how far its center is from the center of the image."""

    width: Fraction
    height: Fraction
    horizontal_offset: Fraction
    vertical_offset: Fraction

    def to_rectangle(self, size: Size) -> tuple[int, int, int, int] | None:
        """Return left, top, right and bottom, or None if it contains no pixel.

        It is rounded and ends at the edges of the image, as in libheif, which decodes HEIC. No
        valid file needs that, but nobody wanted to show what is outside it.
        """
        left, right = _round(size[0], self.width, self.horizontal_offset)
        top, bottom = _round(size[1], self.height, self.vertical_offset)
        return (left, top, right, bottom) if left < right and top < bottom else None


Transformation = CleanAperture | Transpose


@dataclass(frozen=True, slots=True)
class Properties:
    """How the decoded pixels are shown.

    Attributes:
        transformations: What to apply, in this order; None if the file says nothing about it.
        color_space: That of the nclx colors, or None.
    """

    transformations: Sequence[Transformation] | None = None
    color_space: ColorSpace | None = None


def transform(image: PIL.Image.Image, transformations: Sequence[Transformation]) -> PIL.Image.Image:
    """Crop, rotate and mirror an image."""
    for transformation in transformations:
        if isinstance(transformation, Transpose):
            image = image.transpose(transformation)
        elif rectangle := transformation.to_rectangle(image.size):
            image = image.crop(rectangle)
    return image


def transformed_size(size: Size, transformations: Sequence[Transformation]) -> Size:
    """Return the size of an image after these transformations."""
    for transformation in transformations:
        if isinstance(transformation, Transpose):
            size = size[::-1] if transformation in _SWAPS_SIDES else size
        elif rectangle := transformation.to_rectangle(size):
            left, top, right, bottom = rectangle
            size = (right - left, bottom - top)
    return size


def check_declared_size(content: bytes | mmap.mmap, limits: LimitChecker) -> None:
    """Check the size that an AVIF or HEIC file declares, when its decoder has rejected it.

    Raises:
        InvalidImage: It is over the limits.
    """
    reader = _Reader(content, limits)
    with suppress(struct.error, IndexError):  # then it is broken
        for width, height in reader.sizes():
            limits.check_size(width, height)


def is_turned(content: bytes | mmap.mmap, limits: LimitChecker) -> bool:
    """Return whether the primary item of a HEIC file has a rotation or a mirror.

    Raises:
        InvalidImage: It has too many boxes.
    """
    with suppress(struct.error, IndexError):  # then it is broken, and libheif ignores it
        boxes = _Reader(content, limits).boxes_of_item()
        return any(box.name in {b"irot", b"imir"} for box in boxes)
    return False


def read_properties(content: bytes | mmap.mmap, limits: LimitChecker) -> Properties:
    """Read the properties of the image that libavif decodes.

    It is the primary item if the major brand is `avif`, and otherwise the track if there is one.

    Raises:
        InvalidImage
    """
    reader = _Reader(content, limits)
    try:
        is_item = content[8:12] == b"avif"
        boxes = (not is_item and reader.boxes_of_track()) or reader.boxes_of_item()
        return _parse([(box.name, reader.body(box)) for box in boxes])
    except (struct.error, IndexError) as error:
        raise InvalidImage from error


class _Box(NamedTuple):
    name: bytes
    start: int
    end: int


class _Reader:
    """Reads boxes (ISO/IEC 14496-12, 4.2)."""

    def __init__(self, content: bytes | mmap.mmap, limits: LimitChecker) -> None:
        self._content = content
        self._limits = limits
        self._file = _Box(b"", 0, len(content))

    def body(self, box: _Box) -> bytes:
        """Return what a box contains."""
        return self._content[box.start : box.end]

    def boxes_of_track(self) -> list[_Box]:
        """Return the boxes of the sample entry of the first track (AV1-ISOBMFF, 2.2)."""
        for entry in self._sample_entries():
            return list(self._boxes(entry, _VISUAL_SAMPLE_ENTRY))
        return []

    def sizes(self) -> Iterator[Size]:
        """Yield the width and height of the primary item and of tracks."""
        for box in self.boxes_of_item():
            if box.name == b"ispe":
                yield struct.unpack_from(">II", self._content, box.start + _FULL_BOX)
        for entry in self._sample_entries():
            yield struct.unpack_from(">HH", self._content, entry.start + _SAMPLE_SIZE)

    def _sample_entries(self) -> Iterator[_Box]:
        for track in self._find(self._file, b"moov", b"trak"):
            for table in self._find(track, b"mdia", b"minf", b"stbl", b"stsd"):
                for entry in self._boxes(table, _SAMPLE_TABLE):
                    if entry.name == b"av01":
                        yield entry

    def boxes_of_item(self) -> list[_Box]:
        """Return the properties of the primary item in their order (ISO/IEC 23008-12, 9.3)."""
        boxes, associations, primary = list[_Box](), list[bytes](), b""
        for meta in self._find(self._file, b"meta"):
            for box in self._boxes(meta, _FULL_BOX):
                if box.name == b"pitm":
                    primary = self.body(box)
                if box.name == b"iprp":
                    boxes += [
                        each for ipco in self._find(box, b"ipco") for each in self._boxes(ipco)
                    ]
                    associations += map(self.body, self._find(box, b"ipma"))
        item = int.from_bytes(primary[_FULL_BOX:])
        indices = [index for body in associations for index in self._indices(body, item)]
        return [boxes[index - 1] for index in indices if 0 < index <= len(boxes)]

    def _indices(self, body: bytes, item: int) -> Iterator[int]:
        """Yield the indices of the properties of an item, from the body of `ipma`."""
        version, flags, count = struct.unpack_from(">B2xBI", body)
        entry, width = (">IB" if version else ">HB"), 2 if flags & 1 else 1
        offset = 8
        for _ in range(count):
            self._limits.check_block()
            number, length = struct.unpack_from(entry, body, offset)
            offset += struct.calcsize(entry)
            if number == item:
                for at in range(offset, offset + length * width, width):
                    # The first bit says whether a reader must know the property.
                    yield int.from_bytes(body[at : at + width]) & (0x7FFF if width == 2 else 0x7F)
            offset += length * width

    def _find(self, box: _Box, *path: bytes) -> Iterator[_Box]:
        """Yield all boxes with these names, each in one of the name before."""
        name, *deeper = path
        for inner in self._boxes(box):
            if inner.name == name:
                yield from self._find(inner, *deeper) if deeper else [inner]

    def _boxes(self, box: _Box, skipped: int = 0) -> Iterator[_Box]:
        """Yield the boxes in a box, after so many bytes, up to one that exceeds it."""
        offset = box.start + skipped
        while offset + 8 <= box.end:
            self._limits.check_block()
            size, name = struct.unpack_from(">I4s", self._content, offset)
            start = offset + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self._content, start)
                start += 8
            end = offset + size if size else box.end
            if not start <= end <= box.end:
                return
            yield _Box(name, start, end)
            offset = end


def _parse(properties: Sequence[tuple[bytes, bytes]]) -> Properties:
    """Parse them. Of each kind, an item has one at most (ISO/IEC 23008-12, 6.5)."""
    transformations, color_space = dict[bytes, Transformation | None](), None
    for name, body in properties:
        if name == b"clap":
            transformations.setdefault(name, _parse_clean_aperture(body))
        elif name == b"irot":
            transformations.setdefault(name, _ROTATIONS[body[0] & 3])
        elif name == b"imir":
            transformations.setdefault(name, _MIRRORS[body[0] & 1])
        elif name == b"colr" and body.startswith(b"nclx") and color_space is None:
            color_space = from_code_points(*struct.unpack_from(">HH", body, 4))
    applied = [each for each in transformations.values() if each is not None]
    return Properties(applied if transformations else None, color_space)


def _parse_clean_aperture(body: bytes) -> CleanAperture | None:
    """Parse it (ISO/IEC 14496-12, 12.1.4). Only the distances of the center have a sign."""
    numbers = struct.unpack_from(">IIIIiIiI", body)
    if 0 in numbers[1::2]:
        return None
    return CleanAperture(*map(Fraction, numbers[::2], numbers[1::2]))


def _round(length: int, aperture: Fraction, offset: Fraction) -> tuple[int, int]:
    start = math.floor((length - aperture) / 2 + offset)
    end = start + math.floor(aperture + Fraction(1, 2))
    return max(start, 0), min(end, length)
