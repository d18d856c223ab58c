import io
from typing import Any

import pytest

from adapters.pillow import open_image_publisher
from application.ports.images import PublishedImage
from domain.errors import InvalidImage
from domain.media.image import ImageLimits
from tests.support.builders import an_id


async def publish(content: bytes, **limits: Any) -> PublishedImage:
    """Publish an upload by Pillow, under the default limits except the given ones."""
    async with open_image_publisher(ImageLimits(**limits)) as publisher:
        return await publisher.publish(io.BytesIO(content), an_id())


async def publish_error(content: bytes, **limits: Any) -> InvalidImage:
    """Return the error that publishing raises."""
    with pytest.raises(InvalidImage) as raised:
        await publish(content, **limits)
    return raised.value
