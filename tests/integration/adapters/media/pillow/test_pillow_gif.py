import struct
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageSequence

from tests.integration.adapters.media.pillow.image_publishing import publish
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


@pytest.mark.parametrize("delays", [(100, 0, 70), (20, 655_350)])
async def test_an_animation_keeps_its_frames_and_delays(delays: Sequence[int]) -> None:
    upload = animated_gif(delays)

    published = frames_of((await publish(upload)).content)

    assert published == frames_of(upload)
    assert [delay for _, delay in published] == list(delays)


@pytest.mark.parametrize("loops", [None, 0, 65_535])
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


COLORS = {"R": (255, 0, 0), "K": (0, 0, 0), "G": (0, 200, 0), "B": (0, 0, 255)}


def row_gif(*frames: tuple[str, str, int, int]) -> bytes:
    """Return a GIF that is a row of three pixels, with one palette for all frames.

    A frame has its pixels, which of these colors is transparent, its disposal and its place.
    """
    names = "".join(COLORS)
    content = b"GIF89a" + struct.pack("<HHBBB", 3, 1, 0x81, 0, 0)
    content += bytes(level for color in COLORS.values() for level in color)
    for pixels, transparent, disposal, left in frames:
        index = names.index(transparent) if transparent else 0
        content += b"!\xf9\4" + struct.pack(
            "<BHBB", disposal << 2 | bool(transparent), 10, index, 0
        )
        content += b"," + struct.pack("<HHHHB", left, 0, len(pixels), 1, 0)
        # Codes of three bits: 4 before each pixel, so that they do not grow, and 5 at the end.
        codes = [code for name in pixels for code in (4, names.index(name))] + [5]
        number = sum(code << 3 * place for place, code in enumerate(codes))
        data = number.to_bytes(-(-3 * len(codes) // 8), "little")
        content += bytes([2, len(data)]) + data + b"\0"
    return content + b";"


@pytest.mark.parametrize(
    ("frames", "shown"),
    [
        ([("RKR", "K", 1, 0), ("KKG", "", 1, 0)], ["R.R", "KKG"]),
        ([("RGR", "G", 2, 0), ("KKG", "K", 1, 0)], ["R.R", "..G"]),
        ([("RKR", "K", 3, 0), ("GKK", "K", 2, 0), ("KKG", "K", 1, 0)], ["R.R", "G..", "..G"]),
        ([("RRR", "", 3, 0), ("G", "", 1, 1)], ["RRR", ".G."]),
        ([("KRK", "", 1, 0), ("K", "B", 2, 0), ("G", "", 1, 2)], ["KRK", "KRK", ".RG"]),
    ],
)
async def test_each_frame_has_its_own_transparent_index_and_clears_to_nothing(
    frames: list[tuple[str, str, int, int]], shown: list[str]
) -> None:
    published = (await publish(row_gif(*frames))).content

    names = {bytes((*color, 255)): name for name, color in COLORS.items()} | {bytes(4): "."}
    rows = [
        "".join(names[pixels[at : at + 4]] for at in range(0, len(pixels), 4))
        for pixels in pixels_of(published)
    ]
    # Equal frames may be one.
    assert [row for row, before in zip(rows, ["", *rows], strict=False) if row != before] == [
        row for row, before in zip(shown, ["", *shown], strict=False) if row != before
    ]
