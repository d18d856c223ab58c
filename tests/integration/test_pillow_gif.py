import struct
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image

from tests.images import (
    SECRET,
    animated_gif,
    differ,
    gif,
    gif_control,
    gif_frame,
    opened,
    painting,
    saved,
    still_gif,
)
from tests.integration.publishing import publish, refusal_of

WHITE, BLACK = (255, 255, 255, 255), (0, 0, 0, 255)
PIXEL = gif_frame(0, 0, 1, 1)


def frames_of(content: bytes) -> list[Image.Image]:
    """Every frame as a viewer shows it."""
    image = opened(content)
    shown = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        shown.append(image.convert("RGBA"))
    return shown


def manner_of(content: bytes) -> list[Any]:
    """How long each frame is shown, and what becomes of it."""
    image = opened(content)
    manner = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        manner.append((image.info.get("duration"), getattr(image, "disposal_method", None)))
    return manner


@pytest.mark.parametrize("times", [(100, 0, 70), (0,) * 5, (20, 655_350), (40,) * 30])
async def test_an_animation_is_published_frame_for_frame(times: Sequence[int]) -> None:
    upload = animated_gif(times)

    published = (await publish(upload)).content

    before, after = frames_of(upload), frames_of(published)
    assert len(after) == len(before) == len(times)
    assert [differ(*both) for both in zip(before, after, strict=True)] == [0] * len(times)
    assert manner_of(published) == manner_of(upload)
    assert [time for time, _ in manner_of(published)] == list(times)


@pytest.mark.parametrize("loops", [None, 0, 1, 3, 65_535])
async def test_an_animation_is_played_as_often_as_before(loops: int | None) -> None:
    published = (await publish(animated_gif(loops=loops))).content

    assert opened(published).info.get("loop") == loops


async def test_a_still_picture_stays_one() -> None:
    upload = still_gif()

    published = opened((await publish(upload)).content)

    assert getattr(published, "n_frames", 1) == 1
    assert differ(published, opened(upload)) == 0
    assert published.tobytes() == opened(upload).tobytes()


@pytest.mark.parametrize("interlace", [0, 1])
async def test_an_interlaced_picture_is_published_unchanged(interlace: int) -> None:
    upload = saved(painting(mode="L"), "GIF", interlace=interlace)

    assert differ(opened((await publish(upload)).content), painting(mode="L")) == 0


async def test_nothing_but_the_frames_is_published() -> None:
    upload = animated_gif()
    assert b"XMP Data" in upload

    content = (await publish(upload)).content

    assert content.count(b"!\xfe") == 0
    assert b"XMP Data" not in content
    assert SECRET not in content
    assert content.endswith(b"\0;")


async def test_the_canvas_grows_to_hold_frames_that_stick_out() -> None:
    result = await publish(gif(0, 0, [gif_frame(0, 0, 1, 1), gif_frame(4, 2, 1, 1)]))

    assert (result.image.width, result.image.height) == (5, 3)
    assert opened(result.content).size == (5, 3)
    assert struct.unpack_from("<HH", result.content, 6) == (5, 3)


async def test_frames_without_any_palette_are_greys() -> None:
    upload = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + PIXEL + b";"

    [frame] = frames_of((await publish(upload)).content)

    assert frame.getpixel((0, 0)) == frames_of(upload)[0].getpixel((0, 0))


async def test_an_index_beyond_the_palette_gets_a_colour() -> None:
    # The one pixel is of index 3, in a palette of black and white.
    upload = gif(1, 1, [b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x5c\x01\0"])

    published = (await publish(upload)).content

    assert opened(published).tobytes() == b"\3"
    assert frames_of(published)[0].getpixel((0, 0)) == BLACK


async def test_a_background_beyond_the_palette_is_none() -> None:
    upload = bytearray(gif(1, 1, [PIXEL]))
    upload[11] = 200

    assert (await publish(bytes(upload))).content[11] == 0


async def test_what_was_said_of_a_text_is_not_taken_for_the_next_frame() -> None:
    text = b"!\x01\x0c" + bytes(12) + b"\x02hi\0"

    published = (await publish(gif(1, 1, [gif_control(2, 50, 1), text, PIXEL]))).content

    assert b"!" not in published


@pytest.mark.parametrize("ending", [b"", b";", b"\0\0", b"trailing"])
async def test_what_ends_a_file_after_a_whole_frame_is_its_end(ending: bytes) -> None:
    upload = gif(1, 1, [PIXEL])

    assert await publish(upload[:-1] + ending) == await publish(upload)


@pytest.mark.parametrize(
    "broken",
    [
        gif(1, 1, []),
        gif(1, 1, [gif_frame(0, 0, 0, 1)]),
        gif(1, 1, [gif_frame(0, 0, 1, 0)]),
        gif(9, 9, [gif_frame(0, 0, 9, 9)]),
        gif(1, 1, [b"!\xf9\x01\0\0", PIXEL]),
        gif(1, 1, [PIXEL, PIXEL[:12]])[:-1],
        gif(1, 1, [PIXEL, PIXEL[:5]])[:-1],
        gif(1, 1, [PIXEL, b"!\xfe\x20short"]),
        gif(1, 1, [PIXEL])[:14],
    ],
    ids=[
        "no frame",
        "no width",
        "no height",
        "too few pixels",
        "a short control",
        "a frame cut in its pixels",
        "a frame cut in its head",
        "a comment that goes on beyond the end",
        "half a palette",
    ],
)
async def test_a_gif_that_lacks_what_it_needs_is_broken(broken: bytes) -> None:
    assert await refusal_of(broken) == "The image is broken."
