from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image

from domain.features.media.errors import UnsupportedImageType
from domain.features.media.image import SourceFormat, VariantSpec
from tests.integration.adapters.media.pillow.image_publishing import (
    publish,
    publish_by,
    publish_error,
)
from tests.support.fakes.images import image_publisher
from tests.support.images import (
    HEIC_PHOTO,
    SECRET,
    SWAPPED_PROFILE,
    animated_gif,
    animated_png,
    decode,
    encode,
    exif,
    sample_image,
    still_gif,
    transparent_png,
)

FAINT = sample_image(mode="RGBA")
FAINT.putalpha(100)
ANIMATION = [sample_image().rotate(90 * number) for number in range(3)]


def animation(
    image_format: str, frames: Sequence[Image.Image] = ANIMATION, **options: Any
) -> bytes:
    options |= {"save_all": True, "append_images": frames[1:], "duration": 80}
    return encode(frames[0], image_format, **options)


def photo(width: int = 400, height: int = 300, noise_level: int = 30, **options: Any) -> bytes:
    """Return a JPEG with details."""
    noise = Image.effect_noise((width, height), noise_level).convert("RGB")
    return encode(Image.blend(sample_image(width, height), noise, 0.3), "JPEG", **options)


@pytest.mark.parametrize(
    ("upload", "published_as"),
    [
        (encode(sample_image(), "WEBP", exif=exif(1), icc_profile=SWAPPED_PROFILE), "JPEG"),
        (HEIC_PHOTO, "JPEG"),
        (encode(sample_image(), "PNG"), "JPEG"),
        (animated_png(), "JPEG"),
        (transparent_png(), "PNG"),
        (encode(decode(transparent_png()), "WEBP"), "PNG"),
        (still_gif(), "GIF"),
        (animated_gif(), "GIF"),
        (animation("WEBP", [FAINT, sample_image(mode="RGBA")]), "PNG"),
    ],
)
async def test_each_format_is_published_as_one_that_every_client_shows(
    upload: bytes, published_as: str
) -> None:
    spec = VariantSpec("small", 32, 32, is_webp=published_as == "GIF")
    published = await publish_by(image_publisher(), upload, 1, spec)

    image, variant = decode(published.content), decode(published.variants["small"][1])
    assert image.format == published.image.format.name == published_as
    assert image.size == (published.image.width, published.image.height)
    assert not {"exif", "icc_profile", "xmp", "comment"} & image.info.keys()
    assert SECRET not in published.content
    frames = getattr(decode(upload), "n_frames", 1) if published_as == "GIF" else 1
    assert getattr(image, "n_frames", 1) == getattr(variant, "n_frames", 1) == frames
    assert max(variant.size) == 32


async def test_a_jpeg_over_the_limit_is_scaled_down_and_others_are_rejected() -> None:
    limits = {"max_pixels": 30_000, "max_jpeg_pixels": 125_000}

    published = await publish(photo(), **limits)
    gray = await publish(photo(progressive=True), **limits)

    assert (published.image.width, published.image.height) == (200, 150)
    assert (gray.image.width, gray.image.height) == (200, 150)
    assert (await publish_error(photo(450, 300), **limits)).limit == 125_000
    png = encode(sample_image(400, 300), "PNG")
    assert (await publish_error(png, **limits)).limit == 30_000


@pytest.mark.parametrize(
    ("upload", "detected"),
    [
        (b"<?xml version='1.0'?><!-- a --><svg/>", "image/svg+xml"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"hello", "text/plain"),
        (still_gif(), "image/gif"),
    ],
)
async def test_another_type_is_named(upload: bytes, detected: str) -> None:
    formats = frozenset(SourceFormat) - {SourceFormat.GIF}
    publisher = image_publisher(formats=formats)

    with pytest.raises(UnsupportedImageType) as raised:
        await publish_by(publisher, upload)

    assert raised.value.detected == detected
