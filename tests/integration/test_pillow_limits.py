from collections.abc import Callable
from threading import Event

import pytest
from PIL import Image

from adapters.pillow.limits import MAX_BLOCKS, LimitChecker
from domain.errors import InvalidImage, InvalidImageReason
from domain.media.image import ImageLimits
from tests.integration.image_publishing import publish, publish_error
from tests.support.images import (
    animated_gif,
    animated_png,
    chunk,
    frame_bomb_gif,
    gif,
    gif_frame,
    growing_gif,
    pixel_bomb_jpeg,
    pixel_bomb_png,
    plain_jpeg,
    scan_bomb_jpeg,
    segment,
    still_gif,
    transparent_png,
)

LIMITS = ImageLimits()
PIXELS = 64 * 48
BUILDERS = [plain_jpeg, transparent_png, still_gif, animated_gif]
TIMEOUT_MESSAGE = "The image takes too long to read."


@pytest.mark.parametrize(
    ("check", "reason", "limit"),
    [
        (lambda checker: checker.check_size(0, 1), "broken", None),
        (lambda checker: checker.check_size(11, 1), "too_many_pixels", 10),
        (lambda checker: checker.check_frames(4, 1, 1), "too_many_frames", 3),
        (lambda checker: checker.check_frames(3, 10, 1), "too_many_total_pixels", 20),
        (lambda checker: checker.check_encoded_size(31), "too_many_bytes", 30),
        (lambda checker: checker.check_scans(101), "too_complex", None),
        (
            lambda checker: [checker.check_block() for _ in range(MAX_BLOCKS + 1)],
            "too_many_blocks",
            MAX_BLOCKS,
        ),
    ],
)
def test_an_exceeded_limit_is_the_reason_of_the_error(
    check: Callable[[LimitChecker], object], reason: str, limit: int | None
) -> None:
    limits = ImageLimits(max_pixels=10, max_frames=3, max_total_pixels=20, max_bytes=30)
    with pytest.raises(InvalidImage) as raised:
        check(LimitChecker(limits, Event()))
    assert (raised.value.reason, raised.value.limit) == (InvalidImageReason(reason), limit)


@pytest.mark.parametrize("build", BUILDERS)
async def test_max_pixels_is_enforced(
    build: Callable[[], bytes],
) -> None:
    await publish(build(), max_pixels=PIXELS)

    message = await publish_error(build(), max_pixels=PIXELS - 1)
    assert message == f"The image has more than {PIXELS - 1} pixels."


@pytest.mark.parametrize("bomb", [pixel_bomb_jpeg, pixel_bomb_png, growing_gif])
async def test_pixels_are_counted_before_decoding(bomb: Callable[[], bytes]) -> None:
    assert await publish_error(bomb()) == f"The image has more than {LIMITS.max_pixels} pixels."


async def test_max_frames_is_enforced() -> None:
    await publish(animated_gif(), max_frames=3)

    assert await publish_error(animated_gif(), max_frames=2) == "The image has more than 2 frames."


async def test_frames_are_counted_before_decoding() -> None:
    assert (
        await publish_error(frame_bomb_gif())
        == f"The image has more than {LIMITS.max_frames} frames."
    )


async def test_max_total_pixels_is_enforced() -> None:
    await publish(animated_gif(), max_total_pixels=3 * PIXELS)

    message = await publish_error(animated_gif(), max_total_pixels=3 * PIXELS - 1)
    assert message == f"The image has more than {3 * PIXELS - 1} pixels in all its frames."


async def test_a_small_frame_counts_as_the_whole_canvas() -> None:
    small_frames = gif(1_000, 1_000, [gif_frame(0, 0, 1, 1)] * 151)

    message = await publish_error(small_frames)
    assert message == f"The image has more than {LIMITS.max_total_pixels} pixels in all its frames."


async def test_frames_that_are_not_published_do_not_count() -> None:
    await publish(animated_png(), max_frames=1, max_total_pixels=PIXELS)


@pytest.mark.parametrize("build", BUILDERS)
async def test_max_seconds_is_enforced(build: Callable[[], bytes]) -> None:
    assert await publish_error(build(), max_seconds=0.0) == TIMEOUT_MESSAGE


async def test_the_number_of_scans_of_a_photo_is_limited() -> None:
    await publish(scan_bomb_jpeg(scans=10))

    assert await publish_error(scan_bomb_jpeg(scans=100)) == TIMEOUT_MESSAGE


@pytest.mark.parametrize(
    ("build", "signature_length", "block"),
    [
        (plain_jpeg, 2, segment(0xFE, b"")),
        (transparent_png, 33, chunk(b"teXt", b"")),
        (still_gif, 13 + 768, b"!\xfe\0"),
    ],
)
async def test_the_number_of_blocks_is_limited(
    build: Callable[[], bytes], signature_length: int, block: bytes
) -> None:
    image = build()

    def with_blocks(count: int) -> bytes:
        return image[:signature_length] + block * count + image[signature_length:]

    await publish(with_blocks(MAX_BLOCKS // 2))
    message = await publish_error(with_blocks(MAX_BLOCKS))
    assert message == f"The image has more than {MAX_BLOCKS} blocks."


@pytest.mark.parametrize("build", BUILDERS)
async def test_max_bytes_is_enforced(
    build: Callable[[], bytes],
) -> None:
    size = (await publish(build())).image.bytes

    assert (await publish(build(), max_bytes=size)).image.bytes == size
    message = await publish_error(build(), max_bytes=size - 1)
    assert message == f"The image is larger than {size - 1} bytes once encoded."


async def test_pillow_does_not_warn_about_allowed_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", PIXELS - 1)

    await publish(plain_jpeg())
