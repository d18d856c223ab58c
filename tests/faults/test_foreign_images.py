"""The test images of Pillow, pillow-heif and PngSuite: what is rejected, and all other pixels."""

import io
import re
import tarfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from PIL import Image, ImageCms, ImageOps
from pillow_heif import register_heif_opener

from adapters.media.pillow import open_image_publisher
from domain.features.media.errors import InvalidImage, UnsupportedImageType
from domain.features.media.image import ImageLimits
from tests.integration.adapters.media.pillow.image_publishing import publish_by
from tests.support.fakes.images import temporary_files
from tests.support.images import decode, mean_difference
from tests.support.servers.packages import fetch_packages
from tests.support.servers.process import SourceUnavailable

_REQUIREMENTS: Final = Path(__file__).with_name("foreign_images.txt")
_PNG_IN_HEX: Final = re.compile(r"'(\w+)': _dehex\(b\"\"\"\n(.*?)\"\"\"\)", re.DOTALL)


def images_of(package: str, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file in this folder of a package.

    Raises:
        SourceUnavailable
    """
    with tarfile.open(_archive(package)) as archive:
        for member in archive:
            _, found, name = member.name.partition(f"/{folder}/")
            file = archive.extractfile(member) if found else None
            if file is not None:
                yield name, file.read()


def png_suite() -> Mapping[str, bytes]:
    """Return the images of PngSuite that `pypng` has: most types, but no corrupt ones.

    Raises:
        SourceUnavailable
    """
    with tarfile.open(_archive("pypng")) as archive:
        (module,) = (name for name in archive.getnames() if name.endswith("/pngsuite.py"))
        file = archive.extractfile(module)
        assert file is not None
        text = file.read().decode()
    return {name: bytes.fromhex(digits) for name, digits in _PNG_IN_HEX.findall(text)}


def _archive(package: str) -> Path:
    (archive,) = fetch_packages(_REQUIREMENTS, "download", "--dest").glob(f"{package}-*.tar.gz")
    return archive


SUFFIXES = ("png", "jpg", "jpeg", "mpo", "gif", "webp", "heic", "heif", "hif")
REJECTED_OF_PILLOW = {
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
    "apng/chunk_no_fctl.png",  # Pillow cannot read what comes after its default image
    "i_trns.png",  # Pillow cannot convert 16 bits
    "png_decompression_dos.png",  # its comment, which is not read, is too large for Pillow
    "test_extents.gif",  # its frame exceeds its canvas
}
REJECTED_OF_PILLOW_HEIF = {
    "heif_corrupted/corrupted.heic",
    "heif_corrupted/corrupted.hif",
    "heif_corrupted/empty.heic",
}
# Small images with many details differ by this much when they are encoded as JPEG.
MAX_DIFFERENCE = 12
# Larger ones have no other features, and take seconds each.
MAX_BYTES = 700_000


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
    async with open_image_publisher(ImageLimits(), temporary_files()) as publisher:
        for name, content in images:
            if len(content) > MAX_BYTES:
                continue
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
    opened = decode(content)
    if opened.info.get("default_image"):  # it is no frame
        with suppress(SyntaxError, EOFError):  # an invalid animation, of which this image is shown
            opened.seek(1)
    image = ImageOps.exif_transpose(opened)
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


async def test_the_images_of_pillow_heif() -> None:
    images = images_of("pillow_heif", "tests/images")

    assert await publish_all(images, set()) == REJECTED_OF_PILLOW_HEIF


async def test_the_images_of_png_suite() -> None:
    images = png_suite()

    assert len(images) > 20
    assert await publish_all(images.items(), {"tbbn1g04"}) == set()  # Pillow ignores its opacities
