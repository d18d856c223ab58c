import struct
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageSequence

from tests.integration.image_publishing import publish
from tests.support.images import SECRET, animated_gif, decode, gif, gif_frame

PIXEL = gif_frame(0, 0, 1, 1)


def frames_of(content: bytes) -> list[tuple[bytes, Any]]:
    """Return the visible pixels of each frame as a viewer shows it, with its delay."""
    frames = list[tuple[bytes, Any]]()
    for frame in ImageSequence.Iterator(decode(content)):
        visible = Image.new("RGBA", frame.size)
        visible.alpha_composite(frame.convert("RGBA"))
        frames.append((visible.tobytes(), frame.info.get("duration")))
    return frames


def pixels_of(content: bytes) -> list[bytes]:
    return [pixels for pixels, _ in frames_of(content)]


@pytest.mark.parametrize("delays", [(100, 0, 70), (20, 655_350), (40,) * 30])
async def test_an_animation_keeps_its_frames_and_delays(delays: Sequence[int]) -> None:
    upload = animated_gif(delays)

    published = frames_of((await publish(upload)).content)

    assert published == frames_of(upload)
    assert [delay for _, delay in published] == list(delays)


@pytest.mark.parametrize("loops", [None, 0, 1, 3, 65_535])
async def test_an_animation_keeps_its_number_of_loops(loops: int | None) -> None:
    published = (await publish(animated_gif(loops=loops))).content

    assert decode(published).info.get("loop") == loops


async def test_the_canvas_grows_to_contain_all_frames() -> None:
    result = await publish(gif(0, 0, [gif_frame(0, 0, 1, 1), gif_frame(4, 2, 1, 1)]))

    assert (result.image.width, result.image.height) == decode(result.content).size == (5, 3)


@pytest.mark.parametrize(
    "upload",
    [
        b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + PIXEL + b";",  # gray
        gif(1, 1, [PIXEL, PIXEL[:-4] + b"\x02\x4c\x01\0"]),  # only the later one has color 1
    ],
    ids=["without a palette", "two frames with the global palette"],
)
async def test_frames_look_the_same_without_a_palette_of_their_own(upload: bytes) -> None:
    assert pixels_of((await publish(upload)).content) == pixels_of(upload)


@pytest.mark.parametrize("is_local", [False, True])
async def test_colors_that_no_pixel_uses_are_dropped(is_local: bool) -> None:
    palette = SECRET.ljust(768, b"!")
    flags = 0x80 | 7
    # The pixel has index 3. The background has another one.
    frame = struct.pack("<HHHHB", 0, 0, 1, 1, flags if is_local else 0)
    frame = b"," + frame + (palette if is_local else b"") + b"\x02\x02\x5c\x01\0"
    upload = b"GIF89a" + struct.pack("<HHBBB", 1, 1, flags, 9, 0) + palette + frame + b";"

    published = (await publish(upload)).content

    assert pixels_of(published) == [palette[9:12] + b"\xff"]
    assert b"!!!" not in published
    assert published[11] == 0
