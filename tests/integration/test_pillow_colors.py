import struct
import zlib
from typing import Any

import pytest
from PIL import Image
from PIL.Image import Transpose

from domain.media.image import VariantSpec
from tests.integration.image_publishing import publish, publish_by
from tests.support.fakes.images import image_publisher
from tests.support.heif import clap, icc, imir, irot, nclx, with_properties
from tests.support.images import (
    HEIC_PHOTO,
    SECRET,
    SWAPPED_PROFILE,
    chunk,
    decode,
    encode,
    exif,
    mean_difference,
    png,
    sample_image,
    xmp,
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
AVIF = encode(PLAIN, "AVIF", quality=100, subsampling="4:4:4")
SAMPLE_AVIF = encode(sample_image(), "AVIF", quality=100, subsampling="4:4:4")
# The same photo, whose rotation is repeated in XMP only.
HEIC_WITH_XMP = HEIC_PHOTO.replace(b"\x01\x12\0\3", b"\x01\x13\0\3").replace(
    b"<x>" + SECRET + b"</x>", b"tiff:Orientation='6'    "
)
CROP = clap((20, 1), (10, 1), (-3, 1), (4, 1))


def apply(steps: list[Any], image: Image.Image) -> Image.Image:
    """Transpose an image, or crop it as CROP does."""
    for step in steps:
        if step == "crop":
            left, top = image.width // 2 - 13, image.height // 2 - 1
            image = image.crop((left, top, left + 20, top + 10))
        else:
            image = image.transpose(step)
    return image


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
        (with_chunks(CICP, image=Image.new("LA", (16, 16), (200, 9))), (200, 9)),
        (
            png(1, 1, 16, 6, zlib.compress(b"\0" + bytes([200, 9, 60, 9, 40, 9, 9, 9])), CICP),
            (*FROM_P3, 9),
        ),
    ],
    ids=["RGBA", "gray has no primaries", "16 bits"],
)
async def test_opacities_stay_when_colors_are_converted(
    content: bytes, expected: tuple[int, ...]
) -> None:
    assert await published_color(content) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        ([nclx(12, 13)], FROM_P3),
        ([nclx(12, 13), icc(SWAPPED_PROFILE)], SWAPPED),
        ([nclx(12, 13), icc(b"broken")], FROM_P3),
    ],
)
async def test_the_colors_of_an_avif_are_those_of_its_profile_or_else_of_nclx(
    colors: list[bytes], expected: tuple[int, ...]
) -> None:
    color = await published_color(with_properties(AVIF, *colors))

    assert color == pytest.approx(expected, abs=3)  # it is encoded twice


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


@pytest.mark.parametrize("image_format", ["AVIF", "PNG"])
async def test_a_bright_image_in_pq_is_published_for_usual_displays(
    image_format: str,
) -> None:
    gray = Image.new("RGB", (16, 16), (148,) * 3)  # paper
    if image_format == "PNG":
        upload = with_chunks(chunk(b"cICP", bytes([9, 16, 0, 1])), image=gray)
    else:
        upload = with_properties(encode(gray, "AVIF", quality=100), nclx(9, 16, 9))

    color = await published_color(upload)

    assert color == pytest.approx((241,) * 3, abs=4)


def camera_exif(color_space: int, index: bytes) -> bytes:
    """EXIF metadata with a color space and an interoperability index."""
    first = struct.pack(">4sIHHHIII", b"MM\0*", 8, 1, 0x8769, 4, 1, 26, 0)
    second = struct.pack(">HHHIHxxHHIII", 2, 0xA001, 3, 1, color_space, 0xA005, 4, 1, 56, 0)
    return b"Exif\0\0" + first + second + struct.pack(">HHHI4sI", 1, 1, 2, 4, index, 0)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (camera_exif(0xFFFF, b"R03\0"), (231, 57, 33)),
        (camera_exif(2, b"R98\0"), (231, 57, 33)),
        (camera_exif(0xFFFF, b"R98\0"), COLOR),
        (b"Exif\0\0broken", COLOR),
    ],
)
async def test_a_jpeg_of_a_camera_can_be_in_adobe_rgb(
    metadata: bytes, expected: tuple[int, ...]
) -> None:
    upload = encode(PLAIN, "JPEG", quality=95, exif=metadata)

    assert await published_color(upload) == pytest.approx(expected, abs=3)


@pytest.mark.parametrize(
    ("properties", "steps"),
    [
        ([CROP, irot(1), imir(0)], ["crop", Transpose.ROTATE_90, Transpose.FLIP_TOP_BOTTOM]),
        ([imir(0), irot(1)], [Transpose.FLIP_TOP_BOTTOM, Transpose.ROTATE_90]),
        ([irot(3), CROP], [Transpose.ROTATE_270, "crop"]),
    ],
)
@pytest.mark.parametrize(
    "upload", [SAMPLE_AVIF, with_properties(HEIC_PHOTO, irot(0))], ids=["AVIF", "HEIC"]
)
async def test_an_image_is_cropped_rotated_and_mirrored_in_the_order_of_its_file(
    upload: bytes, properties: list[bytes], steps: list[Any]
) -> None:
    expected = apply(steps, decode((await publish(upload)).content))

    result = await publish_by(
        image_publisher(),
        with_properties(upload, *properties),
        1,
        VariantSpec("small", 10, 10),
    )

    published = decode(result.content)
    assert (result.image.width, result.image.height) == published.size == expected.size
    assert mean_difference(published, expected) < 8
    assert max(decode(result.variants["small"][1]).size) == 10


@pytest.mark.parametrize(
    ("upload", "size"),
    [
        (with_properties(encode(sample_image(), "AVIF", xmp=xmp(6)), irot(0)), (64, 48)),
        (with_properties(encode(sample_image(), "AVIF", exif=exif(6)), imir(0)), (64, 48)),
        (encode(sample_image(), "AVIF", exif=exif(6)), (48, 64)),
        (HEIC_WITH_XMP, (48, 64)),
    ],
    ids=["XMP", "mirrored", "rotated", "HEIC"],
)
async def test_an_orientation_is_not_applied_in_addition_to_a_rotation(
    upload: bytes, size: tuple[int, int]
) -> None:
    assert decode((await publish(upload)).content).size == size


@pytest.mark.parametrize("metadata", ["EXIF", "XMP"])
@pytest.mark.parametrize(
    ("properties", "steps"),
    [
        ([], [Transpose.ROTATE_270]),
        ([CROP], ["crop", Transpose.ROTATE_270]),
        ([irot(0)], []),
        ([imir(1)], [Transpose.FLIP_LEFT_RIGHT]),
    ],
)
async def test_an_orientation_is_applied_to_a_heic_without_rotation_and_mirror(
    metadata: str, properties: list[bytes], steps: list[Any]
) -> None:
    photo = HEIC_PHOTO if metadata == "EXIF" else HEIC_WITH_XMP  # both say 6
    expected = apply(steps, decode((await publish(with_properties(photo, irot(0)))).content))

    published = decode((await publish(with_properties(photo, *properties))).content)

    assert published.size == expected.size
    assert mean_difference(published, expected) < 8


async def test_the_limit_of_pixels_is_for_the_whole_image() -> None:
    upload = with_properties(SAMPLE_AVIF, CROP)

    assert (await publish(upload, max_pixels=64 * 48)).image.width == 20
    with pytest.raises(Exception, match="pixels"):
        await publish(upload, max_pixels=64 * 48 - 1)
