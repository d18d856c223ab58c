import io
from typing import Any

import pytest

from adapters.pillow import open_image_publisher
from application.ports.images import PublishedImage
from domain.errors import PictureRefused
from domain.media.image import ImageLimits


async def publish(content: bytes, **limits: Any) -> PublishedImage:
    """What Pillow makes of an upload, under the usual limits but for these."""
    async with open_image_publisher(ImageLimits(**limits)) as pictures:
        return await pictures.publish(io.BytesIO(content))


async def refusal_of(content: bytes, **limits: Any) -> str:
    """The sentence that the uploader gets."""
    with pytest.raises(PictureRefused) as refused:
        await publish(content, **limits)
    return refused.value.sentence
