"""How the image of a HEIC is cropped and turned: as its boxes say, or else EXIF or XMP."""

from typing import Any

import pytest
from PIL import Image
from PIL.Image import Transpose

from domain.features.media.image import VariantSpec
from tests.integration.adapters.media.pillow.image_publishing import (
    publish,
    publish_by,
)
from tests.support.fakes.images import image_publisher
from tests.support.heif import clap, imir, irot, with_properties
from tests.support.images import HEIC_PHOTO, SECRET, decode, mean_difference

# The same photo, whose rotation is repeated in XMP only.
HEIC_WITH_XMP = HEIC_PHOTO.replace(b"\x01\x12\0\3", b"\x01\x13\0\3").replace(
    b"<x>" + SECRET + b"</x>", b'tiff:Orientation="6"    '
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


@pytest.mark.parametrize(
    ("metadata", "properties", "steps"),
    [
        ("EXIF", [CROP], ["crop", Transpose.ROTATE_270]),
        ("XMP", [], [Transpose.ROTATE_270]),
        ("EXIF", [irot(0)], []),
        ("XMP", [imir(1)], [Transpose.FLIP_LEFT_RIGHT]),
        (
            "EXIF",
            [CROP, irot(1), imir(0)],
            ["crop", Transpose.ROTATE_90, Transpose.FLIP_TOP_BOTTOM],
        ),
    ],
)
async def test_a_heic_is_turned_once_by_its_boxes_or_else_by_its_metadata(
    metadata: str, properties: list[bytes], steps: list[Any]
) -> None:
    photo = HEIC_PHOTO if metadata == "EXIF" else HEIC_WITH_XMP  # both say 6
    expected = apply(steps, decode((await publish(with_properties(photo, irot(0)))).content))

    result = await publish_by(
        image_publisher(), with_properties(photo, *properties), 1, VariantSpec("small", 10, 10)
    )

    published = decode(result.content)
    assert (result.image.width, result.image.height) == published.size == expected.size
    assert mean_difference(published, expected) < 8
    assert max(decode(result.variants["small"][1]).size) == 10
