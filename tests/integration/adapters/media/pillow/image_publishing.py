from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from application.features.media.ports import ImagePublisher
from domain.features.media.errors import InvalidImage
from domain.features.media.image import Image, ImageLimits, VariantSpec
from tests.support.builders import an_id
from tests.support.fakes.images import image_publisher
from tests.support.images import as_file


@dataclass(frozen=True)
class Published:
    image: Image
    content: bytes
    variants: Mapping[str, tuple[Image, bytes]]


async def publish_by(
    publisher: ImagePublisher, content: bytes, identity: int = 1, *specs: VariantSpec
) -> Published:
    """Publish an upload and read the files of the result."""
    with as_file(content) as upload:
        async with publisher.publish(upload, an_id(identity), specs) as published:
            full, variants = published.full, published.variants
            read = {name: (each.image, each.file.read()) for name, each in variants.items()}
            return Published(full.image, full.file.read(), read)


async def publish(content: bytes, **limits: Any) -> Published:
    """Publish an upload by Pillow, under the default limits except the given ones."""
    return await publish_by(image_publisher(ImageLimits(**limits)), content)


async def publish_error(content: bytes, **limits: Any) -> InvalidImage:
    """Return the error that publishing raises."""
    with pytest.raises(InvalidImage) as raised:
        await publish(content, **limits)
    return raised.value
