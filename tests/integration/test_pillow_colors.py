import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from tests.integration.image_publishing import publish
from tests.support.heif import icc, nclx, with_properties
from tests.support.images import (
    HEIC_PHOTO,
    SWAPPED_PROFILE,
    chunk,
    decode,
    encode,
    mean_difference,
    png,
)

COLOR = (200, 60, 40)
FROM_P3, FROM_LINEAR, SWAPPED = (217, 42, 23), (229, 133, 110), (60, 200, 40)
PLAIN = Image.new("RGB", (16, 16), COLOR)
CICP = chunk(b"cICP", bytes([12, 13, 0, 1]))
ICC = chunk(b"iCCP", b"swapped\0\0" + zlib.compress(SWAPPED_PROFILE))
SRGB = chunk(b"sRGB", b"\0")
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
GAMMA = chunk(b"gAMA", struct.pack(">I", 45_455))
P3 = chunk(
    b"cHRM", struct.pack(">8I", 31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)
)
BT709 = chunk(
    b"cHRM", struct.pack(">8I", 31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
)


async def published_color(upload: bytes) -> tuple[int, ...]:
    """Return the color in the middle of the published image."""
    image = decode((await publish(upload)).content)
    color = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(color, tuple)
    return color


def with_chunks(*chunks: bytes, image: Image.Image = PLAIN, **options: Any) -> bytes:
    content = encode(image, "PNG", **options)
    return content[:33] + b"".join(chunks) + content[33:]


@pytest.mark.parametrize(
    ("upload", "expected"),
    [
        (with_chunks(CICP), FROM_P3),
        (with_chunks(GAMMA, P3), FROM_P3),
        (with_chunks(LINEAR), FROM_LINEAR),
        (with_chunks(CICP, ICC, SRGB, LINEAR), FROM_P3),
        (with_chunks(LINEAR, SRGB, ICC), SWAPPED),
        (with_chunks(LINEAR, P3, SRGB), COLOR),
        (with_chunks(GAMMA), COLOR),
        (with_chunks(GAMMA, BT709), COLOR),
        (with_chunks(P3), COLOR),
        (with_chunks(chunk(b"cICP", bytes([12, 13, 1, 1])), LINEAR), FROM_LINEAR),
        (with_chunks(chunk(b"cICP", b"\x0c"), LINEAR), FROM_LINEAR),
        (with_chunks(chunk(b"iCCP", b"broken\0\0"), LINEAR), FROM_LINEAR),
        (with_chunks(chunk(b"cHRM", bytes(32)), LINEAR), COLOR),
        (with_chunks(chunk(b"cICP", bytes([1, 13, 0, 0]))), (214, 51, 28)),
        (with_chunks(LINEAR, image=PLAIN.quantize(2)), FROM_LINEAR),
        (encode(PLAIN, "PNG")[:-12] + CICP + LINEAR + encode(PLAIN, "PNG")[-12:], COLOR),
    ],
)
async def test_the_colors_of_a_png_are_those_of_its_first_description(
    upload: bytes, expected: tuple[int, ...]
) -> None:
    color = await published_color(upload)

    assert color == pytest.approx(expected, abs=2)  # it is a JPEG


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (with_chunks(LINEAR, image=Image.new("RGBA", (16, 16), (*COLOR, 9))), (*FROM_LINEAR, 9)),
        (with_chunks(LINEAR, image=Image.new("LA", (16, 16), (200, 9))), (229, 9)),
        (with_chunks(CICP, image=Image.new("LA", (16, 16), (200, 9))), (200, 9)),
        (
            png(1, 1, 16, 6, zlib.compress(b"\0" + bytes([200, 9, 60, 9, 40, 9, 9, 9])), CICP),
            (*FROM_P3, 9),
        ),
    ],
    ids=["RGBA", "LA", "gray has no primaries", "16 bits"],
)
async def test_opacities_stay_when_colors_are_converted(
    content: bytes, expected: tuple[int, ...]
) -> None:
    assert await published_color(content) == pytest.approx(expected, abs=1)


async def test_the_colors_of_a_heic_are_those_of_its_profile_or_else_of_nclx() -> None:
    kept = (b"irot", b"clap")
    as_srgb = decode((await publish(HEIC_PHOTO)).content)

    linear = with_properties(HEIC_PHOTO, nclx(1, 8), kept=kept)
    swapped = with_properties(HEIC_PHOTO, nclx(1, 8), icc(SWAPPED_PROFILE), kept=kept)

    brighter = as_srgb.point([round(255 * min((v / 255) ** (1 / 2.2), 1)) for v in range(256)] * 3)
    assert mean_difference(decode((await publish(linear)).content), brighter) < 8
    red, green, blue = as_srgb.split()
    expected = Image.merge("RGB", (green, red, blue))
    assert mean_difference(decode((await publish(swapped)).content), expected) < 8


async def test_a_profile_named_srgb_is_not_believed() -> None:
    profile = SWAPPED_PROFILE.replace("Swap".encode("utf-16-be"), "sRGB".encode("utf-16-be"))

    assert await published_color(encode(PLAIN, "PNG", icc_profile=profile)) == pytest.approx(
        SWAPPED, abs=2
    )
