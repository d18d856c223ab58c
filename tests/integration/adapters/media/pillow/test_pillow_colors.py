import struct
import zlib

import pytest
from PIL import Image

from domain.features.media.errors import HdrNotSupported
from tests.integration.adapters.media.pillow.image_publishing import publish
from tests.support.heif import icc, nclx, with_properties
from tests.support.images import (
    HEIC_PHOTO,
    SWAPPED_PROFILE,
    chunk,
    decode,
    encode,
    mean_difference,
    sample_image,
)

COLOR, SWAPPED = (200, 60, 40), (60, 200, 40)
PLAIN = Image.new("RGB", (16, 16), COLOR)
ICC = chunk(b"iCCP", b"swapped\0\0" + zlib.compress(SWAPPED_PROFILE))
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
WIDE_GAMUT = chunk(b"cICP", b"\x0c\x0d\0\1")
PQ, HLG = chunk(b"cICP", b"\x09\x10\0\1"), chunk(b"cICP", b"\x09\x12\0\1")


def with_chunks(*chunks: bytes, image: Image.Image = PLAIN) -> bytes:
    content = encode(image, "PNG")
    return content[:33] + b"".join(chunks) + content[33:]


@pytest.mark.parametrize(
    ("upload", "max_difference"),
    [
        (encode(sample_image(), "JPEG", quality=90, icc_profile=SWAPPED_PROFILE), 8),
        (encode(sample_image(), "PNG", icc_profile=SWAPPED_PROFILE + bytes(3_000_000)), 8),
        (encode(sample_image(mode="P"), "PNG", icc_profile=SWAPPED_PROFILE), 22),
    ],
    ids=["JPEG", "large profile", "P"],
)
async def test_colors_with_a_profile_are_converted_to_srgb(
    upload: bytes, max_difference: int
) -> None:
    published = decode((await publish(upload)).content)

    assert published.mode == "RGB"
    assert "icc_profile" not in published.info
    red, green, blue = sample_image().split()
    swapped = Image.merge("RGB", (green, red, blue))
    assert mean_difference(published, swapped) < max_difference


@pytest.mark.parametrize(
    ("upload", "expected"),
    [
        (with_chunks(WIDE_GAMUT, LINEAR), COLOR),
        (with_chunks(WIDE_GAMUT, LINEAR, ICC), SWAPPED),
        (with_chunks(chunk(b"iCCP", b"broken\0\0")), COLOR),
        # No cICP, because it comes after the pixels.
        (encode(PLAIN, "PNG")[:-12] + PQ + encode(PLAIN, "PNG")[-12:], COLOR),
    ],
)
async def test_colors_of_a_png_without_a_profile_are_those_of_srgb(
    upload: bytes, expected: tuple[int, ...]
) -> None:
    image = decode((await publish(upload)).content)
    assert image.getpixel((8, 8)) == pytest.approx(expected, abs=2)  # it is a JPEG


@pytest.mark.parametrize(
    "colors", [[nclx(12, 13)], [nclx(12, 13), icc(SWAPPED_PROFILE)], [icc(b"broken")]]
)
async def test_only_the_profile_of_a_heic_changes_its_colors(colors: list[bytes]) -> None:
    kept = (b"irot", b"clap")
    expected = decode((await publish(HEIC_PHOTO)).content)
    if SWAPPED_PROFILE in b"".join(colors):
        red, green, blue = expected.split()
        expected = Image.merge("RGB", (green, red, blue))

    published = await publish(with_properties(HEIC_PHOTO, *colors, kept=kept))

    assert mean_difference(decode(published.content), expected) < 8


@pytest.mark.parametrize(
    "upload",
    [
        with_chunks(PQ),
        with_chunks(HLG, ICC, image=Image.new("L", (16, 16), 148)),
        with_properties(HEIC_PHOTO, nclx(9, 18, 9)),
    ],
    ids=["PQ", "HLG", "HEIC in HLG"],
)
async def test_an_hdr_image_is_named_as_such(upload: bytes) -> None:
    with pytest.raises(HdrNotSupported, match="This is an HDR image"):
        await publish(upload)
