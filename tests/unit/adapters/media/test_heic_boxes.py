import struct

import pytest

from adapters.media.pillow.header import Header
from adapters.media.pillow.heic import read_heic
from adapters.media.pillow.limits import LimitChecker
from domain.features.media.errors import InvalidImage
from domain.features.media.image import ImageLimits, SourceFormat
from tests.support.heif import box, clap, imir, irot, ispe

SIZE = ispe(64, 48)
CROP = clap((20, 1), (10, 1), (-3, 1), (4, 1))


def read(content: bytes) -> Header:
    return read_heic(content, LimitChecker(ImageLimits(), SourceFormat.HEIC))


def still(*properties: bytes, item: int = 1, version: int = 0, wide: bool = False) -> bytes:
    """A file whose primary item has these properties, in reverse order in `ipco`.

    Another item has a size of its own and a rotation.
    """
    boxes = [ispe(8, 8), irot(1), *reversed(properties)]
    primary = box(b"pitm", struct.pack(">BxxxI" if version else ">BxxxH", version, item))
    entries = b""
    for number, indices in ((item + 1, [1, 2]), (item, range(len(boxes), 2, -1))):
        entries += struct.pack(">IB" if version else ">HB", number, len(indices))
        for index in indices:
            entries += struct.pack(">H", 0x8000 | index) if wide else bytes([0x80 | index])
    ipma = box(b"ipma", struct.pack(">BxxBI", version, wide, 2) + entries)
    iprp = box(b"iprp", box(b"ipco", b"".join(boxes)) + ipma)
    return box(b"ftyp", b"heic" + bytes(4)) + box(b"meta", bytes(4) + primary + iprp)


@pytest.mark.parametrize(
    ("content", "is_turned"),
    [
        (still(SIZE), False),
        (still(SIZE, CROP), False),
        (still(irot(0), SIZE), True),
        (still(SIZE, imir(1), item=70_000, version=1), True),
        (still(SIZE, CROP, item=0xFFFE, wide=True), False),
    ],
)
def test_the_size_and_the_rotation_are_those_of_the_primary_item(
    content: bytes, is_turned: bool
) -> None:
    assert read(content) == Header((64, 48), is_turned=is_turned)


@pytest.mark.parametrize(
    "content", [b"", still(CROP), struct.pack(">I4sQ", 1, b"meta", 2**63) + still(SIZE)]
)
def test_a_file_without_a_size_is_broken(content: bytes) -> None:
    with pytest.raises(InvalidImage, match="broken"):
        read(content)


def test_too_many_boxes_are_an_error() -> None:
    with pytest.raises(InvalidImage, match="50000 blocks"):
        read(still(SIZE) + box(b"free", b"") * 60_000)
