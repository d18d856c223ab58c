import mmap
import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.Image import Transpose

from adapters.pillow.avif_properties import (
    CleanAperture,
    Properties,
    Transformation,
    read_properties,
    transformed_size,
)
from adapters.pillow.color_spaces import from_code_points
from adapters.pillow.limits import LimitChecker
from domain.media.errors import InvalidImage
from domain.media.image import ImageLimits, SourceFormat
from tests.support.heif import box, clap, icc, imir, irot, nclx
from tests.support.images import encode, sample_image

CROP = clap((20, 1), (10, 1), (-3, 1), (4, 1))
CROPPED = CleanAperture(*map(Fraction, (20, 10, -3, 4)))
P3 = from_code_points(12, 13)
AVIF = encode(sample_image(), "AVIF")


def read(content: bytes) -> Properties:
    with mmap.mmap(-1, max(len(content), 1)) as mapped:
        mapped.write(content)
        return read_properties(mapped, LimitChecker(ImageLimits(), SourceFormat.AVIF))


def file_type(brand: bytes = b"avif") -> bytes:
    return box(b"ftyp", brand + bytes(4) + brand)


def still(*properties: bytes, item: int = 1, version: int = 0, wide: bool = False) -> bytes:
    """A file whose primary item has these properties, in reverse order in `ipco`."""
    primary = box(b"pitm", struct.pack(">BxxxI" if version else ">BxxxH", version, item))
    ipco = box(b"ipco", b"".join(reversed(properties)))
    indices = range(len(properties), 0, -1)
    associations = b"".join(
        struct.pack(">H", 0x8000 | index) if wide else bytes([0x80 | index]) for index in indices
    )
    entry = struct.pack(">IB" if version else ">HB", item, len(properties)) + associations
    other = struct.pack(">IB" if version else ">HB", item + 1, 0)
    ipma = box(b"ipma", struct.pack(">BxxBI", version, wide, 2) + other + entry)
    return file_type() + box(b"meta", bytes(4) + primary + box(b"iprp", ipco + ipma))


def sequence(*boxes: bytes, brand: bytes = b"avis") -> bytes:
    """A file with a track whose sample entry has these boxes."""
    entry = box(b"av01", bytes(78) + b"".join(boxes))
    table = box(b"stbl", box(b"stsd", struct.pack(">II", 0, 1) + entry))
    return file_type(brand) + box(
        b"moov", box(b"mvhd", bytes(100)) + box(b"trak", box(b"mdia", box(b"minf", table)))
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (still(icc(b"profile")), Properties()),
        (still(nclx(12, 13)), Properties(None, P3)),
        (still(nclx(12, 13), nclx(9, 16)), Properties(None, P3)),
        (still(irot(0)), Properties([])),
        (still(irot(1), irot(1)), Properties([Transpose.ROTATE_90])),
        (
            still(CROP, irot(3), imir(0), item=0xFFFE, wide=True),
            Properties([CROPPED, Transpose.ROTATE_270, Transpose.FLIP_TOP_BOTTOM]),
        ),
        (
            still(imir(1), irot(2), CROP, item=70_000, version=1),
            Properties([Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, CROPPED]),
        ),
        (still(clap((20, 0), (10, 1), (0, 1), (0, 1))), Properties([])),
        (sequence(CROP, nclx(12, 13)), Properties([CROPPED], P3)),
        (sequence(irot(1)) + still(imir(0)), Properties([Transpose.ROTATE_90])),
        (still(imir(0)) + sequence(irot(1)), Properties([Transpose.FLIP_TOP_BOTTOM])),
        (file_type(b"avis") + still(nclx(12, 13)), Properties(None, P3)),
        (b"", Properties()),
        (file_type() + struct.pack(">I4sQ", 1, b"meta", 2**63), Properties()),
    ],
)
def test_the_properties_of_the_shown_image_are_read_in_their_order(
    content: bytes, expected: Properties
) -> None:
    assert read(content) == expected


@pytest.mark.parametrize("name", [b"clap", b"irot", b"imir"])
def test_a_property_without_its_values_is_an_error(name: bytes) -> None:
    with pytest.raises(InvalidImage):
        read(still(box(name, b"")))


def test_too_many_boxes_are_an_error() -> None:
    with pytest.raises(InvalidImage, match="50000 blocks"):
        read(still(*[box(b"free", b"")] * 200) + box(b"free", b"") * 60_000)


@given(st.binary(max_size=60), st.integers(0, len(AVIF)))
def test_damaged_files_raise_no_other_error(noise: bytes, position: int) -> None:
    try:
        read(AVIF[:position] + noise + AVIF[position + len(noise) :])
        read(AVIF[:position])
    except InvalidImage:
        pass


@pytest.mark.parametrize(
    ("aperture", "expected"),
    [
        ((20, 10, 0, 0), (22, 19, 42, 29)),
        ((20, 10, -3, 4), (19, 23, 39, 33)),
        ((21, 11, Fraction(1, 2), Fraction(-1, 2)), (22, 18, 43, 29)),
        ((Fraction(21, 2), 10, Fraction(1, 3), 4), (27, 23, 38, 33)),
        ((20, 10, 30, 4), (52, 23, 64, 33)),
        ((200, 10, 0, 0), (0, 19, 64, 29)),
        ((20, 10, 60, 0), None),
        ((Fraction(1, 3), 10, 0, 0), None),
    ],
)
def test_a_crop_is_rounded_and_ends_at_the_edges(
    aperture: tuple[Fraction, ...], expected: tuple[int, ...] | None
) -> None:
    assert CleanAperture(*map(Fraction, aperture)).to_rectangle((64, 48)) == expected


def test_the_size_is_known_before_the_pixels() -> None:
    steps: list[Transformation] = [
        Transpose.ROTATE_90,
        CROPPED,
        Transpose.FLIP_LEFT_RIGHT,
        Transpose.ROTATE_270,
    ]

    assert transformed_size((64, 48), steps[:1]) == (48, 64)
    assert transformed_size((64, 48), steps) == (10, 20)
