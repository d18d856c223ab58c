import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.media.pillow import open_image_publisher
from application.features.media.ports import ImagePublisher
from domain.features.media.image import ImageFormat, ImageLimits, VariantSpec
from tests.integration.adapters.media.pillow.image_publishing import Published, publish_by
from tests.support.fakes.images import temporary_files
from tests.support.images import animated_gif, as_file, decode, plain_jpeg, transparent_png

pytestmark = pytest.mark.asyncio(loop_scope="module")
IMAGES = {
    ImageFormat.JPEG: plain_jpeg(width=60, height=40),
    ImageFormat.PNG: transparent_png(width=60, height=40),
    ImageFormat.GIF: animated_gif(width=60, height=40),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def publisher() -> AsyncIterator[ImagePublisher]:
    """Open one for all tests: each starts processes."""
    async with open_image_publisher(ImageLimits(), temporary_files()) as publisher:
        yield publisher


async def publish(publisher: ImagePublisher, content: bytes, *specs: VariantSpec) -> Published:
    return await publish_by(publisher, content, 1, *specs)


async def test_concurrent_uploads_are_independent(publisher: ImagePublisher) -> None:
    sizes = range(10, 20)

    results = await asyncio.gather(*(publish(publisher, plain_jpeg(width=size)) for size in sizes))

    assert [result.image.width for result in results] == list(sizes)


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        (VariantSpec("fit", 30, 30), (30, 20)),
        (VariantSpec("never_larger", 600, 600), (60, 40)),
        (VariantSpec("exact", 64, 64, is_exact=True), (64, 64)),
        (VariantSpec("webp", 30, 30, is_webp=True), (30, 20)),
    ],
)
@pytest.mark.parametrize("image_format", IMAGES)
async def test_variants_have_the_size_and_format_of_their_spec(
    publisher: ImagePublisher, image_format: ImageFormat, spec: VariantSpec, size: tuple[int, int]
) -> None:
    published = await publish(publisher, IMAGES[image_format], spec)
    with as_file(published.content) as file:
        async with publisher.encode_variants(file, [spec]) as again:
            assert again[spec.name].image.width == size[0]

    (image, content) = published.variants[spec.name]
    variant = decode(content)
    assert variant.size == (image.width, image.height) == size
    assert variant.format == image.format.name
    assert image.format == (ImageFormat.WEBP if spec.is_webp else image_format)
    assert image.bytes == len(content)
    assert getattr(variant, "n_frames", 1) == (3 if image_format is ImageFormat.GIF else 1)
