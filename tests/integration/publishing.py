import io
from typing import Any

import pytest

from adapters.pillow import open_pillow_pictures
from application.ports.pictures import PublishedPicture
from domain.errors import InvalidImage
from domain.media.picture import PictureLimits


async def publish(content: bytes, **limits: Any) -> PublishedPicture:
    """What Pillow makes of an upload, under the usual limits but for these."""
    async with open_pillow_pictures(PictureLimits(**limits)) as pictures:
        return await pictures.publish(io.BytesIO(content))


async def refusal_of(content: bytes, **limits: Any) -> str:
    """The sentence that the uploader gets."""
    with pytest.raises(InvalidImage) as refused:
        await publish(content, **limits)
    return refused.value.message
