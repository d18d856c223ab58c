import asyncio
import io
import random
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.pillow import PillowImagePublisher, open_image_publisher
from adapters.pillow.publisher import MAX_IMAGES, MAX_IMAGES_PER_IDENTITY
from domain.errors import (
    InvalidImage,
    TooManyPixels,
    TooManyUploads,
    Unavailable,
    UnsupportedImageType,
)
from domain.media.image import ImageLimits
from tests.integration.image_publishing import publish_by
from tests.support.images import (
    SECRET,
    SWAPPED_PROFILE,
    animated_gif,
    annotated_png,
    decode,
    encode,
    multi_picture_jpeg,
    phone_photo,
    plain_jpeg,
    sample_image,
    still_gif,
    transparent_png,
)


class BlockedUpload(io.BytesIO):
    """An upload whose first read blocks until it is released, or a later one."""

    def __init__(self, released: threading.Event, unblocked_reads: int = 0) -> None:
        super().__init__(plain_jpeg())
        self._unblocked_reads = unblocked_reads
        self.started = threading.Event()
        self._released = released

    def read(self, size: int | None = -1, /) -> bytes:
        if self._unblocked_reads:
            self._unblocked_reads -= 1
            return super().read(size)
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


@pytest.mark.parametrize(("identities", "limit"), [(1, MAX_IMAGES_PER_IDENTITY), (100, MAX_IMAGES)])
async def test_waiting_images_beyond_the_limit_of_an_identity_or_of_all_are_rejected(
    publisher: PillowImagePublisher, released: threading.Event, identities: int, limit: int
) -> None:
    waiting = [
        asyncio.create_task(publish_by(publisher, BlockedUpload(released), number % identities))
        for number in range(limit)
    ]
    await asyncio.sleep(0)

    with pytest.raises(TooManyUploads):
        await publish_by(publisher, plain_jpeg(), 0)

    others = [] if limit == MAX_IMAGES else [publish_by(publisher, BlockedUpload(released), 1)]
    for task in waiting[2:]:
        task.cancel()
    released.set()
    await asyncio.gather(*waiting, *others, return_exceptions=True)
    await publish_by(publisher, plain_jpeg(), 0)


async def test_a_cancelled_caller_leaves_the_queue(
    publisher: PillowImagePublisher, released: threading.Event
) -> None:
    uploads = [BlockedUpload(released) for _ in range(3)]
    tasks = [asyncio.create_task(publish_by(publisher, upload)) for upload in uploads]
    await asyncio.to_thread(uploads[0].started.wait, 60)

    # An image that is read, and an image that waits.
    for task in tasks[:2]:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    released.set()

    assert (await tasks[2]).image.width == 64
    assert not uploads[1].started.is_set()


async def test_the_pixels_of_an_identity_are_limited() -> None:
    pixels = 3 * 64 * 48  # of three frames
    async with open_image_publisher(ImageLimits(), max_pixels_per_hour=pixels) as publisher:
        await publish_by(publisher, animated_gif(), 1)
        with pytest.raises(TooManyPixels) as raised:
            await publish_by(publisher, still_gif(), 1)
        assert 0 < raised.value.retry_after <= 3660
        await publish_by(publisher, still_gif(), 2)


@pytest.mark.parametrize("is_decoding", [True, False])
async def test_closing_waits_for_an_image_in_decoding_and_rejects_one_before(
    released: threading.Event, monkeypatch: pytest.MonkeyPatch, *, is_decoding: bool
) -> None:
    shutdown = ThreadPoolExecutor.shutdown

    def close_and_release(pool: ThreadPoolExecutor, **options: bool) -> None:
        shutdown(pool, wait=False)
        released.set()
        shutdown(pool, **options)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", close_and_release)
    async with open_image_publisher(ImageLimits()) as publisher:
        # The first read counts the pixels, and the second one is for decoding.
        upload = BlockedUpload(released, unblocked_reads=int(is_decoding))
        publishing = asyncio.create_task(publish_by(publisher, upload))
        await asyncio.to_thread(upload.started.wait, 60)

    if is_decoding:
        assert (await publishing).image.width == 64
    else:
        with pytest.raises(Unavailable):
            await publishing


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
        plain_jpeg(progressive=True, icc_profile=SWAPPED_PROFILE),
        transparent_png(),
        annotated_png(),
        encode(sample_image(mode="P"), "PNG", icc_profile=SWAPPED_PROFILE),
        still_gif(),
        animated_gif(),
    ]
    for _ in range(40):
        upload = mutate(rng.choice(originals), rng)
        try:
            result = await publish_by(publisher, upload)
        except (UnsupportedImageType, InvalidImage):
            continue
        image = decode(result.content)
        assert image.size == (result.image.width, result.image.height)
        assert image.format == result.image.format.name
        assert SECRET not in result.content
        again = await publish_by(publisher, result.content)
        assert again.image.width == result.image.width
