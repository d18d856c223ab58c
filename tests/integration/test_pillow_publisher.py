import asyncio
import io
import os
import random
import threading
from collections.abc import AsyncIterator

import pytest

from adapters.pillow import PillowImagePublisher, open_image_publisher
from adapters.pillow.allowance import Allowance
from adapters.pillow.animation import publish_gif
from domain.errors import NotAnImage, PictureRefused, Unavailable
from domain.media.image import ImageLimits
from tests.images import (
    SECRET,
    animated_gif,
    annotated_png,
    multi_picture_jpeg,
    opened,
    painting,
    phone_photo,
    plain_jpeg,
    saved,
    still_gif,
    swapped_profile,
    transparent_png,
    with_profile,
)

AT_ONCE = os.cpu_count() or 1
PLACES = AT_ONCE * 17
"""One is worked on by each processor, and sixteen wait for it."""


class HeldUpload(io.BytesIO):
    """An upload that is read only once it is let go, and says when its turn has come."""

    def __init__(self, held: threading.Event) -> None:
        super().__init__(plain_jpeg())
        self.reader: int | None = None
        self.begun = threading.Event()
        self._held = held

    def read(self, size: int | None = -1, /) -> bytes:
        self.reader = threading.get_ident()
        self.begun.set()
        assert self._held.wait(60)
        return super().read(size)


@pytest.fixture
async def pictures() -> AsyncIterator[PillowImagePublisher]:
    async with open_image_publisher(ImageLimits()) as pictures:
        yield pictures


@pytest.fixture
def held() -> threading.Event:
    return threading.Event()


async def test_pictures_are_made_off_the_event_loop(
    pictures: PillowImagePublisher, held: threading.Event
) -> None:
    upload = HeldUpload(held)

    publishing = asyncio.create_task(pictures.publish(upload))
    await asyncio.to_thread(upload.begun.wait, 60)
    # The loop is free while a picture is being made.
    held.set()

    assert (await publishing).image.width == 64
    assert upload.reader != threading.get_ident()


async def test_a_crowd_is_sent_away_and_let_in_again_when_there_is_room(
    pictures: PillowImagePublisher, held: threading.Event
) -> None:
    waiting = [asyncio.create_task(pictures.publish(HeldUpload(held))) for _ in range(PLACES)]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await pictures.publish(io.BytesIO(plain_jpeg()))

    held.set()
    assert len(await asyncio.gather(*waiting)) == PLACES
    await pictures.publish(io.BytesIO(plain_jpeg()))


async def test_who_stops_waiting_gives_the_place_back_and_harms_nobody(
    pictures: PillowImagePublisher, held: threading.Event
) -> None:
    uploads = [HeldUpload(held) for _ in range(PLACES)]
    tasks = [asyncio.create_task(pictures.publish(upload)) for upload in uploads]
    for upload in uploads[:AT_ONCE]:
        await asyncio.to_thread(upload.begun.wait, 60)

    # One that is being made, and one that waits.
    for gone in (tasks[0], tasks[-1]):
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    instead = asyncio.create_task(pictures.publish(io.BytesIO(still_gif())))
    held.set()

    assert len(await asyncio.gather(*tasks[1:-1], instead)) == PLACES - 1
    assert not uploads[-1].begun.is_set()


def test_work_that_nobody_waits_for_ends_at_the_next_step() -> None:
    abandoned = threading.Event()
    allowance = Allowance(ImageLimits(), abandoned)
    publish_gif(animated_gif(), allowance)

    abandoned.set()

    with pytest.raises(PictureRefused):
        publish_gif(animated_gif(), allowance)


async def test_closing_waits_for_the_picture_under_way(held: threading.Event) -> None:
    async with open_image_publisher(ImageLimits()) as pictures:
        upload = HeldUpload(held)
        publishing = asyncio.create_task(pictures.publish(upload))
        await asyncio.to_thread(upload.begun.wait, 60)
        asyncio.get_running_loop().call_soon(held.set)

    assert (await publishing).image.width == 64


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with a few bits flipped, bytes cut out or doubled, or its end cut off."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0 | 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                del changed[at : at + chance.randrange(1, 9)]
            case 3:
                changed[at:at] = changed[at // 2 : at // 2 + chance.randrange(1, 40)]
            case _:
                changed = changed[: max(at, 12)]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_is_broken_is_refused_or_published_whole(
    pictures: PillowImagePublisher, seed: int
) -> None:
    chance = random.Random(seed)
    whole = [
        phone_photo(),
        multi_picture_jpeg(),
        with_profile(saved(painting(mode="RGB"), "JPEG", progressive=True), swapped_profile()),
        transparent_png(),
        annotated_png(),
        saved(painting(mode="P"), "PNG", icc_profile=swapped_profile()),
        still_gif(),
        animated_gif(),
    ]
    for _ in range(40):
        upload = mutated(chance.choice(whole), chance)
        try:
            result = await pictures.publish(io.BytesIO(upload))
        except (NotAnImage, PictureRefused):
            continue
        image = opened(result.content)
        assert image.size == (result.image.width, result.image.height)
        assert image.format == result.image.format.name
        assert SECRET not in result.content
        again = await pictures.publish(io.BytesIO(result.content))
        assert again.image.width == result.image.width
