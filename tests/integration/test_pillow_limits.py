from collections.abc import Callable

import pytest
from PIL import Image

from domain.media.image import ImageLimits
from tests.images import (
    animated_gif,
    animated_png,
    frame_bomb_gif,
    gif,
    gif_frame,
    growing_gif,
    pixel_bomb_jpeg,
    pixel_bomb_png,
    plain_jpeg,
    scan_bomb_jpeg,
    still_gif,
    transparent_png,
)
from tests.integration.publishing import publish, refusal_of

LIMITS = ImageLimits()
PIXELS = 64 * 48
BUILDERS = [plain_jpeg, transparent_png, still_gif, animated_gif]
TOO_LONG = "The image takes too long to read."


@pytest.mark.parametrize("build", BUILDERS)
async def test_a_picture_may_have_as_many_pixels_as_the_limit(
    build: Callable[[], bytes],
) -> None:
    await publish(build(), max_pixels=PIXELS)

    refusal = await refusal_of(build(), max_pixels=PIXELS - 1)
    assert refusal == f"The image has more than {PIXELS - 1} pixels."


@pytest.mark.parametrize("bomb", [pixel_bomb_jpeg, pixel_bomb_png, growing_gif])
async def test_pixels_are_counted_before_any_is_decoded(bomb: Callable[[], bytes]) -> None:
    assert await refusal_of(bomb()) == f"The image has more than {LIMITS.max_pixels} pixels."


async def test_an_animation_may_have_as_many_frames_as_the_limit() -> None:
    await publish(animated_gif(), max_frames=3)

    assert await refusal_of(animated_gif(), max_frames=2) == "The image has more than 2 frames."


async def test_frames_are_counted_before_any_is_decoded() -> None:
    assert (
        await refusal_of(frame_bomb_gif()) == f"The image has more than {LIMITS.max_frames} frames."
    )


async def test_an_animation_may_have_as_many_pixels_in_all_as_the_limit() -> None:
    await publish(animated_gif(), max_total_pixels=3 * PIXELS)

    refusal = await refusal_of(animated_gif(), max_total_pixels=3 * PIXELS - 1)
    assert refusal == f"The image has more than {3 * PIXELS - 1} pixels in all its frames."


async def test_a_small_frame_counts_as_the_canvas_that_it_is_shown_on() -> None:
    small_frames = gif(1_000, 1_000, [gif_frame(0, 0, 1, 1)] * 151)

    refusal = await refusal_of(small_frames)
    assert refusal == f"The image has more than {LIMITS.max_total_pixels} pixels in all its frames."


async def test_pictures_that_are_not_published_do_not_count() -> None:
    await publish(animated_png(), max_frames=1, max_total_pixels=PIXELS)


@pytest.mark.parametrize("build", BUILDERS)
async def test_a_picture_may_take_only_so_long(build: Callable[[], bytes]) -> None:
    assert await refusal_of(build(), max_seconds=0.0) == TOO_LONG


async def test_a_photo_that_is_to_be_gone_over_again_and_again_takes_too_long() -> None:
    await publish(scan_bomb_jpeg(scans=10))

    assert await refusal_of(scan_bomb_jpeg(scans=100)) == TOO_LONG


@pytest.mark.parametrize("build", BUILDERS)
async def test_a_published_picture_may_be_as_large_as_the_limit(
    build: Callable[[], bytes],
) -> None:
    size = (await publish(build())).image.bytes

    assert (await publish(build(), max_bytes=size)).image.bytes == size
    refusal = await refusal_of(build(), max_bytes=size - 1)
    assert refusal == f"The image is larger than {size - 1} bytes once encoded."


async def test_the_decoders_own_guard_does_not_warn_of_what_the_limits_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", PIXELS - 1)

    await publish(plain_jpeg())
