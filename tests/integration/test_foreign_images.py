"""The test images of Pillow, pi-heif and PngSuite: what is rejected, and the pixels of the rest."""

import io
import warnings
import zlib
from collections.abc import Iterable, Iterator

import pytest
from pi_heif import register_heif_opener
from PIL import Image, ImageCms, ImageOps

from adapters.pillow import open_image_publisher
from domain.errors import InvalidImage, UnsupportedImageType
from domain.media.image import ImageLimits
from tests.integration.image_publishing import publish, publish_by
from tests.support.foreign_images import images_of, png_suite
from tests.support.images import PNG_SIGNATURE, chunk, decode, encode, mean_difference, png
from tests.support.servers.process import SourceUnavailable

SUFFIXES = ("png", "jpg", "jpeg", "mpo", "gif", "webp", "avif", "heic", "heif", "hif")
REJECTED_OF_PILLOW = {
    "apng/chunk_no_fctl.png",
    "apng/syntax_num_frames_zero.png",
    "broken.png",
    "broken_data_stream.png",
    "decompression_bomb.gif",
    "decompression_bomb_extents.gif",
    "truncated_end_chunk.png",  # its second chunk of pixels
    "truncated_image.png",
    "truncated_jpeg.jpg",
    "ultrahdr.jpg",  # truncated too
    "unknown_compression_method.png",
    "zero_width.gif",
}
NOT_COMPARED_WITH_PILLOW = {
    "exif_imagemagick_orientation.png",  # browsers do not know this kind of orientation either
    "i_trns.png",  # Pillow cannot convert 16 bits
    "png_decompression_dos.png",  # its comment, which is not read, is too large for Pillow
    "test_extents.gif",  # its frame exceeds its canvas
}
REJECTED_OF_PI_HEIF = {
    "heif_corrupted/corrupted.heic",
    "heif_corrupted/corrupted.hif",
    "heif_corrupted/empty.heic",
    "heif_special/200MP.heic",
}
# Small images with many details differ by this much when they are encoded as JPEG.
MAX_DIFFERENCE = 12


@pytest.fixture(autouse=True)
def _skip_without_packages() -> Iterator[None]:
    try:
        png_suite()
    except SourceUnavailable as error:
        pytest.skip(f"the source packages with test images cannot be had: {error}")
    register_heif_opener()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about broken metadata
        yield


async def publish_all(images: Iterable[tuple[str, bytes]], not_compared: set[str]) -> set[str]:
    """Publish all images, compare them with what Pillow reads, and return the rejected ones."""
    rejected = set[str]()
    async with open_image_publisher(ImageLimits()) as publisher:
        for name, content in images:
            try:
                published = decode((await publish_by(publisher, content)).content)
            except (InvalidImage, UnsupportedImageType):
                if name.lower().endswith(SUFFIXES):
                    rejected.add(name)
                continue
            if name not in not_compared:
                assert mean_difference(on_white(published), read(content)) < MAX_DIFFERENCE, name
    return rejected


def read(content: bytes) -> Image.Image:
    """Return what Pillow reads, upright, with 8 bits and in sRGB."""
    image = ImageOps.exif_transpose(decode(content))
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if profile and image.mode in {"RGB", "RGBA", "CMYK"}:
        source, target = (
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
        )
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        image = ImageCms.profileToProfile(image, source, target, outputMode=mode) or image
    return on_white(image)


def on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white


async def test_the_images_of_pillow() -> None:
    images = images_of("pillow", "Tests/images")

    assert await publish_all(images, NOT_COMPARED_WITH_PILLOW) == REJECTED_OF_PILLOW


async def test_the_images_of_pi_heif() -> None:
    images = images_of("pi_heif", "tests/images")

    assert await publish_all(images, set()) == REJECTED_OF_PI_HEIF


async def test_the_images_of_png_suite() -> None:
    images = png_suite()

    assert len(images) > 20
    assert await publish_all(images.items(), {"tbbn1g04"}) == set()  # Pillow ignores its opacities


@pytest.mark.parametrize("name", ["tbbn1g04", "tbrn2c08", "tbgn3p08"])
async def test_the_background_of_png_suite_is_transparent(name: str) -> None:
    published = decode((await publish(png_suite()[name])).content).convert("RGBA")

    corner, center = published.getpixel((0, 0)), published.getpixel((16, 16))
    assert isinstance(corner, tuple)
    assert isinstance(center, tuple)
    assert (corner[3], center[3]) == (0, 255)


def defects_of_png_suite() -> dict[str, bytes]:
    """Return what its corrupt images have, which no package ships, by their names."""
    image = encode(Image.new("L", (32, 32), 100), "PNG")
    rows = zlib.compress(bytes(33 * 32))
    ihdr_crc, idat_crc = 29, image.index(b"IEND") - 8
    return {
        **{f"xs{at}": image[:at] + b"x" + image[at + 1 :] for at in (1, 2, 4, 7)},
        "xcr": image.replace(b"\r\n", b"\r", 1),
        "xlf": image.replace(b"\r\n", b"\n", 1),
        **{f"xc{color_type}": png(32, 32, 8, color_type, rows) for color_type in (1, 9)},
        **{f"xd{depth}": png(32, 32, depth, 2, rows) for depth in (0, 3, 99)},
        "xdt": PNG_SIGNATURE + image[8:33] + chunk(b"IEND", b""),
        "xhd": image[:ihdr_crc] + b"xxxx" + image[ihdr_crc + 4 :],
        "xcs": image[:idat_crc] + b"xxxx" + image[idat_crc + 4 :],
    }


@pytest.mark.parametrize("name", defects_of_png_suite())
async def test_the_defects_of_the_corrupt_images_of_png_suite(name: str) -> None:
    with pytest.raises((InvalidImage, UnsupportedImageType)):
        await publish(defects_of_png_suite()[name])
