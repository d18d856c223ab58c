import asyncio
import io
import os
import random
import threading
from collections.abc import AsyncIterator

import pytest

from adapters.pillow import PillowImagePublisher, open_image_publisher
from adapters.pillow.gif import publish_gif
from adapters.pillow.limits import LimitChecker
from domain.errors import InvalidImage, Unavailable, UnsupportedImageType
from domain.media.image import ImageLimits
from tests.support.images import (
    SECRET,
    animated_gif,
    annotated_png,
    decode,
    encode,
    multi_picture_jpeg,
    phone_photo,
    plain_jpeg,
    sample_image,
    still_gif,
    swapped_profile,
    transparent_png,
    with_profile,
)

THREADS = os.cpu_count() or 1
CAPACITY = THREADS * 17
"""Each thread publishes one image, and sixteen wait."""


class BlockedUpload(io.BytesIO):
    """An upload whose read blocks until it is released."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__(plain_jpeg())
        self.reading_thread: int | None = None
        self.started = threading.Event()
        self._released = released

    def read(self, size: int | None = -1, /) -> bytes:
        self.reading_thread = threading.get_ident()
        self.started.set()
        assert self._released.wait(60)
        return super().read(size)


@pytest.fixture
async def publisher() -> AsyncIterator[PillowImagePublisher]:
    async with open_image_publisher(ImageLimits()) as publisher:
        yield publisher


@pytest.fixture
def released() -> threading.Event:
    return threading.Event()


async def test_images_are_published_outside_the_event_loop(
    publisher: PillowImagePublisher, released: threading.Event
) -> None:
    upload = BlockedUpload(released)

    publishing = asyncio.create_task(publisher.publish(upload))
    await asyncio.to_thread(upload.started.wait, 60)
    # The event loop is free while an image is published.
    released.set()

    assert (await publishing).image.width == 64
    assert upload.reading_thread != threading.get_ident()


async def test_images_beyond_the_capacity_are_rejected(
    publisher: PillowImagePublisher, released: threading.Event
) -> None:
    waiting = [
        asyncio.create_task(publisher.publish(BlockedUpload(released))) for _ in range(CAPACITY)
    ]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await publisher.publish(io.BytesIO(plain_jpeg()))

    released.set()
    assert len(await asyncio.gather(*waiting)) == CAPACITY
    await publisher.publish(io.BytesIO(plain_jpeg()))


async def test_a_cancelled_caller_releases_its_capacity(
    publisher: PillowImagePublisher, released: threading.Event
) -> None:
    uploads = [BlockedUpload(released) for _ in range(CAPACITY)]
    tasks = [asyncio.create_task(publisher.publish(upload)) for upload in uploads]
    for upload in uploads[:THREADS]:
        await asyncio.to_thread(upload.started.wait, 60)

    # An image that is being published, and an image that waits.
    for task in (tasks[0], tasks[-1]):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    replacement = asyncio.create_task(publisher.publish(io.BytesIO(still_gif())))
    released.set()

    assert len(await asyncio.gather(*tasks[1:-1], replacement)) == CAPACITY - 1
    assert not uploads[-1].started.is_set()


def test_cancelled_work_stops_at_the_next_step() -> None:
    cancelled = threading.Event()
    limits = LimitChecker(ImageLimits(), cancelled)
    publish_gif(animated_gif(), limits)

    cancelled.set()

    with pytest.raises(InvalidImage):
        publish_gif(animated_gif(), limits)


async def test_closing_waits_for_the_image_in_progress(released: threading.Event) -> None:
    async with open_image_publisher(ImageLimits()) as publisher:
        upload = BlockedUpload(released)
        publishing = asyncio.create_task(publisher.publish(upload))
        await asyncio.to_thread(upload.started.wait, 60)
        asyncio.get_running_loop().call_soon(released.set)

    assert (await publishing).image.width == 64


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Flip a few bits, remove or repeat some bytes, or cut off the end."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0 | 1:
                changed[at] ^= 1 << rng.randrange(8)
            case 2:
                del changed[at : at + rng.randrange(1, 9)]
            case 3:
                changed[at:at] = changed[at // 2 : at // 2 + rng.randrange(1, 40)]
            case _:
                changed = changed[: max(at, 12)]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(10))
async def test_a_broken_image_is_rejected_or_published_completely(
    publisher: PillowImagePublisher, seed: int
) -> None:
    rng = random.Random(seed)
    originals = [
        phone_photo(),
        multi_picture_jpeg(),
        with_profile(encode(sample_image(mode="RGB"), "JPEG", progressive=True), swapped_profile()),
        transparent_png(),
        annotated_png(),
        encode(sample_image(mode="P"), "PNG", icc_profile=swapped_profile()),
        still_gif(),
        animated_gif(),
    ]
    for _ in range(40):
        upload = mutate(rng.choice(originals), rng)
        try:
            result = await publisher.publish(io.BytesIO(upload))
        except (UnsupportedImageType, InvalidImage):
            continue
        image = decode(result.content)
        assert image.size == (result.image.width, result.image.height)
        assert image.format == result.image.format.name
        assert SECRET not in result.content
        again = await publisher.publish(io.BytesIO(result.content))
        assert again.image.width == result.image.width
