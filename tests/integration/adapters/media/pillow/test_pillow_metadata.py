import warnings
import zlib

import pytest
from PIL import Image, ImageOps

from tests.integration.adapters.media.pillow.image_publishing import publish
from tests.support.images import (
    HEIC_PHOTO,
    SECRET,
    SWAPPED_PROFILE,
    annotated_png,
    chunk,
    decode,
    encode,
    exif,
    mean_difference,
    multi_picture_jpeg,
    phone_photo,
    plain_jpeg,
    png_bomb,
    sample_image,
    segment,
    xmp,
)

JPEG, PNG = plain_jpeg(), encode(sample_image(), "PNG")
XMP_ELEMENT = b"<tiff:Orientation>6</tiff:Orientation>"


def with_segments(*segments: bytes) -> bytes:
    return JPEG[:2] + b"".join(segments) + JPEG[2:]


def exif_segment(tiff: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff)


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def with_chunks(*chunks: bytes) -> bytes:
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def xmp_chunk(body: bytes) -> bytes:
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + body)


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photo_is_rotated_as_its_exif_says(orientation: int) -> None:
    photo = phone_photo(width=90, height=60, orientation=orientation)
    upright = ImageOps.exif_transpose(decode(photo))

    result = await publish(photo)

    assert (result.image.width, result.image.height) == upright.size
    assert mean_difference(decode(result.content), upright) < 8


@pytest.mark.parametrize(
    "upload",
    [
        HEIC_PHOTO,
        with_segments(xmp_segment(xmp(1)), exif_segment(exif(6)), exif_segment(exif(1))),
        with_segments(xmp_segment(XMP_ELEMENT)),
        PNG[:-12] + chunk(b"eXIf", exif(6)) + PNG[-12:],
        with_chunks(xmp_chunk(b"\0\0\0\0" + xmp(6)), chunk(b"iTXt", b"Comment\0\0\0\0\0text")),
        with_chunks(xmp_chunk(b"\1\0\0\0" + zlib.compress(xmp(6)))),
    ],
)
async def test_the_orientation_is_that_of_exif_or_else_of_xmp(upload: bytes) -> None:
    published = decode((await publish(upload)).content)

    assert published.size == (48, 64)
    rotated = sample_image().transpose(Image.Transpose.ROTATE_270)
    assert mean_difference(published, rotated) < 8


@pytest.mark.parametrize(
    "upload",
    [
        multi_picture_jpeg(),
        JPEG[:-2] + b"\xff\xfe\x15\x4fa segment that exceeds the file",
        with_segments(exif_segment(b"II*\0\x08\0\0\0\xff\xff" + bytes(30))),
        plain_jpeg(icc_profile=SWAPPED_PROFILE[:200]),
        annotated_png(orientation=1).replace(b"Comment", b"comment"),  # the checksum is wrong
        png_bomb(b"iCCP", b"bomb"),
        with_chunks(xmp_chunk(b"\1\0\0\0" + zlib.compress(bytes(5_000_000)))),
    ],
)
async def test_only_the_pixels_are_published(upload: bytes) -> None:
    plain = JPEG if upload.startswith(JPEG[:2]) else PNG

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the decoder process does
        published, expected = await publish(upload), await publish(plain)

    assert mean_difference(decode(published.content), decode(expected.content)) < 2
    assert SECRET not in published.content


async def test_colors_and_opacities_that_no_pixel_of_a_png_uses_are_dropped() -> None:
    image = Image.new("P", (2, 1), 3)
    image.putpixel((1, 0), 5)
    image.putpalette(SECRET.ljust(768, b"!"))
    upload = encode(image, "PNG", transparency=SECRET.ljust(256, b"?"))

    published = (await publish(upload)).content

    assert decode(published).convert("RGBA").tobytes() == decode(upload).convert("RGBA").tobytes()
    for hidden in (SECRET[:6], b"!!!", b"???"):
        assert hidden in upload
        assert hidden not in published
