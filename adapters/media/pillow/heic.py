"""The boxes of a HEIC file that say how large and how turned its image is (ISO/IEC 23008-12).

libheif names no reason when an image is too large for it, and its plug-in for Pillow does not tell
whether the file has a rotation.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from adapters.media.pillow.header import Header
from adapters.media.pillow.limits import Content, LimitChecker
from domain.features.media.errors import InvalidImage

_FULL_BOX: Final = 4
"""Bytes of the version and the flags, at the beginning of some boxes."""


class _Box(NamedTuple):
    name: bytes
    start: int
    end: int


def read_heic(content: Content, limits: LimitChecker) -> Header:
    """Read the size that the primary item declares, and whether it has a rotation or a mirror.

    Raises:
        InvalidImage: It declares none, it is over the limit, or there are too many boxes.
    """
    size, is_turned = None, False
    for box in _Reader(content, limits).properties():
        if box.name == b"ispe":
            size = struct.unpack_from(">II", content, box.start + _FULL_BOX)
            limits.check_size(*size)
        is_turned |= box.name in {b"irot", b"imir"}
    if size is None:
        raise InvalidImage
    return Header(size, is_turned=is_turned)


class _Reader:
    """Reads boxes (ISO/IEC 14496-12, 4.2)."""

    def __init__(self, content: Content, limits: LimitChecker) -> None:
        self._content = content
        self._limits = limits

    def properties(self) -> list[_Box]:
        """Return the properties of the primary item in their order (ISO/IEC 23008-12, 9.3)."""
        boxes, associations, item = list[_Box](), list[_Box](), 0
        for meta in self._boxes(_Box(b"", 0, len(self._content))):
            for box in self._boxes(meta, _FULL_BOX) if meta.name == b"meta" else ():
                if box.name == b"pitm":
                    item = int.from_bytes(self._content[box.start + _FULL_BOX : box.end])
                for inner in self._boxes(box) if box.name == b"iprp" else ():
                    if inner.name == b"ipco":
                        boxes += self._boxes(inner)
                    elif inner.name == b"ipma":
                        associations.append(inner)
        indices = [index for box in associations for index in self._indices(box, item)]
        return [boxes[index - 1] for index in indices if 0 < index <= len(boxes)]

    def _indices(self, associations: _Box, item: int) -> Iterator[int]:
        """Yield the indices of the properties of an item, from a box `ipma`."""
        body = self._content[associations.start : associations.end]
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

    def _boxes(self, outer: _Box, skipped: int = 0) -> Iterator[_Box]:
        """Yield the boxes in a box, after the skipped bytes, up to one that exceeds it."""
        offset = outer.start + skipped
        while offset + 8 <= outer.end:
            self._limits.check_block()
            size, name = struct.unpack_from(">I4s", self._content, offset)
            start = offset + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self._content, start)
                start += 8
            end = offset + size if size else outer.end
            if not start <= end <= outer.end:
                return
            yield _Box(name, start, end)
            offset = end
