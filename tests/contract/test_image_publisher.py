import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext

import pytest

from adapters.pillow import open_image_publisher
from application.ports.images import ImagePublisher, PublishedImage
from domain.errors import NotAnImage, PictureRefused
from domain.media.image import Image, ImageFormat, ImageLimits
from tests.fakes.images import FakeImagePublisher
from tests.images import (
    SECRET,
    animated_gif,
    annotated_png,
    phone_photo,
    pixel_bomb_jpeg,
    pixel_bomb_png,
    plain_jpeg,
    still_gif,
    transparent_png,
    truncated_jpeg,
)

OpenPictures = Callable[[], AbstractAsyncContextManager[ImagePublisher]]

WHOLE = {
    ImageFormat.JPEG: plain_jpeg(width=60, height=40),
    ImageFormat.PNG: transparent_png(width=60, height=40),
    ImageFormat.GIF: animated_gif(width=60, height=40),
}
HEADS = {
    ImageFormat.JPEG: (b"\xff\xd8\xff",),
    ImageFormat.PNG: (b"\x89PNG\r\n\x1a\n",),
    ImageFormat.GIF: (b"GIF87a", b"GIF89a"),
}


def undecoded() -> AbstractAsyncContextManager[ImagePublisher]:
    return nullcontext(FakeImagePublisher())


def pillow() -> AbstractAsyncContextManager[ImagePublisher]:
    return open_image_publisher(ImageLimits())


@pytest.fixture(params=[undecoded, pillow], ids=lambda opening: opening.__name__)
async def pictures(request: pytest.FixtureRequest) -> AsyncIterator[ImagePublisher]:
    opening: OpenPictures = request.param
    async with opening() as pictures:
        yield pictures


async def published(pictures: ImagePublisher, content: bytes) -> PublishedImage:
    return await pictures.publish(io.BytesIO(content))


@pytest.mark.parametrize("picture_format", ImageFormat)
async def test_a_picture_is_published_as_what_its_bytes_are(
    pictures: ImagePublisher, picture_format: ImageFormat
) -> None:
    result = await published(pictures, WHOLE[picture_format])

    assert result.image == Image(picture_format, 60, 40, len(result.content))
    assert result.content.startswith(HEADS[picture_format])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"not a picture",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"RIFF\x1a\0\0\0WEBPVP8L",
        b"BM" + bytes(60),
        b"II*\0" + bytes(60),
        b" " + plain_jpeg(),
        b"\0" + still_gif(),
        transparent_png()[1:],
    ],
)
async def test_what_begins_like_no_format_that_we_serve_is_not_an_image(
    pictures: ImagePublisher, content: bytes
) -> None:
    with pytest.raises(NotAnImage):
        await published(pictures, content)


@pytest.mark.parametrize(
    "content",
    [
        *(heads[0] for heads in HEADS.values()),
        *(whole[: len(whole) // 2] for whole in WHOLE.values()),
        truncated_jpeg(),
    ],
)
async def test_a_picture_that_breaks_off_is_refused_as_broken(
    pictures: ImagePublisher, content: bytes
) -> None:
    with pytest.raises(PictureRefused) as refused:
        await published(pictures, content)

    assert refused.value.sentence == "The image is broken."


@pytest.mark.parametrize("bomb", [pixel_bomb_jpeg, pixel_bomb_png])
async def test_a_picture_of_too_many_pixels_is_refused_for_them(
    pictures: ImagePublisher, bomb: Callable[[], bytes]
) -> None:
    with pytest.raises(PictureRefused) as refused:
        await published(pictures, bomb())

    assert refused.value.sentence == "The image has more than 50000000 pixels."


@pytest.mark.parametrize("noted", [phone_photo, annotated_png, animated_gif])
async def test_what_is_noted_beside_the_pixels_is_not_published(
    pictures: ImagePublisher, noted: Callable[[], bytes]
) -> None:
    assert SECRET in noted()

    assert SECRET not in (await published(pictures, noted())).content


@pytest.mark.parametrize("content", [plain_jpeg(), truncated_jpeg(), b"not a picture"])
async def test_the_upload_stays_open_whatever_becomes_of_it(
    pictures: ImagePublisher, content: bytes
) -> None:
    upload = io.BytesIO(content)

    await asyncio.gather(pictures.publish(upload), return_exceptions=True)

    assert not upload.closed


async def test_pictures_that_come_together_do_not_get_mixed_up(pictures: ImagePublisher) -> None:
    sizes = range(10, 20)

    results = await asyncio.gather(*(published(pictures, plain_jpeg(width=size)) for size in sizes))

    assert [result.image.width for result in results] == list(sizes)
